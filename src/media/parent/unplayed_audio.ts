/** The agent's audio that a media process has and is not known to have played. @module */
import type { PlayoutChunk } from "../../edge/audio_track.ts";
import { ROOM_RATE, samplesToMs } from "../wire/time.ts";

/** The chunks of one epoch from the first that was not wholly played, and which of them were sent. */
export class UnplayedAudio {
  readonly #chunks: PlayoutChunk[] = [];
  /** How many of them were sent. */
  #sent = 0;
  /** Samples of the epoch before the first chunk. */
  #start = 0;
  /** Samples of the epoch that were played or trimmed. */
  #passed = 0;

  /** Whether a chunk is to be sent. */
  get hasNext(): boolean {
    return this.#sent < this.#chunks.length;
  }

  /** The chunk that is sent next. */
  get next(): PlayoutChunk | undefined {
    return this.#chunks[this.#sent];
  }

  /** How much of it is kept. */
  get durationMs(): number {
    return samplesToMs(this.#chunks.reduce((sum, { samples }) => sum + samples.length, 0));
  }

  /** Adds a chunk; copies it, since its samples are only valid until the next is read. */
  add({ samples, epoch, final }: PlayoutChunk): void {
    this.#chunks.push({ samples: samples.slice(), epoch, final });
  }

  /** The next chunk was sent. */
  sent(): void {
    this.#sent++;
  }

  /** So much of the epoch was played or trimmed: chunks that are over are forgotten. */
  passed(ms: number): void {
    this.#passed = Math.round(ms * ROOM_RATE / 1000);
    while (this.#sent > 0 && this.#start + this.#chunks[0]!.samples.length <= this.#passed) {
      this.#start += this.#chunks.shift()!.samples.length;
      this.#sent--;
    }
  }

  /** Sends again what was not played. */
  rewind(): void {
    this.#sent = 0;
    const [first] = this.#chunks;
    const played = this.#passed - this.#start;
    if (first === undefined || played <= 0) return;
    this.#chunks[0] = { ...first, samples: first.samples.subarray(played) };
    this.#start = this.#passed;
  }

  /** Begins another epoch. */
  clear(): void {
    this.#chunks.length = 0;
    this.#sent = this.#start = this.#passed = 0;
  }
}
