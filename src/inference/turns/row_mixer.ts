/** Mixes the participants of a row into one stream. @module */
import type { ParticipantAudio } from "../../edge/participant_audio.ts";
import type { Participant } from "../../edge/types.ts";
import { PcmChunk } from "../../audio/pcm_chunk.ts";
import { rms } from "../../audio/level.ts";

/** A participant without audio for so many rows is not waited for. */
const GONE_AFTER_ROWS = 10;

/**
 * Mixes the participants into one stream, row by row. The audio of a single participant is emitted
 * immediately; of several, a row is complete when all are in, or the next row begins.
 */
export class RowMixer {
  readonly #emit: (audio: ParticipantAudio) => void | Promise<void>;
  readonly #lastRows = new Map<string, number>();
  #sum: Int32Array = new Int32Array(0);
  #mix: PcmChunk | undefined;
  #row = -1;
  #playedMs: number | undefined;
  #count = 0;
  #loudest: Participant | undefined;
  #level = 0;

  /**
   * `emit` gets the mix of 20 ms, a view that is valid until its promise settles; its participant is
   * the loudest in it.
   */
  constructor(emit: (audio: ParticipantAudio) => void | Promise<void>) {
    this.#emit = emit;
  }

  /** Takes 20 ms of a participant; a promise is to be waited for before the next. */
  push(audio: ParticipantAudio): void | Promise<void> {
    const before = audio.row === this.#row ? undefined : this.flush();
    return before ? before.then(() => this.#add(audio)) : this.#add(audio);
  }

  #add({ participant, pcm, row, playedMs }: ParticipantAudio): void | Promise<void> {
    this.#row = row;
    this.#playedMs = playedMs;
    this.#lastRows.set(participant.id, row);
    if (this.#sum.length !== pcm.samples.length) {
      this.#sum = new Int32Array(pcm.samples.length);
      this.#mix = new PcmChunk(new Int16Array(pcm.samples.length), pcm);
    }
    for (let n = 0; n < pcm.samples.length; n++) this.#sum[n]! += pcm.samples[n]!;
    const level = rms(pcm.samples);
    if (this.#count++ === 0 || level > this.#level) {
      this.#level = level;
      this.#loudest = participant;
    }
    if (this.#isComplete()) return this.flush();
  }

  /** Emits what there is of the row. */
  flush(): void | Promise<void> {
    if (this.#count === 0) return;
    // The receiver of the last one may have transferred its buffer, as to a worker.
    if (this.#mix!.samples.length === 0) {
      this.#mix = new PcmChunk(new Int16Array(this.#sum.length), this.#mix!);
    }
    const { samples } = this.#mix!;
    for (let n = 0; n < samples.length; n++) {
      samples[n] = Math.max(-32_768, Math.min(32_767, this.#sum[n]!));
    }
    this.#sum.fill(0);
    this.#count = 0;
    return this.#emit({
      trackId: "", // it is a mix of tracks
      pcm: this.#mix!,
      participant: this.#loudest!,
      row: this.#row,
      playedMs: this.#playedMs,
    });
  }

  /** Whether the row has all participants who had audio lately. */
  #isComplete(): boolean {
    for (const [id, row] of this.#lastRows) {
      if (this.#row - row > GONE_AFTER_ROWS) this.#lastRows.delete(id);
    }
    return this.#count >= this.#lastRows.size;
  }
}
