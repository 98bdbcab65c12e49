/** Converts a stream of any format to one format. @module */

import { greatestCommonDivisor } from "./filter.ts";
import type { AudioKernel, KernelResampler } from "./kernel.ts";
import { assertKernel, assertOptions } from "./arguments.ts";
import { assertPcmChunk, convertChannels, PcmChunk, type PcmFormat } from "./pcm_chunk.ts";
import { assertChannels, assertOpen, outputLength } from "./resampler_arguments.ts";
import { assertApart } from "./typed_arrays.ts";

/** Options for a {@linkcode Resampler}. */
export interface ResamplerOptions {
  /** The initial sample rate of the input, in Hz. */
  inputRate: number;
  /** The sample rate of the output, in Hz. */
  outputRate: number;
  /** The channels of the output. Default 1. Input with other channels is converted. */
  channels?: 1 | 2;
}

/**
 * Converts a stream of chunks to one rate and number of channels. Equal rates pass through
 * unchanged, and a stream that changes its rate or channels continues without a gap or a click.
 *
 * Use one resampler per stream, since the filter keeps the last milliseconds.
 *
 * @example
 * ```ts
 * import { PcmChunk, Resampler, typescriptKernel } from "@ringline/edge/audio";
 *
 * using resampler = new Resampler(typescriptKernel(), { inputRate: 48_000, outputRate: 16_000 });
 * const chunk = resampler.convert(new PcmChunk(new Int16Array(960), { sampleRate: 48_000 }));
 * console.log(chunk.frames, resampler.latencyMs); // 320 1.75
 * ```
 */
export class Resampler implements Disposable {
  /** The format of the output. */
  readonly outputFormat: PcmFormat;
  readonly #kernel: AudioKernel;
  readonly #channels: 1 | 2;
  #inputRate: number;
  #inner: KernelResampler;
  /** Frames still to be skipped after a change to a filter with a longer delay. */
  #skip = 0;
  #converted = new Int16Array(0);
  #disposed = false;

  /**
   * Creates a resampler, as if silence had come before.
   *
   * @throws {RangeError} when a rate or the channels are out of range
   */
  constructor(kernel: AudioKernel, options: ResamplerOptions) {
    assertKernel(kernel);
    const expected = "an object like { inputRate: 48_000, outputRate: 16_000 }";
    const known: Readonly<Record<keyof ResamplerOptions, true>> = {
      inputRate: true,
      outputRate: true,
      channels: true,
    };
    assertOptions(options, known, expected);
    const { inputRate, outputRate, channels = 1 } = options;
    assertChannels(channels);
    this.#kernel = kernel;
    this.#channels = channels;
    this.#inputRate = inputRate;
    this.outputFormat = { sampleRate: outputRate, channels };
    this.#inner = kernel.createResampler({ inputRate, outputRate, channels });
  }

  /** The delay from input to output at the current rate, in milliseconds. */
  get latencyMs(): number {
    return this.#inner.latencyMs;
  }

  /** The sample rate of the last input, in Hz. */
  get inputRate(): number {
    return this.#inputRate;
  }

  /** The most frames that `frames` of input at `inputRate` can become. */
  maxOutputFrames(frames: number, inputRate: number = this.#inputRate): number {
    const outputRate = this.outputFormat.sampleRate;
    if (inputRate === this.#inputRate) return this.#inner.maxOutputFrames(frames);
    // After a change the frames that the longer delay still holds come out as well.
    return Math.ceil(frames * outputRate / inputRate) + this.#inFrames(this.latencyMs) + 1;
  }

  /** The most frames that {@linkcode Resampler.flush} writes. */
  get tailFrames(): number {
    return this.#inner.tailFrames;
  }

  /**
   * Converts one chunk into `output`; no sample buffer is allocated while the format stays.
   *
   * @param offset the sample (not frame) of `output` to begin at; default 0
   * @returns the frames written
   * @throws {TypeError} when `chunk` is no chunk, `output` is no `Int16Array`, or the resampler is
   *   disposed; nothing is consumed then
   * @throws {RangeError} when `output` has no room for `maxOutputFrames`, or overlaps the chunk's
   *   samples; nothing is consumed then
   */
  process(chunk: PcmChunk, output: Int16Array, offset = 0): number {
    assertOpen(this.#disposed);
    assertPcmChunk(chunk, "chunk");
    if (chunk.samples.length === 0) return 0;
    const input = this.#toOwnChannels(chunk);
    if (chunk.sampleRate === this.#inputRate && this.#skip === 0) {
      return this.#inner.process(input, output, offset);
    }
    const room = this.maxOutputFrames(chunk.frames, chunk.sampleRate) * this.#channels;
    outputLength(output, offset, room);
    assertApart(output, "output", input, "the input");
    const carried = chunk.sampleRate === this.#inputRate
      ? 0
      : this.#changeRate(input, chunk.sampleRate, output, offset);
    const start = offset + carried * this.#channels;
    const written = this.#inner.process(input, output, start);
    const skipped = Math.min(this.#skip, written);
    if (skipped > 0) {
      const from = start + skipped * this.#channels;
      output.copyWithin(start, from, start + written * this.#channels);
      this.#skip -= skipped;
    }
    return carried + written - skipped;
  }

  /** Like {@linkcode Resampler.process}, but returns a new chunk: slower, since it allocates one. */
  convert(chunk: PcmChunk): PcmChunk {
    assertPcmChunk(chunk, "chunk");
    const room = this.maxOutputFrames(chunk.frames, chunk.sampleRate) * this.#channels;
    const output = new Int16Array(room);
    const frames = this.process(chunk, output);
    return new PcmChunk(output.subarray(0, frames * this.#channels), this.outputFormat);
  }

  /**
   * Writes the frames that the filter still holds, and starts anew.
   *
   * @returns the frames written, at most {@linkcode Resampler.tailFrames}
   * @throws {TypeError} when the resampler is disposed
   */
  flush(output: Int16Array, offset = 0): number {
    assertOpen(this.#disposed);
    this.#skip = 0;
    return this.#inner.flush(output, offset);
  }

  /**
   * Forgets all input, so that it does not affect later output.
   *
   * @throws {TypeError} when the resampler is disposed
   */
  reset(): void {
    assertOpen(this.#disposed);
    this.#skip = 0;
    this.#inner.reset();
  }

  /** Releases the filter. Idempotent. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#inner[Symbol.dispose]();
  }

  #toOwnChannels(chunk: PcmChunk): Int16Array {
    if (chunk.channels === this.#channels) return chunk.samples;
    const length = chunk.frames * this.#channels;
    if (this.#converted.length !== length) this.#converted = new Int16Array(length);
    convertChannels(chunk.samples, chunk.channels, this.#converted, this.#channels);
    return this.#converted;
  }

  #inFrames(durationMs: number): number {
    return Math.round(durationMs * this.outputFormat.sampleRate / 1000);
  }

  /**
   * Changes the input rate. It feeds the last input, interpolated to the new rate, to the new filter, so
   * that this neither starts with silence nor repeats audio. If the delays differ, it writes or skips
   * the frames in between, so that no audio is lost or repeated.
   *
   * @returns the frames written
   */
  #changeRate(
    input: Int16Array,
    inputRate: number,
    output: Int16Array,
    offset: number,
  ): number {
    const { sampleRate: outputRate } = this.outputFormat;
    const channels = this.#channels;
    const old = this.#inner;
    const next = this.#kernel.createResampler({ inputRate, outputRate, channels });
    const history = new Int16Array(old.historyFrames * channels);
    old.history(history);
    const period = inputRate / greatestCommonDivisor(inputRate, outputRate);
    const lead = interpolate(history, input, channels, {
      from: this.#inputRate,
      to: inputRate,
      period,
    });
    const primed = new Int16Array(next.maxOutputFrames(lead.length / channels) * channels);
    const frames = next.process(lead, primed);

    const difference = this.#inFrames(old.latencyMs) - this.#skip - this.#inFrames(next.latencyMs);
    const carried = Math.min(Math.max(0, difference), frames);
    output.set(primed.subarray((frames - carried) * channels, frames * channels), offset);
    this.#skip = Math.max(0, -difference);
    this.#inputRate = inputRate;
    this.#inner = next;
    old[Symbol.dispose]();
    return carried;
  }
}

/**
 * The end of the old stream at the new rate, by cubic interpolation across the border to the new
 * one. Silence in front makes the length a multiple of `period`, so that outputs go on where those
 * of the old rate would lie.
 */
function interpolate(
  old: Int16Array,
  next: Int16Array,
  channels: 1 | 2,
  rate: { from: number; to: number; period: number },
): Int16Array {
  const frames = old.length / channels;
  const step = rate.from / rate.to;
  const known = Math.floor(frames / step);
  const count = Math.ceil(known / rate.period) * rate.period;
  const result = new Int16Array(count * channels);
  for (let channel = 0; channel < channels; channel++) {
    // Sample `index` of the old rate, where from `frames` on the new stream has to stand in.
    const sample = (index: number): number => {
      if (index < frames) return old[Math.max(index, 0) * channels + channel]!;
      const last = next.length / channels - 1;
      const at = Math.min((index - frames) / step, last);
      const before = next[Math.floor(at) * channels + channel]!;
      const after = next[Math.ceil(at) * channels + channel]!;
      return before + (after - before) * (at - Math.floor(at));
    };
    for (let n = count - known; n < count; n++) {
      const at = frames - (count - n) * step;
      const index = Math.floor(at);
      const t = at - index;
      const a = sample(index - 1), b = sample(index), c = sample(index + 1), d = sample(index + 2);
      const value = b +
        t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
      result[n * channels + channel] = Math.min(32767, Math.max(-32768, Math.round(value)));
    }
  }
  return result;
}
