/** The resampler of equal rates, which copies the samples. @module */

import type { KernelResampler } from "./kernel.ts";
import { assertSampleRate } from "./pcm_chunk.ts";
import { assertChannels, assertOpen, inputLength, outputLength } from "./resampler_arguments.ts";
import { assertApart, copySamples, int16Length } from "./typed_arrays.ts";

/** How much input is kept for a resampler that takes over, in milliseconds. */
const HISTORY_MS = 30;

/** A {@linkcode KernelResampler} between equal rates: every kernel uses this one. */
export class PassThrough implements KernelResampler {
  readonly latencyMs = 0;
  readonly tailFrames = 0;
  readonly historyFrames: number;
  readonly #channels: 1 | 2;
  readonly #history: Int16Array;
  #disposed = false;

  constructor(sampleRate: number, channels: 1 | 2) {
    assertSampleRate(sampleRate, "inputRate");
    assertChannels(channels);
    this.#channels = channels;
    this.historyFrames = Math.ceil(sampleRate * HISTORY_MS / 1000);
    this.#history = new Int16Array(this.historyFrames * channels);
  }

  maxOutputFrames(inputFrames: number): number {
    return inputFrames;
  }

  process(input: Int16Array, output: Int16Array, outputOffset = 0): number {
    assertOpen(this.#disposed);
    const length = inputLength(input, this.#channels);
    outputLength(output, outputOffset, length);
    assertApart(output, "output", input, "the input");
    copySamples(input, output, outputOffset);
    const history = this.#history;
    const kept = history.length - length;
    if (kept > 0) history.copyWithin(0, length);
    for (let i = Math.max(0, kept), from = i - kept; i < history.length; i++, from++) {
      history[i] = input[from]!;
    }
    return length / this.#channels;
  }

  flush(output: Int16Array, outputOffset = 0): number {
    assertOpen(this.#disposed);
    outputLength(output, outputOffset, 0);
    this.reset();
    return 0;
  }

  history(out: Int16Array): number {
    assertOpen(this.#disposed);
    const length = int16Length(out, "out");
    const samples = Math.min(this.#history.length, length - length % this.#channels);
    for (let i = 0, from = this.#history.length - samples; i < samples; i++, from++) {
      out[i] = this.#history[from]!;
    }
    return samples / this.#channels;
  }

  reset(): void {
    assertOpen(this.#disposed);
    this.#history.fill(0);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
  }
}
