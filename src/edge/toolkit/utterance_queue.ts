import type { AudioKernel } from "../../audio/kernel.ts";
import { Resampler } from "../../audio/resampler.ts";
import { SampleFifo } from "../../audio/sample_fifo.ts";
import type { PendingWrite } from "./pending_write.ts";

/** Chunks that are read, and parts of a long write, last no longer than this. */
const CHUNK_MS = 20;

/** A queue of what was written to a track, at the sink's rate, with the ends of its utterances. */
export class UtteranceQueue implements Disposable {
  readonly #sampleRate: number;
  readonly #kernel: AudioKernel;
  readonly #samples: SampleFifo;
  readonly #chunkSamples: number;
  #chunk: Int16Array;
  /** How many samples into the queue each utterance ends. */
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

  /** Whether nothing waits but the end of an utterance. */
  get isAtEnd(): boolean {
    return this.isEmpty && this.#ends.length > 0;
  }

  /** Takes in as much of a write as there is room for. */
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
      let made = resampler.process(piece, this.#scratch);
      write.taken += piece.frames;
      if (write.final && write.taken >= pcm.frames) {
        made += resampler.flush(this.#scratch, made);
        this.#ends.push(this.#samples.length + made);
      }
      this.#samples.push(this.#scratch.subarray(0, made));
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

  /** Forgets what waits, and what the resampler remembers of it. */
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
