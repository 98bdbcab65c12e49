/** What the native library and the WASM module have in common: one border, and who keeps it. @module */

import {
  assertMixArguments,
  type AudioKernel,
  type KernelResampler,
  type KernelResamplerOptions,
} from "../audio/kernel.ts";
import { PassThrough } from "../audio/pass_through.ts";
import { assertSampleRate } from "../audio/pcm_chunk.ts";
import { assertChannels, assertInput, assertRoom } from "../audio/resampler_arguments.ts";

/** The exports of the Rust crate; each answers with a count, or with a negative status. */
export interface Border {
  newResampler(inputRate: number, outputRate: number, channels: number, info: Uint32Array): number;
  /** Writes at most `room` samples from `offset` on; answers with frames of `channels`. */
  process(
    handle: number,
    input: Int16Array,
    output: Int16Array,
    offset: number,
    room: number,
    channels: number,
  ): number;
  flush(
    handle: number,
    output: Int16Array,
    offset: number,
    room: number,
    channels: number,
  ): number;
  history(handle: number, output: Int16Array, channels: number): number;
  reset(handle: number): number;
  free(handle: number): number;
  mix(
    block: Int16Array,
    count: number,
    frames: number,
    out: Int16Array,
    listeners: Listeners,
    gains: Float32Array,
    previousGains: Float32Array,
  ): number;
}

/** What is mixed: everything, a row for each input without it, or those and everything. */
export const enum Listeners {
  All = 0,
  Others = 1,
  OthersAndAll = 2,
}

const noGains = new Float32Array(0);

/** A kernel on the other side of a {@linkcode Border}. */
export class BorderKernel implements AudioKernel {
  readonly name: "native" | "wasm";
  readonly detail: string;
  readonly #border: Border;
  /** Frees what was dropped without being disposed: a safety net, not the way to release. */
  readonly #forgotten: FinalizationRegistry<number>;

  constructor(name: "native" | "wasm", detail: string, border: Border) {
    this.name = name;
    this.detail = detail;
    this.#border = border;
    this.#forgotten = new FinalizationRegistry((handle) => border.free(handle));
  }

  createResampler(options: KernelResamplerOptions): KernelResampler {
    const { inputRate, outputRate, channels = 1 } = options;
    if (inputRate === outputRate) return new PassThrough(inputRate, channels);
    assertSampleRate(inputRate, "inputRate");
    assertSampleRate(outputRate, "outputRate");
    assertChannels(channels);
    return new BorderResampler(this.#border, this.#forgotten, inputRate, outputRate, channels);
  }

  mix(
    block: Int16Array,
    count: number,
    frames: number,
    out: Int16Array,
    gains?: Float32Array,
    previousGains?: Float32Array,
  ): void {
    this.#mix(block, count, frames, out, Listeners.All, 1, gains, previousGains);
  }

  mixMinus(
    block: Int16Array,
    count: number,
    frames: number,
    out: Int16Array,
    gains?: Float32Array,
    previousGains?: Float32Array,
  ): void {
    const listeners = out.length >= (count + 1) * frames
      ? Listeners.OthersAndAll
      : Listeners.Others;
    this.#mix(block, count, frames, out, listeners, count, gains, previousGains);
  }

  #mix(
    block: Int16Array,
    count: number,
    frames: number,
    out: Int16Array,
    listeners: Listeners,
    outRows: number,
    gains: Float32Array = noGains,
    previousGains: Float32Array = noGains,
  ): void {
    // What the border cannot even be asked; all else it finds out by itself.
    const askable = count >>> 0 === count && frames >>> 0 === frames &&
      (gains.length > 0 || previousGains.length === 0);
    const status = askable
      ? this.#border.mix(block, count, frames, out, listeners, gains, previousGains)
      : Status.Length;
    if (status < 0) {
      const given = (values: Float32Array) => values === noGains ? undefined : values;
      const from = given(previousGains);
      assertMixArguments(block, count, frames, out, outRows, given(gains), from);
      fail(status);
    }
  }
}

class BorderResampler implements KernelResampler {
  readonly latencyMs: number;
  readonly tailFrames: number;
  readonly historyFrames: number;
  readonly #border: Border;
  readonly #forgotten: FinalizationRegistry<number>;
  readonly #channels: 1 | 2;
  readonly #handle: number;
  readonly #up: number;
  readonly #down: number;

  constructor(
    border: Border,
    forgotten: FinalizationRegistry<number>,
    inputRate: number,
    outputRate: number,
    channels: 1 | 2,
  ) {
    const info = new Uint32Array(5);
    const status = border.newResampler(inputRate, outputRate, channels, info);
    if (status < 0) {
      if (status === Status.Rate) {
        throw new RangeError(
          `inputRate, outputRate: expected rates with a simpler ratio, got ${inputRate} and ${outputRate}`,
        );
      }
      fail(status);
    }
    const [handle, up, down, delay, history] = info as unknown as [
      number,
      number,
      number,
      number,
      number,
    ];
    this.#border = border;
    this.#forgotten = forgotten;
    this.#channels = channels;
    this.#handle = handle;
    this.#up = up;
    this.#down = down;
    this.latencyMs = delay * 1000 / (up * inputRate);
    this.tailFrames = delay / down;
    this.historyFrames = history;
    forgotten.register(this, handle, this);
  }

  maxOutputFrames(inputFrames: number): number {
    return Math.ceil(inputFrames * this.#up / this.#down);
  }

  process(input: Int16Array, output: Int16Array, outputOffset = 0): number {
    const channels = this.#channels;
    const room = this.maxOutputFrames(assertInput(input, channels)) * channels;
    assertRoom(output, outputOffset, room);
    const border = this.#border;
    const frames = border.process(this.#handle, input, output, outputOffset, room, channels);
    return frames >= 0 ? frames : fail(frames);
  }

  flush(output: Int16Array, outputOffset = 0): number {
    const channels = this.#channels;
    const room = this.tailFrames * channels;
    assertRoom(output, outputOffset, room);
    const frames = this.#border.flush(this.#handle, output, outputOffset, room, channels);
    return frames >= 0 ? frames : fail(frames);
  }

  history(out: Int16Array): number {
    const frames = this.#border.history(this.#handle, out, this.#channels);
    return frames >= 0 ? frames : fail(frames);
  }

  reset(): void {
    const status = this.#border.reset(this.#handle);
    if (status < 0) fail(status);
  }

  [Symbol.dispose](): void {
    // A second time the handle is closed already: its status says so, and that is no error here.
    this.#forgotten.unregister(this);
    this.#border.free(this.#handle);
  }
}

/** The crate's `Error`. */
const enum Status {
  Null = -1,
  Misaligned = -2,
  Length = -3,
  Rate = -4,
  Channels = -5,
  Closed = -6,
  Exhausted = -7,
  Overlap = -8,
  Gain = -9,
  Isa = -10,
}

/** Throws what a status means where the arguments themselves were found to be right. */
function fail(status: number): never {
  switch (status) {
    case Status.Closed:
      throw new TypeError("resampler: expected an open one, this is disposed");
    case Status.Overlap:
      throw new RangeError("output: expected memory of its own, got some that overlaps the input");
    case Status.Null:
      throw new TypeError("samples: expected attached buffers, got a detached one");
    case Status.Exhausted:
      throw new RangeError("resamplers: expected at most 1048576 open ones, got one more");
    case Status.Isa:
      throw new RangeError("isa: expected one that this machine has");
    default:
      throw new Error(`the audio kernel failed with status ${status}: please report this`);
  }
}
