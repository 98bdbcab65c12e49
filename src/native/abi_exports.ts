/** The exports of the Rust crate, as both of its builds are called. @module */

/**
 * The exports of the Rust crate; each returns a count, or a negative status. Their arrays have been
 * checked to be what their types say, and to have as many elements as the length beside them.
 */
export interface AbiExports {
  newResampler(inputRate: number, outputRate: number, channels: number, info: Uint32Array): number;
  /** Writes at most `room` samples from `offset` on; returns frames of `channels`. */
  process(
    handle: number,
    input: Int16Array,
    inputLength: number,
    output: Int16Array,
    outputLength: number,
    offset: number,
    room: number,
    channels: number,
  ): number;
  flush(
    handle: number,
    output: Int16Array,
    outputLength: number,
    offset: number,
    room: number,
    channels: number,
  ): number;
  /** Writes at most `room` samples. */
  history(handle: number, output: Int16Array, room: number, channels: number): number;
  reset(handle: number): number;
  free(handle: number): number;
  newDetector(info: Uint32Array): number;
  /** Writes the probability of speech. */
  detect(
    handle: number,
    samples: Int16Array,
    samplesLength: number,
    probability: Float32Array,
  ): number;
  resetDetector(handle: number): number;
  freeDetector(handle: number): number;
  mix(
    block: Int16Array,
    blockLength: number,
    count: number,
    frames: number,
    out: Int16Array,
    outLength: number,
    listeners: Listeners,
    gains: Float32Array,
    gainsLength: number,
    previousGains: Float32Array,
    previousGainsLength: number,
  ): number;
}

/** The rows to mix: the sum of all, a row for each input without it, or those and the sum. */
export const enum Listeners {
  All = 0,
  Others = 1,
  OthersAndAll = 2,
}
