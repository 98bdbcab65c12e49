/** The replies that a realtime model has in progress. @module */
import type { PcmChunk } from "../../../audio/pcm_chunk.ts";
import type { Participant } from "../../../edge/types.ts";
import type { Clock } from "../../../events/clock.ts";
import type { SpeechOutput } from "../../speech/speech_output.ts";
import type { TranscriptMessage, TranscriptWriter } from "../../history/transcript_writer.ts";
import type { SpeechHandle, SpeechOutcome } from "../../speech/speech_handle.ts";
import type { RequestedReply } from "./requested_reply.ts";
import type { Synthesizer } from "../../speech/synthesizer.ts";
import { RealtimeReply } from "./realtime_reply.ts";
import { VoicedReply } from "./voiced_reply.ts";

/** A reply in progress of which nothing comes for so long has failed. */
const STALL_LIMIT_MS = 30_000;

/** The ids of so many replies that have ended are kept. */
const MAX_ENDED = 64;

/** What {@linkcode RealtimeReplies} needs. */
export interface RealtimeRepliesInit {
  clock: Clock;
  output: SpeechOutput;
  transcript: TranscriptWriter;
  /** Returns the voice that speaks what the model writes; `undefined` where that speaks itself. */
  voice: () => Synthesizer | undefined;
  /** Returns the participant whom a reply that begins now is for. */
  speaker: () => Participant | undefined;
  /** Returns whether people can interrupt the agent now. */
  allowsInterruption: () => boolean;
  /** Called when the listener hears the first sample of a reply; `requested`: the application's. */
  onPlaybackStarted: (speech: SpeechHandle, requested: RequestedReply | undefined) => void;
  /**
   * Called when a reply was played to its end, or interrupted; it may still be generated. The `id` is
   * empty where its session was lost.
   */
  onPlayed: (id: string, outcome: SpeechOutcome, speech: SpeechHandle) => void;
  /** Called with a reply whose text alone was wanted. */
  onWritten: (outcome: SpeechOutcome) => void;
  /** Called when nothing has come of a reply for too long. */
  onStalled: (id: string) => void;
}

/** A reply that is being generated, or played. */
interface CurrentReply {
  readonly id: string;
  /** The application's reply that it is a part of, if any. */
  readonly requested: RequestedReply | undefined;
  /** What is played of it, once there is something. */
  speech?: { readonly reply: RealtimeReply | VoicedReply; readonly message: TranscriptMessage };
  /** Whether its speech has ended: later components are ignored. */
  isPlayed: boolean;
  /** Whether it belongs to a session that was lost. */
  isLost: boolean;
  lastPartMs: number;
  stallTimer?: Disposable;
}

/** The replies of a realtime model: each is played and shown from the first that comes of it. */
export class RealtimeReplies {
  readonly #init: RealtimeRepliesInit;
  /** Those that are being generated. */
  readonly #current = new Map<string, CurrentReply>();
  /** Those that are played, or wait for it. */
  readonly #playing = new Set<CurrentReply>();
  /** Later components of these are ignored. */
  readonly #ended: string[] = [];

  constructor(init: RealtimeRepliesInit) {
    this.#init = init;
  }

  /** The ids of the replies that are being generated and of which nothing is played yet. */
  get silentIds(): readonly string[] {
    return this.#current.values().filter(({ speech }) => !speech).map(({ id }) => id).toArray();
  }

  /** A reply began. */
  start(id: string, requested: RequestedReply | undefined): void {
    const lastPartMs = this.#init.clock.now();
    const current = { id, requested, isPlayed: false, isLost: false, lastPartMs };
    this.#current.set(id, current);
    this.#watch(current);
  }

  addText(id: string, text: string): void {
    const speech = this.#speech(id);
    speech?.reply.addText(text);
    speech?.message.update({ text: speech.reply.text });
  }

  addAudio(id: string, pcm: PcmChunk): void {
    const speech = this.#speech(id);
    if (!this.requested(id)?.inText) speech?.reply.addAudio(pcm);
  }

  /** The application's reply that a reply is a part of, if any. */
  requested(id: string): RequestedReply | undefined {
    return this.#current.get(id)?.requested;
  }

  /** Whether anything of a reply is played, or was. */
  hasSpeech(id: string): boolean {
    return this.#current.get(id)?.speech !== undefined;
  }

  /**
   * Ends a reply: no more of it comes; with an error, what came is not all of it. Returns the
   * application's reply that it is a part of, if any.
   */
  end(id: string, error?: unknown): RequestedReply | undefined {
    const current = this.#current.get(id);
    if (!current) return undefined;
    this.#forget(current);
    current.speech?.reply.end(error);
    if (current.requested?.inText) this.#written(current, error);
    return current.requested;
  }

  /** Drops a reply of which nothing is played yet: it will not be. */
  drop(id: string): void {
    const current = this.#current.get(id);
    if (!current) return;
    current.isPlayed = true;
    current.requested?.interrupt();
  }

  /** Ends a reply whose text alone is wanted, as if nothing of it had come. */
  takeBack(id: string): void {
    const current = this.#current.get(id);
    const { requested, speech } = current ?? {};
    if (!current || !requested) return;
    this.#forget(current);
    speech?.message.update({ text: "", complete: true });
    if (speech) requested.release();
  }

  /** Ends all replies: what there is of them is played, with an error as what was cut off. */
  endAll(error?: unknown): void {
    for (const playing of this.#playing) playing.isLost = true;
    for (const current of [...this.#current.values()]) {
      current.isLost = true;
      const requested = this.end(current.id, error);
      requested?.release(current.speech ? undefined : { text: "", interrupted: true });
    }
    // Another session may use the same ids.
    this.#ended.length = 0;
  }

  /** No more of a reply comes. */
  #forget({ id, stallTimer }: CurrentReply): void {
    this.#current.delete(id);
    this.#ended.push(id);
    if (this.#ended.length > MAX_ENDED) this.#ended.shift();
    stallTimer?.[Symbol.dispose]();
  }

  /** Returns what is played of a reply, from now on where it is new; `undefined` once played. */
  #speech(id: string): CurrentReply["speech"] {
    if (this.#ended.includes(id)) return undefined;
    if (!this.#current.has(id)) this.start(id, undefined);
    const current = this.#current.get(id)!;
    current.lastPartMs = this.#init.clock.now();
    if (current.isPlayed || current.requested?.isInterrupted) return undefined;
    return current.speech ??= this.#play(current);
  }

  /** A reply whose text alone is wanted is over. */
  #written({ requested, speech }: CurrentReply, error: unknown): void {
    if (!speech) return;
    const outcome = { text: speech.reply.text, interrupted: error !== undefined };
    speech.message.update({ ...outcome, complete: true });
    this.#init.onWritten(outcome);
    requested!.release(outcome);
  }

  #play(current: CurrentReply): CurrentReply["speech"] {
    const { output, transcript, speaker, allowsInterruption, onPlaybackStarted, onPlayed } =
      this.#init;
    const { id, requested } = current;
    const voice = requested?.inText ? undefined : this.#init.voice();
    const reply = voice ? new VoicedReply(voice) : new RealtimeReply();
    const message = transcript.openAgentMessage("");
    requested?.hold();
    if (requested?.inText) return { reply, message };
    this.#playing.add(current);
    const speech = output.play({
      audio: (speech) => reply.audio(speech),
      spoken: reply.spoken,
      participant: speaker(),
      message,
      allowsInterruption: () => allowsInterruption() && requested?.allowsInterruption !== false,
      onStopped: () => reply.end(),
      onPlaybackStarted: (speech) => onPlaybackStarted(speech, requested),
      onEnded: (outcome, speech) => {
        current.isPlayed = true;
        this.#playing.delete(current);
        try {
          onPlayed(current.isLost ? "" : id, outcome, speech);
        } finally {
          // What was heard of it is the outcome instead.
          if (speech.failure && outcome.text === "") requested?.fail(speech.failure.error);
          else requested?.release(outcome);
        }
      },
    });
    voice?.assign(speech);
    return { reply, message };
  }

  /** Watches that something comes of a reply that is being generated. */
  #watch(current: CurrentReply): void {
    const { clock, onStalled } = this.#init;
    const dueMs = current.lastPartMs + STALL_LIMIT_MS - clock.now();
    if (dueMs <= 0) return onStalled(current.id);
    current.stallTimer = clock.schedule(() => this.#watch(current), dueMs);
  }
}
