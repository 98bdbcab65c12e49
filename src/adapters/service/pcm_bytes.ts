/** A decoder of PCM bytes. @module */
import { PcmChunk } from "../../audio/pcm_chunk.ts";

/** Decodes bytes, divided anywhere, as PCM: signed 16 bit, little-endian, mono. */
export class PcmBytes {
  readonly #sampleRate: number;
  #odd: number | undefined;

  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
  }

  /** Returns the whole samples; keeps half a sample for the next call. */
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
