import { PcmChunk } from "../../audio/pcm_chunk.ts";

/** Makes PCM of bytes (signed 16 bit, little-endian, mono) that come cut anywhere. */
export class PcmBytes {
  readonly #sampleRate: number;
  #odd: number | undefined;

  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
  }

  /** The whole samples; half of one is kept for the next time. */
  push(bytes: Uint8Array): PcmChunk {
    const before = this.#odd === undefined ? 0 : 1;
    const count = (bytes.length + before) >> 1;
    const joined = new Uint8Array(2 * count);
    if (this.#odd !== undefined && count > 0) joined[0] = this.#odd;
    joined.set(bytes.subarray(0, 2 * count - before), before);
    const left = bytes.length + before - 2 * count;
    this.#odd = left === 0 ? undefined : bytes.at(-1);
    return new PcmChunk(new Int16Array(joined.buffer), { sampleRate: this.#sampleRate });
  }
}
