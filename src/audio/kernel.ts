/** The seam between what the library does with samples and who computes it. @module */

/** What a {@linkcode KernelResampler} converts. */
export interface KernelResamplerOptions {
  /** Frames a second that come in, in Hz. */
  inputRate: number;
  /** Frames a second that go out, in Hz. */
  outputRate: number;
  /** Interleaved channels, the same in and out; 1 unless given. */
  channels?: 1 | 2;
}

/**
 * Who resamples and mixes. All kernels compute the same: they differ from the TypeScript one by at
 * most 1 LSB when they resample, and not at all when they mix.
 */
export interface AudioKernel {
  /** Which kind of kernel runs. */
  readonly name: "native" | "wasm" | "typescript";
  /** Which instructions it uses, or why it is this kernel and no faster one. */
  readonly detail: string;

  /**
   * A converter with a history of its own: one for each stream. Equal rates pass through untouched.
   *
   * @throws {RangeError} when a rate or the channels are out of range
   */
  createResampler(options: KernelResamplerOptions): KernelResampler;

  /**
   * The sum of all rows, each times its gain, saturated once at the end: exact, and independent of
   * the order of the rows.
   *
   * A row's contribution to a sample is `gain * sample` in f32, rounded to the nearest even whole
   * number. Where `previousGains` is given too, the gain goes in a straight line from it (before
   * the first sample) to `gains` (at the last), so that a change makes no click.
   *
   * @param block `count` rows of `frames` samples, one after the other
   * @param count rows, 0 to {@linkcode MAX_MIX_ROWS}
   * @param frames samples in a row
   * @param out at least `frames` samples
   * @param gains one for each row, 0 to {@linkcode MAX_GAIN}; 1 unless given
   * @param previousGains one for each row; the same as `gains` unless given
   * @throws {RangeError} when a length or a gain does not fit; `out` is then untouched
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
   * For each row the sum of all the others, as {@linkcode AudioKernel.mix} computes it: what each
   * of those who speak hears.
   *
   * @param out `count` rows of `frames` samples, or one row more: the last is then the sum of all,
   *   what everybody hears who does not speak
   */
  mixMinus(
    block: Int16Array,
    count: number,
    frames: number,
    out: Int16Array,
    gains?: Float32Array,
    previousGains?: Float32Array,
  ): void;
}

/** One stream's way from one sample rate to another. */
export interface KernelResampler extends Disposable {
  /** How much later a sound comes out than it went in, in milliseconds. */
  readonly latencyMs: number;
  /** The most frames that {@linkcode KernelResampler.flush} writes. */
  readonly tailFrames: number;
  /** The frames of input that {@linkcode KernelResampler.history} can give. */
  readonly historyFrames: number;

  /** The most frames that `inputFrames` frames of input can become. */
  maxOutputFrames(inputFrames: number): number;

  /**
   * Converts `input`, which may have any whole number of frames: where a stream is cut into chunks
   * makes no difference to a single sample. `output` must not overlap `input`.
   *
   * @param input interleaved
   * @param output interleaved, with room for `maxOutputFrames` from `outputOffset` on
   * @param outputOffset the sample (not frame) of `output` to begin at; 0 unless given
   * @returns the frames written
   * @throws {RangeError} when `input` is not whole frames or `output` is too short; nothing is
   *   consumed then
   */
  process(input: Int16Array, output: Int16Array, outputOffset?: number): number;

  /**
   * Writes what the filter still holds and begins anew. All frames together are then as many as
   * the input lasted, plus the latency.
   *
   * @returns the frames written
   * @throws {RangeError} when `output` has no room for `tailFrames`; nothing is changed then
   */
  flush(output: Int16Array, outputOffset?: number): number;

  /**
   * Copies the newest input, at most `historyFrames`, oldest first: what another resampler needs to
   * go on where this one ends.
   *
   * @returns the frames written; silence before the first input counts too
   */
  history(out: Int16Array): number;

  /** Forgets all input. */
  reset(): void;
}

/** The most rows that can be mixed at once. */
export const MAX_MIX_ROWS = 1024;
/** The highest gain of a row: with it the sum of the most rows still fits 32 bits. */
export const MAX_GAIN = 32;

/** Throws the `RangeError` that {@linkcode AudioKernel.mix} promises; every kernel uses it. */
export function assertMixArguments(
  block: Int16Array,
  count: number,
  frames: number,
  out: Int16Array,
  outRows: number,
  gains?: Float32Array,
  previousGains?: Float32Array,
): void {
  if (!Number.isInteger(count) || count < 0 || count > MAX_MIX_ROWS) {
    throw new RangeError(`count: expected 0 to ${MAX_MIX_ROWS} rows, got ${count}`);
  }
  if (!Number.isInteger(frames) || frames < 0) {
    throw new RangeError(`frames: expected a whole number, got ${frames}`);
  }
  if (block.length < count * frames) {
    throw new RangeError(
      `block: expected ${count} rows of ${frames} samples, got ${block.length} samples`,
    );
  }
  if (out.length < outRows * frames) {
    throw new RangeError(
      `out: expected ${outRows} rows of ${frames} samples, got ${out.length} samples`,
    );
  }
  assertGains(gains, count, "gains");
  assertGains(previousGains, count, "previousGains");
  if (previousGains !== undefined && gains === undefined) {
    throw new RangeError("previousGains: expected gains beside it, got none");
  }
}

function assertGains(gains: Float32Array | undefined, count: number, what: string): void {
  if (gains === undefined) return;
  if (gains.length < count) {
    throw new RangeError(`${what}: expected ${count} gains, got ${gains.length}`);
  }
  for (let row = 0; row < count; row++) {
    const gain = gains[row]!;
    // Written so that NaN fails too.
    if (!(gain >= 0 && gain <= MAX_GAIN)) {
      throw new RangeError(`${what}[${row}]: expected 0 to ${MAX_GAIN}, got ${gain}`);
    }
  }
}
