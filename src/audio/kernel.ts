/** The interface of the kernels that resample and mix. @module */

import { assertApart, float32Length, int16Length } from "./typed_arrays.ts";

/** Options for a {@linkcode KernelResampler}. */
export interface KernelResamplerOptions {
  /** The sample rate of the input, in Hz. */
  inputRate: number;
  /** The sample rate of the output, in Hz. */
  outputRate: number;
  /** Interleaved channels of input and output. Default 1. */
  channels?: 1 | 2;
}

/**
 * Resamples, mixes and, where it has a network, detects speech. All kernels compute the same: when
 * resampling they differ from the TypeScript kernel by at most 1 LSB, when mixing not at all.
 */
export interface AudioKernel {
  /** The kind of kernel. */
  readonly name: "native" | "wasm" | "typescript";
  /** The instructions it uses, or why no faster kernel was chosen. */
  readonly detail: string;

  /**
   * Creates a resampler for one stream. Equal rates pass through unchanged.
   *
   * @throws {RangeError} a rate or the channels are out of range
   */
  createResampler(options: KernelResamplerOptions): KernelResampler;

  /**
   * Writes the sum of all rows, each times its gain, saturated once at the end: exact, and independent
   * of the order of the rows.
   *
   * A row's contribution to a sample is `gain * sample` in f32, rounded half to even. With
   * `previousGains` the gain is interpolated linearly from it (before the first sample) to `gains` (at
   * the last), so that a change causes no click.
   *
   * @param block `count` rows of `frames` samples, one after the other
   * @param count rows, 0 to {@linkcode MAX_MIX_ROWS}
   * @param frames samples in a row
   * @param out at least `frames` samples, which overlap nothing that is read
   * @param gains one for each row, 0 to {@linkcode MAX_GAIN}; default 1
   * @param previousGains one for each row; default `gains`
   * @throws {TypeError} when an array is of another kind, or its buffer detached
   * @throws {RangeError} when a length or a gain does not fit, or `out` overlaps another array;
   *   `out` is then untouched
   */
  mix(
    block: Int16Array,
    count: number,
    frames: number,
    out: Int16Array,
    gains?: Float32Array,
    previousGains?: Float32Array,
  ): void;

  /**
   * Writes for each row the sum of all the others, as {@linkcode AudioKernel.mix} computes it: the
   * audio that each speaker hears.
   *
   * @param out `count` rows of `frames` samples, or one row more: the last is then the sum of all,
   *   the audio that all other listeners hear; they overlap nothing that is read
   * @throws {TypeError | RangeError} as {@linkcode AudioKernel.mix} does
   */
  mixMinus(
    block: Int16Array,
    count: number,
    frames: number,
    out: Int16Array,
    gains?: Float32Array,
    previousGains?: Float32Array,
  ): void;

  /**
   * Creates a detector of speech for one stream. The TypeScript kernel has none: its network is part of
   * the native library and of the WASM module.
   */
  createSpeechDetector?(): KernelSpeechDetector;
}

/** Tells speech from everything else, in one stream of 16 kHz mono. */
export interface KernelSpeechDetector extends Disposable {
  /**
   * Takes the next samples, any number of them, and returns the latest probability of speech, 0 to 1:
   * it changes every 16 ms and does not depend on how the stream is split into chunks.
   *
   * @throws {TypeError} when `samples` is no `Int16Array`, its buffer is detached, or the detector is
   *   disposed
   */
  process(samples: Int16Array): number;

  /** Forgets all input. */
  reset(): void;
}

/** Converts one stream from one sample rate to another. */
export interface KernelResampler extends Disposable {
  /** The delay from input to output, in milliseconds. */
  readonly latencyMs: number;
  /** The most frames that {@linkcode KernelResampler.flush} writes. */
  readonly tailFrames: number;
  /** The frames of input that {@linkcode KernelResampler.history} can copy. */
  readonly historyFrames: number;

  /** The most frames that `inputFrames` frames of input can become. */
  maxOutputFrames(inputFrames: number): number;

  /**
   * Converts `input`, of any whole number of frames: the output does not depend on how the stream is
   * split into chunks. `output` must not overlap `input`.
   *
   * @param input interleaved
   * @param output interleaved, with room for `maxOutputFrames` from `outputOffset` on
   * @param outputOffset the sample (not frame) of `output` to begin at; default 0
   * @returns the frames written
   * @throws {TypeError} when an array is no `Int16Array`, its buffer is detached, or the resampler
   *   is disposed; nothing is consumed then
   * @throws {RangeError} when `input` is not whole frames, or `output` is too short or overlaps it;
   *   nothing is consumed then
   */
  process(input: Int16Array, output: Int16Array, outputOffset?: number): number;

  /**
   * Writes the frames that the filter still holds, and starts anew. The total output then lasts as long
   * as the input plus the latency.
   *
   * @returns the frames written
   * @throws {TypeError} as {@linkcode KernelResampler.process} does
   * @throws {RangeError} when `output` has no room for `tailFrames`; nothing is changed then
   */
  flush(output: Int16Array, outputOffset?: number): number;

  /**
   * Copies the newest input, at most `historyFrames`, oldest first: the input that another
   * resampler needs to continue this stream.
   *
   * @returns the frames written; silence before the first input counts too
   * @throws {TypeError} as {@linkcode KernelResampler.process} does
   */
  history(out: Int16Array): number;

  /** Forgets all input. */
  reset(): void;
}

/** The most rows of one mix. */
export const MAX_MIX_ROWS = 1024;
/** The highest gain of a row: with it the sum of the most rows still fits 32 bits. */
export const MAX_GAIN = 32;

/*
 * The checks that every kernel makes before it mixes, in this order, so that all kernels throw the same
 * errors: the arrays' types, their lengths, whether they overlap, the gains.
 */

/** Throws unless all arrays are of their kinds and long enough; returns the samples of `out`. */
export function checkMixLengths(
  block: Int16Array,
  count: number,
  frames: number,
  out: Int16Array,
  outRows: number,
  gains: Float32Array | undefined,
  previousGains: Float32Array | undefined,
): number {
  const blockLength = int16Length(block, "block");
  const outLength = int16Length(out, "out");
  const to = gains === undefined ? undefined : float32Length(gains, "gains");
  const from = previousGains === undefined
    ? undefined
    : float32Length(previousGains, "previousGains");
  if (!Number.isInteger(count) || count < 0 || count > MAX_MIX_ROWS) {
    throw new RangeError(`count: expected 0 to ${MAX_MIX_ROWS} rows, got ${count}`);
  }
  if (!Number.isInteger(frames) || frames < 0) {
    throw new RangeError(`frames: expected a whole number, got ${frames}`);
  }
  if (blockLength < count * frames) {
    throw new RangeError(
      `block: expected ${count} rows of ${frames} samples, got ${blockLength} samples`,
    );
  }
  if (outLength < outRows * frames) {
    throw new RangeError(
      `out: expected ${outRows} rows of ${frames} samples, got ${outLength} samples`,
    );
  }
  if (to !== undefined && to < count) {
    throw new RangeError(`gains: expected ${count} gains, got ${to}`);
  }
  if (from !== undefined) {
    if (from < count) {
      throw new RangeError(`previousGains: expected ${count} gains, got ${from}`);
    }
    if (to === undefined) {
      throw new RangeError("previousGains: expected gains beside it, got none");
    }
  }
  return outLength;
}

/** Throws if the output overlaps an array that is read. */
export function assertMixApart(
  out: Int16Array,
  block: Int16Array,
  gains: Float32Array | undefined,
  previousGains: Float32Array | undefined,
): void {
  assertApart(out, "out", block, "block");
  if (gains !== undefined) assertApart(out, "out", gains, "gains");
  if (previousGains !== undefined) assertApart(out, "out", previousGains, "previousGains");
}

/** Throws unless the first `count` gains are in range. */
export function assertGains(gains: Float32Array | undefined, count: number, what: string): void {
  if (gains === undefined) return;
  for (let row = 0; row < count; row++) {
    const gain = gains[row]!;
    // Written so that NaN fails too.
    if (!(gain >= 0 && gain <= MAX_GAIN)) {
      throw new RangeError(`${what}[${row}]: expected 0 to ${MAX_GAIN}, got ${gain}`);
    }
  }
}
