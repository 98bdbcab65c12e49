/** The ABI that the native library and the WASM module share, and the kernel on top of it. @module */

import {
  assertGains,
  assertMixApart,
  type AudioKernel,
  checkMixLengths,
  type KernelResampler,
  type KernelResamplerOptions,
  type KernelSpeechDetector,
} from "../audio/kernel.ts";
import { PassThrough } from "../audio/pass_through.ts";
import { assertSampleRate } from "../audio/pcm_chunk.ts";
import {
  assertChannels,
  assertOpen,
  inputLength,
  outputLength,
} from "../audio/resampler_arguments.ts";
import { float32Length, int16Length } from "../audio/typed_arrays.ts";
import { type AbiExports, Listeners } from "./abi_exports.ts";
import { AbiSpeechDetector } from "./abi_speech_detector.ts";
import { fail, Status } from "./status.ts";

const noGains = new Float32Array(0);

/** A kernel behind {@linkcode AbiExports}. */
export class AbiKernel implements AudioKernel {
  readonly name: "native" | "wasm";
  readonly detail: string;
  readonly #abi: AbiExports;
  /** Frees resamplers that were dropped without being disposed: a safety net, not the way to release. */
  readonly #forgotten: FinalizationRegistry<number>;
  readonly #forgottenDetectors: FinalizationRegistry<number>;

  constructor(name: "native" | "wasm", detail: string, abi: AbiExports) {
    this.name = name;
    this.detail = detail;
    this.#abi = abi;
    this.#forgotten = new FinalizationRegistry((handle) => abi.free(handle));
    this.#forgottenDetectors = new FinalizationRegistry((handle) => abi.freeDetector(handle));
  }

  createResampler(options: KernelResamplerOptions): KernelResampler {
    const { inputRate, outputRate, channels = 1 } = options;
    if (inputRate === outputRate) return new PassThrough(inputRate, channels);
    assertSampleRate(inputRate, "inputRate");
    assertSampleRate(outputRate, "outputRate");
    assertChannels(channels);
    return new AbiResampler(this.#abi, this.#forgotten, inputRate, outputRate, channels);
  }

  createSpeechDetector(): KernelSpeechDetector {
    return new AbiSpeechDetector(this.#abi, this.#forgottenDetectors);
  }

  mix(
    block: Int16Array,
    count: number,
    frames: number,
    out: Int16Array,
    gains?: Float32Array,
    previousGains?: Float32Array,
  ): void {
    this.#mix(block, count, frames, out, false, gains, previousGains);
  }

  mixMinus(
    block: Int16Array,
    count: number,
    frames: number,
    out: Int16Array,
    gains?: Float32Array,
    previousGains?: Float32Array,
  ): void {
    this.#mix(block, count, frames, out, true, gains, previousGains);
  }

  #mix(
    block: Int16Array,
    count: number,
    frames: number,
    out: Int16Array,
    minus: boolean,
    gains?: Float32Array,
    previousGains?: Float32Array,
  ): void {
    const outRows = minus ? count : 1;
    const outLength = checkMixLengths(block, count, frames, out, outRows, gains, previousGains);
    let listeners = Listeners.All;
    if (minus) {
      const hasTotal = outLength >= (count + 1) * frames;
      // Rows of any length fit where there are none: more frames than the ABI can take.
      if (count === 0 && !hasTotal) return assertMixApart(out, block, gains, previousGains);
      listeners = hasTotal ? Listeners.OthersAndAll : Listeners.Others;
    }
    const status = this.#abi.mix(
      block,
      int16Length(block, "block"),
      count,
      frames,
      out,
      outLength,
      listeners,
      gains ?? noGains,
      gains === undefined ? 0 : float32Length(gains, "gains"),
      previousGains ?? noGains,
      previousGains === undefined ? 0 : float32Length(previousGains, "previousGains"),
    );
    if (status < 0) {
      // The ABI returns the kind of error; this finds the argument.
      assertMixApart(out, block, gains, previousGains);
      assertGains(gains, count, "gains");
      assertGains(previousGains, count, "previousGains");
      fail(status, "out");
    }
  }
}

class AbiResampler implements KernelResampler {
  readonly latencyMs: number;
  readonly tailFrames: number;
  readonly historyFrames: number;
  readonly #abi: AbiExports;
  readonly #forgotten: FinalizationRegistry<number>;
  readonly #channels: 1 | 2;
  readonly #handle: number;
  readonly #up: number;
  readonly #down: number;
  readonly #tailSamples: number;
  readonly #historySamples: number;
  #disposed = false;

  constructor(
    abi: AbiExports,
    forgotten: FinalizationRegistry<number>,
    inputRate: number,
    outputRate: number,
    channels: 1 | 2,
  ) {
    const info = new Uint32Array(5);
    const status = abi.newResampler(inputRate, outputRate, channels, info);
    if (status < 0) {
      if (status === Status.Rate) {
        throw new RangeError(
          `inputRate, outputRate: expected rates with a simpler ratio, got ${inputRate} and ${outputRate}`,
        );
      }
      fail(status, "resampler");
    }
    const [handle, up, down, delay, history] = info as unknown as [
      number,
      number,
      number,
      number,
      number,
    ];
    this.#abi = abi;
    this.#forgotten = forgotten;
    this.#channels = channels;
    this.#handle = handle;
    this.#up = up;
    this.#down = down;
    this.latencyMs = delay * 1000 / (up * inputRate);
    this.tailFrames = delay / down;
    this.historyFrames = history;
    // The lengths follow from private copies, which no caller can change.
    this.#tailSamples = this.tailFrames * channels;
    this.#historySamples = history * channels;
    forgotten.register(this, handle, this);
  }

  maxOutputFrames(inputFrames: number): number {
    return Math.ceil(inputFrames * this.#up / this.#down);
  }

  process(input: Int16Array, output: Int16Array, outputOffset = 0): number {
    assertOpen(this.#disposed);
    const channels = this.#channels;
    const length = inputLength(input, channels);
    const room = Math.ceil(length / channels * this.#up / this.#down) * channels;
    const frames = this.#abi.process(
      this.#handle,
      input,
      length,
      output,
      outputLength(output, outputOffset, room),
      outputOffset,
      room,
      channels,
    );
    return frames >= 0 ? frames : fail(frames, "output");
  }

  flush(output: Int16Array, outputOffset = 0): number {
    assertOpen(this.#disposed);
    const room = this.#tailSamples;
    const length = outputLength(output, outputOffset, room);
    const channels = this.#channels;
    const frames = this.#abi.flush(this.#handle, output, length, outputOffset, room, channels);
    return frames >= 0 ? frames : fail(frames, "output");
  }

  history(out: Int16Array): number {
    assertOpen(this.#disposed);
    const room = Math.min(int16Length(out, "out"), this.#historySamples);
    const frames = this.#abi.history(this.#handle, out, room, this.#channels);
    return frames >= 0 ? frames : fail(frames, "out");
  }

  reset(): void {
    assertOpen(this.#disposed);
    const status = this.#abi.reset(this.#handle);
    if (status < 0) fail(status, "resampler");
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#forgotten.unregister(this);
    this.#abi.free(this.#handle);
  }
}
