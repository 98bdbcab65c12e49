import { PcmChunk } from "../../audio/pcm_chunk.ts";

/** The last moments of a stream, kept so that the beginning of a word is not lost. */
export class PreRoll {
  readonly #storage: Int16Array;
  readonly #sampleRate: number;
  #end = 0;
  #length = 0;

  constructor(options: { sampleRate: number; lengthMs: number }) {
    this.#sampleRate = options.sampleRate;
    this.#storage = new Int16Array(Math.round(options.sampleRate * options.lengthMs / 1000));
  }

  /** Takes the next samples; the oldest make room. */
  push(samples: Int16Array): void {
    const size = this.#storage.length;
    const kept = samples.length > size ? samples.subarray(samples.length - size) : samples;
    const untilEnd = Math.min(kept.length, size - this.#end);
    this.#storage.set(kept.subarray(0, untilEnd), this.#end);
    this.#storage.set(kept.subarray(untilEnd), 0);
    this.#end = (this.#end + kept.length) % size;
    this.#length = Math.min(size, this.#length + kept.length);
  }

  /** All that is kept, oldest first, as a chunk of its own; nothing is kept afterwards. */
  take(): PcmChunk {
    const size = this.#storage.length;
    const samples = new Int16Array(this.#length);
    const start = (this.#end - this.#length + size) % size;
    const untilEnd = Math.min(this.#length, size - start);
    samples.set(this.#storage.subarray(start, start + untilEnd));
    samples.set(this.#storage.subarray(0, this.#length - untilEnd), untilEnd);
    this.#length = 0;
    return new PcmChunk(samples, { sampleRate: this.#sampleRate });
  }
}
