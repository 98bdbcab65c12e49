import type { AudioKernel } from "../../audio/kernel.ts";
import { Resampler } from "../../audio/resampler.ts";
import { SampleFifo } from "../../audio/sample_fifo.ts";
import type { PendingWrite } from "./pending_write.ts";

/** Pieces that are pushed, and pieces of a long write, last no longer than this. */
const PIECE_MS = 20;

/** What was written and not pushed yet, at the port's rate, and where its utterances end. */
export class UtteranceQueue implements Disposable {
  readonly #sampleRate: number;
  readonly #kernel: AudioKernel;
  readonly #samples: SampleFifo;
  readonly #pieceSamples: number;
  #piece: Int16Array;
  /** How many samples into the queue each utterance ends. */
  #ends: number[] = [];
  #resampler: Resampler | undefined;
  #scratch = new Int16Array(0);

  constructor(options: { sampleRate: number; waitingMs: number; kernel: AudioKernel }) {
    const { sampleRate, waitingMs, kernel } = options;
    this.#sampleRate = sampleRate;
    this.#kernel = kernel;
    this.#pieceSamples = Math.round(sampleRate * PIECE_MS / 1000);
    this.#piece = new Int16Array(this.#pieceSamples);
    // Room for one piece more, so that a write is cut at the limit and not a piece before it.
    this.#samples = new SampleFifo(
      Math.ceil(sampleRate * waitingMs / 1000) + 4 * this.#pieceSamples,
    );
  }

  get isEmpty(): boolean {
    return this.#samples.length === 0;
  }

  get durationMs(): number {
    return this.#samples.length * 1000 / this.#sampleRate;
  }

  /** Takes in as much of a write as there is room for. */
  take(write: PendingWrite): void {
    const { pcm } = write;
    const resampler = this.#resampler ??= new Resampler(this.#kernel, {
      inputRate: pcm.sampleRate,
      outputRate: this.#sampleRate,
    });
    while (!write.isTaken) {
      const piece = write.next(PIECE_MS);
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
   * Takes the next piece out; says whether an utterance ends with it. The samples are a copy, valid
   * until the next: a port that transfers their buffer, as to a worker, takes no others along.
   */
  next(): { samples: Int16Array; final: boolean } {
    const end = this.#ends[0] ?? Infinity;
    if (this.#piece.length === 0) this.#piece = new Int16Array(this.#pieceSamples);
    const count = this.#samples.shift(this.#piece, Math.min(this.#pieceSamples, end));
    const samples = this.#piece.subarray(0, count);
    for (let index = 0; index < this.#ends.length; index++) this.#ends[index]! -= count;
    const final = count === end;
    if (final) this.#ends.shift();
    return { samples, final };
  }

  /** Whether nothing waits but the end of an utterance, which is then forgotten. */
  takeEnd(): boolean {
    if (!this.isEmpty || this.#ends.length === 0) return false;
    this.#ends = [];
    return true;
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
