/** The kernel in TypeScript: it needs no permission, and is the reference for all others. @module */

import {
  assertGains,
  assertMixApart,
  type AudioKernel,
  checkMixLengths,
  type KernelResampler,
  type KernelResamplerOptions,
} from "./kernel.ts";
import { PassThrough } from "./pass_through.ts";
import { assertSampleRate } from "./pcm_chunk.ts";
import { assertChannels } from "./resampler_arguments.ts";
import { TypeScriptResampler } from "./typescript_resampler.ts";

/**
 * Returns the reference kernel: plain TypeScript, sums in f64, no permission. It is some 40 times slower
 * than the native kernel, and still fast enough for a handful of participants.
 *
 * @param detail why this kernel was chosen, for {@linkcode AudioKernel.detail}
 *
 * @example
 * ```ts
 * import { typescriptKernel } from "@ringline/edge/audio";
 *
 * const kernel = typescriptKernel();
 * const out = new Int16Array(2);
 * kernel.mix(Int16Array.of(30_000, 1, 30_000, 2), 2, 2, out);
 * console.log(out); // Int16Array [ 32767, 3 ]
 * ```
 */
export function typescriptKernel(detail = "f64"): AudioKernel {
  return new TypeScriptKernel(detail);
}

class TypeScriptKernel implements AudioKernel {
  readonly name = "typescript";
  readonly detail: string;
  #total = new Int32Array(0);

  constructor(detail: string) {
    this.detail = detail;
  }

  createResampler(options: KernelResamplerOptions): KernelResampler {
    const { inputRate, outputRate, channels = 1 } = options;
    if (inputRate === outputRate) return new PassThrough(inputRate, channels);
    assertSampleRate(inputRate, "inputRate");
    assertSampleRate(outputRate, "outputRate");
    assertChannels(channels);
    return new TypeScriptResampler(inputRate, outputRate, channels);
  }

  mix(
    block: Int16Array,
    count: number,
    frames: number,
    out: Int16Array,
    gains?: Float32Array,
    previousGains?: Float32Array,
  ): void {
    assertMixing(block, count, frames, out, 1, gains, previousGains);
    const total = this.#sum(block, count, frames, gains, previousGains);
    for (let i = 0; i < frames; i++) out[i] = saturate(total[i]!);
  }

  mixMinus(
    block: Int16Array,
    count: number,
    frames: number,
    out: Int16Array,
    gains?: Float32Array,
    previousGains?: Float32Array,
  ): void {
    const outLength = assertMixing(block, count, frames, out, count, gains, previousGains);
    const hasTotal = outLength >= (count + 1) * frames;
    // Rows of any length fit where there are none: more frames than memory could hold.
    if (count === 0 && !hasTotal) return;
    const total = this.#sum(block, count, frames, gains, previousGains);
    for (let row = 0; row < count; row++) {
      const gain = new RowGain(row, frames, gains, previousGains);
      const base = row * frames;
      for (let i = 0; i < frames; i++) {
        out[base + i] = saturate(total[i]! - gain.apply(block[base + i]!, i));
      }
    }
    if (hasTotal) {
      for (let i = 0; i < frames; i++) out[count * frames + i] = saturate(total[i]!);
    }
  }

  #sum(
    block: Int16Array,
    count: number,
    frames: number,
    gains?: Float32Array,
    previousGains?: Float32Array,
  ): Int32Array {
    if (this.#total.length < frames) this.#total = new Int32Array(frames);
    const total = this.#total.fill(0, 0, frames);
    for (let row = 0; row < count; row++) {
      const gain = new RowGain(row, frames, gains, previousGains);
      const base = row * frames;
      for (let i = 0; i < frames; i++) total[i]! += gain.apply(block[base + i]!, i);
    }
    return total;
  }
}

/** Checks the arguments of {@linkcode AudioKernel.mix}; returns the samples of `out`. */
function assertMixing(
  block: Int16Array,
  count: number,
  frames: number,
  out: Int16Array,
  outRows: number,
  gains: Float32Array | undefined,
  previousGains: Float32Array | undefined,
): number {
  const outLength = checkMixLengths(block, count, frames, out, outRows, gains, previousGains);
  assertMixApart(out, block, gains, previousGains);
  assertGains(gains, count, "gains");
  assertGains(previousGains, count, "previousGains");
  return outLength;
}

/** One row's gain along its frame, in the f32 arithmetic that every kernel repeats. */
class RowGain {
  readonly #from: number;
  readonly #step: number;
  readonly #unity: boolean;

  constructor(row: number, frames: number, gains?: Float32Array, previousGains?: Float32Array) {
    const to = gains?.[row] ?? 1;
    this.#from = previousGains?.[row] ?? to;
    this.#step = Math.fround(Math.fround(to - this.#from) / frames);
    this.#unity = to === 1 && this.#from === 1;
  }

  apply(sample: number, index: number): number {
    if (this.#unity) return sample;
    const gain = this.#step === 0
      ? this.#from
      : Math.fround(this.#from + Math.fround(this.#step * (index + 1)));
    return roundHalfEven(Math.fround(gain * sample));
  }
}

function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

function saturate(value: number): number {
  return value > 32767 ? 32767 : value < -32768 ? -32768 : value;
}
