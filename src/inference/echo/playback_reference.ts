/** What the agent plays, in the time of the room: echo is compared with it. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import { EchoBand } from "./echo_band.ts";

const { RATE, ROW } = EchoBand;
/** What was written is kept for 10 s: more than a track buffers plus the longest stall. */
const WRITTEN = 10 * RATE;
/** What was played is kept for as many rows: audio that waited during a stall is compared to it. */
const ROWS = 512;

/**
 * What the agent plays, aligned with the rows of the room: what was written to its track, placed by
 * how much of the track had been played at each row. Echo is detected by comparing with it.
 */
export class PlaybackReference {
  readonly #band = new EchoBand();
  readonly #written = new Float32Array(WRITTEN);
  readonly #played = new Float32Array(ROWS * ROW);
  /** Where on the track the next sample is written. */
  #writeAt = 0;
  #row = -1;
  #playedTo = 0;
  /** The row in which something was played last. */
  #movedRow = -ROWS;
  /** The row of the last sound. */
  #soundRow = -Infinity;

  /** Records what was written to the track at this position; mono. */
  write(pcm: PcmChunk, startMs: number): void {
    const at = samples(startMs);
    if (Math.abs(at - this.#writeAt) > 2) {
      this.#band.reset();
      this.#writeAt = at;
    }
    const band = this.#band.take(pcm), written = this.#written;
    let to = this.#writeAt % WRITTEN;
    for (let index = 0; index < band.length; index++) {
      written[to] = band[index]!;
      if (++to === WRITTEN) to = 0;
    }
    this.#writeAt += band.length;
  }

  /**
   * Records how much of the track had been played at a row. Rows come in order; where it is
   * called less often than once per row, the rows between are filled in.
   */
  update(row: number, playedMs: number): void {
    if (row <= this.#row) return;
    const quiet = Math.min(row - this.#row, ROWS);
    for (let at = row + 1 - quiet; at <= row; at++) {
      const start = at % ROWS * ROW;
      this.#played.fill(0, start, start + ROW);
    }
    const playedTo = samples(playedMs);
    const advance = playedTo - this.#playedTo;
    const count = Math.min(advance, (row - this.#movedRow) * ROW, this.#played.length);
    for (let ago = 1; ago <= count; ago++) {
      const at = ((row + 1) * ROW - ago) % this.#played.length;
      const isKnown = playedTo - ago < this.#writeAt;
      const sample = isKnown ? this.#written[(playedTo - ago) % WRITTEN]! : 0;
      this.#played[at] = sample;
      if (sample !== 0) this.#soundRow = row;
    }
    if (advance !== 0) this.#movedRow = row;
    this.#row = row;
    this.#playedTo = playedTo;
  }

  /** Whether anything was audible in the last `ms` before the end of a row. */
  isAudibleAt(row: number, ms: number): boolean {
    return (row - this.#soundRow) * ROW < samples(ms);
  }

  /** Copies what was played up to the end of a row to `out`, the newest sample last. */
  copyTo(out: Float32Array, row: number): void {
    const played = this.#played;
    const start = (row + 1) * ROW - out.length;
    const oldest = Math.max(0, (this.#row + 1 - ROWS) * ROW, start);
    const missing = Math.min(out.length, oldest - start);
    out.fill(0, 0, missing);
    for (let index = missing; index < out.length;) {
      const at = (start + index) % played.length;
      const count = Math.min(out.length - index, played.length - at);
      out.set(played.subarray(at, at + count), index);
      index += count;
    }
  }
}

function samples(ms: number): number {
  return Math.round(ms * RATE / 1000);
}
