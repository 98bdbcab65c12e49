/** How a connection hands received audio to its agent. @module */
import type { AudioRow } from "./edge_agent.ts";
import type { Clock } from "../events/clock.ts";
import type { EmitConnectionEvent } from "./call_state.ts";
import type { MutableParticipantAudio } from "./participant_audio.ts";
import type { Participant } from "./types.ts";
import type { Report } from "../events/user_code.ts";
import { PcmChunk } from "../audio/pcm_chunk.ts";
import { DropCounter } from "../events/drop_counter.ts";
import { UserHook } from "../events/user_code.ts";
import { AudioReceivedEvent } from "./events.ts";

/** Options for an {@linkcode AudioReceiver}. */
export interface AudioReceiverInit {
  clock: Clock;
  /** The agent's method. */
  receiveRow: (row: AudioRow) => void;
  /** Returns whether the program has subscribed to `AudioReceivedEvent`. */
  isSubscribed: () => boolean;
  emit: EmitConnectionEvent;
  report: Report;
}

/**
 * Hands audio to the agent in direct calls that allocate nothing; objects for events and copies are
 * created only where the program has subscribed to them.
 */
export class AudioReceiver {
  readonly #init: AudioReceiverInit;
  readonly #unknown: DropCounter;
  readonly #receive: UserHook<AudioRow>;
  /** The row that carries a single participant's audio to the agent. */
  readonly #row: AudioRow = { count: 1, entries: [] };
  /** The only entry of that row. */
  #audio: MutableParticipantAudio | undefined;

  constructor(init: AudioReceiverInit) {
    this.#init = init;
    const { clock, report } = init;
    this.#unknown = new DropCounter(clock, (dropped, total) => {
      report(
        new Error(`${dropped} chunks of audio from unknown participants dropped (${total} in all)`),
        "receiving audio",
      );
    });
    this.#receive = new UserHook<AudioRow>((row) => init.receiveRow(row), {
      clock,
      report,
      context: "the agent's receiveRow",
    });
  }

  /** Receives audio of one participant; of an unknown one it is dropped and counted. */
  receive(
    participant: Participant | undefined,
    pcm: PcmChunk,
    options: { trackId?: string; row?: number },
  ): void {
    if (!participant) return this.#unknown.add();
    this.deliver(participant, pcm, options.trackId ?? "", options.row);
    const { isSubscribed, emit } = this.#init;
    if (isSubscribed()) emit(AudioReceivedEvent, { participant, pcm: pcm.clone(), ...options });
  }

  /** Receives one row: a slot of each participant. */
  receiveRow(row: AudioRow): void {
    void this.#receive.run(row);
    const { isSubscribed, emit } = this.#init;
    if (!isSubscribed()) return;
    for (let index = 0; index < row.count; index++) {
      const { participant, trackId, pcm, row: number } = row.entries[index]!;
      const copy = new PcmChunk(pcm.samples.slice(), pcm);
      emit(AudioReceivedEvent, { participant, trackId, pcm: copy, row: number });
    }
  }

  /** Hands audio of one participant to the agent, without an event. */
  deliver(participant: Participant, pcm: PcmChunk, trackId: string, row = -1): void {
    const audio = this.#audio ??= { participant, trackId, pcm, row };
    audio.participant = participant;
    audio.trackId = trackId;
    audio.pcm = pcm;
    audio.row = row;
    this.#row.entries[0] = audio;
    void this.#receive.run(this.#row);
  }
}
