import type { AudioRow } from "../../edge/edge_agent.ts";
import type { MutableParticipantAudio } from "../../edge/participant_audio.ts";
import type { Participant } from "../../edge/types.ts";
import { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { RowReader } from "../wire/audio_frames.ts";

/** Whose slots carry a number. */
interface Source {
  readonly participantId: string;
  readonly trackId: string;
}

/** Makes rows of participants out of rows of the wire, which name their sources by number. */
export class AudioRows {
  readonly #sampleRate: number;
  readonly #participants: ReadonlyMap<string, Participant>;
  readonly #sources = new Map<number, Source>();
  readonly #entries: MutableParticipantAudio[] = [];
  readonly #row: AudioRow = { count: 0, entries: this.#entries };

  constructor(sampleRate: number, participants: ReadonlyMap<string, Participant>) {
    this.#sampleRate = sampleRate;
    this.#participants = participants;
  }

  addSource(number: number, source: Source): void {
    // A track that came again has a new number.
    this.#forget(({ trackId }) => trackId === source.trackId);
    this.#sources.set(number, source);
  }

  forgetParticipant(id: string): void {
    this.#forget(({ participantId }) => participantId === id);
  }

  /**
   * What was heard of those who are here: valid until the next row, and maybe empty.
   *
   * @param playedMs how much of what the agent says had been played then, where that is known
   */
  read(reader: RowReader, playedMs: number | undefined): AudioRow {
    const row = this.#row;
    row.count = 0;
    for (let index = 0; index < reader.count; index++) {
      const source = this.#sources.get(reader.source(index));
      const participant = source && this.#participants.get(source.participantId);
      // He has left: what was on its way from him is of no use any more.
      if (participant === undefined) continue;
      const entry = this.#entry(row.count++, participant, reader.slotSamples);
      entry.participant = participant;
      entry.trackId = source!.trackId;
      entry.row = reader.number;
      entry.playedMs = playedMs;
      reader.copySamples(index, entry.pcm.samples);
    }
    return row;
  }

  /** The samples are allocated once for as many participants as ever were in one row. */
  #entry(index: number, participant: Participant, slotSamples: number): MutableParticipantAudio {
    const existing = this.#entries[index];
    if (existing?.pcm.samples.length === slotSamples) return existing;
    const pcm = new PcmChunk(new Int16Array(slotSamples), { sampleRate: this.#sampleRate });
    return this.#entries[index] = { participant, trackId: "", pcm, row: -1 };
  }

  #forget(matches: (source: Source) => boolean): void {
    for (const [number, source] of this.#sources) if (matches(source)) this.#sources.delete(number);
  }
}
