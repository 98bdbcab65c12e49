/** Rows of the wire, as rows of participants. @module */
import type { AudioRow } from "../../edge/edge_agent.ts";
import type { MutableParticipantAudio } from "../../edge/participant_audio.ts";
import type { Participant } from "../../edge/types.ts";
import { SLOT_MS } from "../../audio/grid.ts";
import { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { RowReader } from "../wire/audio_frames.ts";

/** The track whose slots carry a number. */
interface SourceTrack {
  readonly participantId: string;
  readonly trackId: string;
}

/** Turns rows of the wire, which name their sources by number, into rows of participants. */
export class AudioRows {
  readonly #sampleRate: number;
  readonly #participants: ReadonlyMap<string, Participant>;
  readonly #sources = new Map<number, SourceTrack>();
  readonly #entries: MutableParticipantAudio[] = [];
  readonly #row: AudioRow = { count: 0, entries: this.#entries };
  /** The latest row, and when it came. */
  #last = { number: -1, at: 0 };
  /** What is added to the numbers of a later process; it is known with its first row. */
  #offset: number | undefined = 0;

  constructor(sampleRate: number, participants: ReadonlyMap<string, Participant>) {
    this.#sampleRate = sampleRate;
    this.#participants = participants;
  }

  /** Another process counts its sources and rows anew: the time without any becomes a gap in the numbers. */
  restart(now: number): void {
    this.#sources.clear();
    this.#offset = undefined;
    this.#last.at ||= now;
  }

  addSource(number: number, source: SourceTrack): void {
    // A track that is added again has a new number.
    this.#forget(({ trackId }) => trackId === source.trackId);
    this.#sources.set(number, source);
  }

  forgetParticipant(id: string): void {
    this.#forget(({ participantId }) => participantId === id);
  }

  /**
   * Returns the row of the participants who are present: valid until the next row, maybe empty.
   *
   * @param playedMs how much of the agent's audio had been played when it was recorded, if known
   * @param now the clock's time
   */
  read(reader: RowReader, playedMs: number | undefined, now: number): AudioRow {
    const last = this.#last;
    this.#offset ??= last.number - reader.number +
      Math.max(1, Math.round((now - last.at) / SLOT_MS));
    last.number = reader.number + this.#offset;
    last.at = now;
    const row = this.#row;
    row.count = 0;
    for (let index = 0; index < reader.count; index++) {
      const source = this.#sources.get(reader.source(index));
      const participant = source && this.#participants.get(source.participantId);
      // They have left, and their audio was still on its way.
      if (participant === undefined) continue;
      const entry = this.#entry(row.count++, participant, reader.slotSamples);
      entry.participant = participant;
      entry.trackId = source!.trackId;
      entry.row = last.number;
      entry.playedMs = playedMs;
      reader.copySamples(index, entry.pcm.samples);
    }
    return row;
  }

  /** Samples are allocated once, for as many participants as were ever in one row. */
  #entry(index: number, participant: Participant, slotSamples: number): MutableParticipantAudio {
    const existing = this.#entries[index];
    if (existing?.pcm.samples.length === slotSamples) return existing;
    const pcm = new PcmChunk(new Int16Array(slotSamples), { sampleRate: this.#sampleRate });
    return this.#entries[index] = { participant, trackId: "", pcm, row: -1 };
  }

  #forget(matches: (source: SourceTrack) => boolean): void {
    for (const [number, source] of this.#sources) if (matches(source)) this.#sources.delete(number);
  }
}
