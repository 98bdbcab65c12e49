/** The queue of an audio track. @module */
import type { AudioKernel } from "../../audio/kernel.ts";
import { Resampler } from "../../audio/resampler.ts";
import { SampleFifo } from "../../audio/sample_fifo.ts";
import type { PendingWrite } from "./pending_write.ts";

/** The longest chunk that is read, and the longest piece of a write. */
const CHUNK_MS = 20;

/** Audio that was written to a track, at the sink's rate, with the ends of its utterances. */
export class TrackQueue implements Disposable {
  readonly #sampleRate: number;
  readonly #kernel: AudioKernel;
  readonly #samples: SampleFifo;
  readonly #chunkSamples: number;
  #chunk: Int16Array;
  /** The position of each utterance's end, in samples from the start of the queue. */
  #ends: number[] = [];
  #resampler: Resampler | undefined;
  #scratch = new Int16Array(0);

  constructor(options: { sampleRate: number; waitingMs: number; kernel: AudioKernel }) {
    const { sampleRate, waitingMs, kernel } = options;
    this.#sampleRate = sampleRate;
    this.#kernel = kernel;
    this.#chunkSamples = Math.round(sampleRate * CHUNK_MS / 1000);
    this.#chunk = new Int16Array(this.#chunkSamples);
    // Room for one chunk more, so that a write is cut at the limit and not a chunk before it.
    this.#samples = new SampleFifo(
      Math.ceil(sampleRate * waitingMs / 1000) + 4 * this.#chunkSamples,
    );
  }

  get isEmpty(): boolean {
    return this.#samples.length === 0;
  }

  get durationMs(): number {
    return this.#samples.length * 1000 / this.#sampleRate;
  }

  /** Whether only the end of an utterance waits. */
  get isAtEnd(): boolean {
    return this.isEmpty && this.#ends.length > 0;
  }

  /** Queues as much of a write as there is room for. */
  take(write: PendingWrite): void {
    const { pcm } = write;
    const resampler = this.#resampler ??= new Resampler(this.#kernel, {
      inputRate: pcm.sampleRate,
      outputRate: this.#sampleRate,
    });
    while (!write.isTaken) {
      const piece = write.next(CHUNK_MS);
      const frames = resampler.maxOutputFrames(piece.frames, piece.sampleRate) +
        (write.final ? resampler.tailFrames : 0);
      if (frames > this.#samples.free) return;
      if (this.#scratch.length < frames) this.#scratch = new Int16Array(frames);
      let written = resampler.process(piece, this.#scratch);
      write.taken += piece.frames;
      if (write.final && write.taken >= pcm.frames) {
        written += resampler.flush(this.#scratch, written);
        this.#ends.push(this.#samples.length + written);
      }
      this.#samples.push(this.#scratch.subarray(0, written));
      if (piece.frames === 0) write.isEmptyTaken = true;
    }
  }

  /**
   * Takes the next chunk out; returns `undefined` when nothing waits. The samples are a copy, valid
   * until the next: a sink that transfers their buffer, as to a worker, takes no others along.
   */
  read(): { samples: Int16Array; final: boolean } | undefined {
    if (this.isEmpty && !this.isAtEnd) return undefined;
    const end = this.#ends[0] ?? Infinity;
    if (this.#chunk.length === 0) this.#chunk = new Int16Array(this.#chunkSamples);
    const count = this.#samples.shift(this.#chunk, Math.min(this.#chunkSamples, end));
    const samples = this.#chunk.subarray(0, count);
    for (let index = 0; index < this.#ends.length; index++) this.#ends[index]! -= count;
    const final = count === end;
    // Several ends without a sample between them are one.
    while (this.#ends[0] === 0) this.#ends.shift();
    return { samples, final };
  }

  /** Discards all audio, the resampler's history included. */
  clear(): void {
    this.#samples.clear();
    this.#ends = [];
    this.#resampler?.reset();
  }

  [Symbol.dispose](): void {
    this.#resampler?.[Symbol.dispose]();
    this.#resampler = undefined;
  }
}
