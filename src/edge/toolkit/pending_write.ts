/** A write that waits for room in a track's queue. @module */
import { PcmChunk } from "../../audio/pcm_chunk.ts";

/** A write that is not completely in the queue yet. */
export class PendingWrite {
  readonly done: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  /** Frames that are in the queue. */
  taken = 0;
  isEmptyTaken = false;

  constructor(public pcm: PcmChunk, readonly final: boolean) {}

  get isTaken(): boolean {
    return this.taken >= this.pcm.frames && (this.pcm.frames > 0 || this.isEmptyTaken);
  }

  get remainingMs(): number {
    return (this.pcm.frames - this.taken) * 1000 / this.pcm.sampleRate;
  }

  /** Returns the next piece of at most `ms`, as a view. */
  next(ms: number): PcmChunk {
    const { samples, channels, sampleRate, frames } = this.pcm;
    const count = Math.min(frames - this.taken, Math.ceil(sampleRate * ms / 1000));
    if (count === frames) return this.pcm;
    const start = this.taken * channels;
    return new PcmChunk(samples.subarray(start, start + count * channels), this.pcm);
  }

  /** Copies the rest: the caller's samples are only valid while `write` runs. */
  keep(): void {
    const rest = this.pcm.samples.slice(this.taken * this.pcm.channels);
    this.pcm = new PcmChunk(rest, this.pcm);
    this.taken = 0;
  }
}
