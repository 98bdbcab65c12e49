/** The kernel in the package's own WASM module: it needs no permission. @module */

import * as wasm from "./ringline_audio.wasm";
import { assertMixApart, type AudioKernel } from "../audio/kernel.ts";
import { assertApart, copySamples, floatsHead, samplesHead } from "../audio/typed_arrays.ts";
import { AbiKernel } from "./abi.ts";
import { type AbiExports, Listeners } from "./abi_exports.ts";

/** Initial bytes of a staging area: a chunk of 60 ms of 48 kHz stereo. */
const STAGING_BYTES = 12 * 1024;

/** Maximum bytes of a staging area: half of what the module can address. */
const MAX_STAGING_BYTES = 2 ** 31;

/** Views of different lengths to keep for reuse. */
const MAX_PARTS = 64;

/** A growing region of the module's memory, for samples on their way in or out. */
class Staging {
  #pointer = 0;
  #bytes = 0;
  #buffer: ArrayBufferLike | undefined;
  #shorts: Int16Array = new Int16Array(0);
  #floats: Float32Array = new Float32Array(0);
  readonly #parts = new Map<number, Int16Array>();

  /** Reserves room and returns its address. */
  reserve(bytes: number): number {
    if (bytes > this.#bytes) {
      wasm.rl_free(this.#pointer, this.#bytes);
      this.#bytes = Math.max(STAGING_BYTES, 2 * bytes);
      // A larger number would wrap around in the module.
      this.#pointer = this.#bytes > MAX_STAGING_BYTES ? 0 : wasm.rl_alloc(this.#bytes) >>> 0;
      if (this.#pointer === 0) {
        this.#bytes = 0;
        throw new RangeError(`samples: expected what fits into memory, got ${bytes} bytes`);
      }
      this.#buffer = undefined;
    }
    return this.#pointer;
  }

  put(samples: Int16Array): void {
    this.#view().set(samples);
  }

  putGains(gains: Float32Array, length: number, previousGains: Float32Array): void {
    this.#view();
    this.#floats.set(gains);
    this.#floats.set(previousGains, length);
  }

  /** Copies `length` samples out. */
  take(length: number, to: Int16Array, offset: number): void {
    const all = this.#view();
    // The same few lengths recur: a view for each call would be garbage.
    let part = this.#parts.get(length);
    if (part === undefined) {
      if (this.#parts.size >= MAX_PARTS) this.#parts.clear();
      this.#parts.set(length, part = all.subarray(0, length));
    }
    copySamples(part, to, offset);
  }

  /** Returns the first number that was written here. */
  float(): number {
    this.#view();
    return this.#floats[0]!;
  }

  /** Grown memory is another buffer. */
  #view(): Int16Array {
    const { buffer } = wasm.memory;
    if (this.#buffer !== buffer) {
      this.#buffer = buffer;
      this.#shorts = new Int16Array(buffer, this.#pointer, this.#bytes >>> 1);
      this.#floats = new Float32Array(buffer, this.#pointer, this.#bytes >>> 2);
      this.#parts.clear();
    }
    return this.#shorts;
  }
}

/**
 * Returns the kernel in the package's WASM module.
 *
 * @param detail why it was chosen, for `kernel.detail`
 */
export function wasmKernel(detail = "simd128"): AudioKernel {
  return new AbiKernel("wasm", detail, abi);
}

const incoming = new Staging();
const outgoing = new Staging();
const gainsStaging = new Staging();

/** How much of an array to copy in: all of it, without a view, unless far less of it is used. */
function countOf(length: number, used: number): number {
  return length <= Math.max(STAGING_BYTES, 4 * used) ? length : used;
}

const abi: AbiExports = {
  newResampler(inputRate, outputRate, channels, info) {
    const pointer = outgoing.reserve(info.byteLength);
    const status = wasm.rl_resampler_new(0, inputRate, outputRate, channels, pointer, info.length);
    if (status >= 0) info.set(new Uint32Array(wasm.memory.buffer, pointer, info.length));
    return status;
  },
  process(handle, input, inputLength, output, _outputLength, offset, room, channels) {
    // The module sees only copies.
    assertApart(output, "output", input, "the input");
    const from = incoming.reserve(2 * inputLength);
    const to = outgoing.reserve(2 * room);
    incoming.put(input);
    const frames = wasm.rl_resampler_process(handle, from, inputLength, to, room, 0);
    if (frames > 0) outgoing.take(frames * channels, output, offset);
    return frames;
  },
  flush(handle, output, _outputLength, offset, room, channels) {
    const to = outgoing.reserve(2 * room);
    const frames = wasm.rl_resampler_flush(handle, to, room, 0);
    if (frames > 0) outgoing.take(frames * channels, output, offset);
    return frames;
  },
  history(handle, output, room, channels) {
    const to = outgoing.reserve(2 * room);
    const frames = wasm.rl_resampler_history(handle, to, room);
    if (frames > 0) outgoing.take(frames * channels, output, 0);
    return frames;
  },
  reset: (handle) => wasm.rl_resampler_reset(handle),
  free: (handle) => wasm.rl_resampler_free(handle),
  newDetector(info) {
    const pointer = outgoing.reserve(info.byteLength);
    const status = wasm.rl_detector_new(pointer, info.length);
    if (status >= 0) info.set(new Uint32Array(wasm.memory.buffer, pointer, info.length));
    return status;
  },
  detect(handle, samples, samplesLength, probability) {
    const from = incoming.reserve(2 * samplesLength);
    const to = outgoing.reserve(4);
    incoming.put(samples);
    const status = wasm.rl_detector_process(handle, from, samplesLength, to, 1);
    if (status >= 0) probability[0] = outgoing.float();
    return status;
  },
  resetDetector: (handle) => wasm.rl_detector_reset(handle),
  freeDetector: (handle) => wasm.rl_detector_free(handle),
  mix(
    block,
    blockLength,
    count,
    frames,
    out,
    _outLength,
    listeners,
    gains,
    gainsLength,
    previousGains,
    previousGainsLength,
  ) {
    assertMixApart(
      out,
      block,
      gainsLength > 0 ? gains : undefined,
      previousGainsLength > 0 ? previousGains : undefined,
    );
    const used = count * frames;
    const newGains = gainsLength > 0 ? countOf(gainsLength, count) : 0;
    const oldGains = previousGainsLength > 0 ? countOf(previousGainsLength, count) : 0;
    const given = countOf(blockLength, used);
    const rows = listeners === Listeners.All ? 1 : count + listeners - 1;
    const length = rows * frames;
    const from = incoming.reserve(2 * given);
    const to = outgoing.reserve(2 * length);
    const gainBytes = 4 * (newGains + oldGains);
    const gainsAt = gainsStaging.reserve(gainBytes);
    incoming.put(samplesHead(block, given));
    if (gainBytes > 0) {
      gainsStaging.putGains(
        floatsHead(gains, newGains),
        newGains,
        floatsHead(previousGains, oldGains),
      );
    }
    const status = wasm.rl_mix(
      0,
      from,
      given,
      count,
      frames,
      to,
      length,
      listeners,
      gainsAt,
      newGains,
      gainsAt + 4 * newGains,
      oldGains,
    );
    if (status >= 0) outgoing.take(length, out, 0);
    return status;
  },
};
