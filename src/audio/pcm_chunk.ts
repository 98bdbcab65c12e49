/** A chunk of PCM samples. @module */

import { assertObject } from "./arguments.ts";
import { describe, int16Length } from "./typed_arrays.ts";

/** The lowest sample rate, in Hz, that this library accepts. */
const MIN_SAMPLE_RATE = 1_000;
/** The highest sample rate, in Hz, that this library accepts. */
const MAX_SAMPLE_RATE = 384_000;
/**
 * The most interleaved channels a {@linkcode PcmChunk} may have. Resamplers and rings have one or two
 * themselves, and average the channels of a chunk that has more.
 */
const MAX_CHANNELS = 8;

/** The format of a stream of samples. */
export interface PcmFormat {
  /** The sample rate, in Hz. */
  readonly sampleRate: number;
  /** Interleaved channels. */
  readonly channels: number;
}

/**
 * Throws unless `sampleRate` is a whole number of Hz within the library's range.
 *
 * @throws {RangeError} names `what`, the range and the value
 */
export function assertSampleRate(sampleRate: number, what = "sampleRate"): void {
  if (
    !Number.isInteger(sampleRate) || sampleRate < MIN_SAMPLE_RATE || sampleRate > MAX_SAMPLE_RATE
  ) {
    throw new RangeError(
      `${what}: expected a whole number of Hz from ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE}, ` +
        `got ${typeof sampleRate === "number" ? sampleRate : describe(sampleRate)}`,
    );
  }
}

/**
 * A chunk of signed 16-bit samples, interleaved, in the machine's (little-endian) order.
 *
 * A chunk does not copy its samples: a chunk passed to a callback is a view, valid as long as that
 * callback's documentation says. Use {@linkcode PcmChunk.clone} to keep it.
 *
 * @example A second of silence
 * ```ts
 * import { PcmChunk } from "@ringline/edge/audio";
 *
 * const silence = new PcmChunk(new Int16Array(48_000), { sampleRate: 48_000 });
 * console.log(silence.durationMs); // 1000
 * ```
 */
export class PcmChunk implements PcmFormat {
  /** The samples, interleaved: frame 0 of every channel, then frame 1, and so on. */
  readonly samples: Int16Array;
  /** The sample rate, in Hz. */
  readonly sampleRate: number;
  /** Interleaved channels. */
  readonly channels: number;

  /**
   * Wraps samples; nothing is copied.
   *
   * @param samples interleaved
   * @param format the sample rate, and the channels (default 1)
   * @throws {TypeError} when `samples` is not an `Int16Array`
   * @throws {RangeError} when the rate, the channels, or the length (not whole frames) is wrong
   */
  constructor(samples: Int16Array, format: { sampleRate: number; channels?: number }) {
    const length = int16Length(samples, "samples");
    assertObject(format, "format", "an object like { sampleRate: 48_000 }");
    const { sampleRate, channels = 1 } = format;
    assertFormat(length, sampleRate, channels);
    this.samples = samples;
    this.sampleRate = sampleRate;
    this.channels = channels;
  }

  /** Samples per channel. */
  get frames(): number {
    return this.samples.length / this.channels;
  }

  /** The duration of the chunk, in milliseconds. */
  get durationMs(): number {
    return this.frames * 1000 / this.sampleRate;
  }

  /** Returns a copy with its own samples. */
  clone(): PcmChunk {
    return new PcmChunk(this.samples.slice(), this);
  }

  /** Returns the rounded mean of all channels; a copy even if the chunk is mono. */
  toMono(): PcmChunk {
    const mono = new Int16Array(this.frames);
    convertChannels(this.samples, this.channels, mono, 1);
    return new PcmChunk(mono, { sampleRate: this.sampleRate });
  }
}

/** Throws a `RangeError` unless the rate and the channels are in range and the frames whole. */
function assertFormat(length: number, sampleRate: number, channels: number): void {
  assertSampleRate(sampleRate);
  if (!Number.isInteger(channels) || channels < 1 || channels > MAX_CHANNELS) {
    throw new RangeError(`channels: expected 1 to ${MAX_CHANNELS}, got ${channels}`);
  }
  if (length % channels !== 0) {
    throw new RangeError(
      `samples: expected whole frames of ${channels} channels, got ${length} samples`,
    );
  }
}

/**
 * Throws unless `value` is a chunk and still valid: a program can change its fields, or the buffer of
 * its samples, after it was created.
 *
 * @throws {TypeError} names `what` and the actual value
 * @throws {RangeError} as the constructor does
 */
export function assertPcmChunk(value: PcmChunk, what: string): void {
  if (!(value instanceof PcmChunk)) {
    throw new TypeError(
      `${what}: expected a PcmChunk, got ${describe(value)}: create one from an Int16Array, ` +
        "new PcmChunk(samples, { sampleRate })",
    );
  }
  assertFormat(int16Length(value.samples, "samples"), value.sampleRate, value.channels);
}

/**
 * Writes `input` to `output` with another number of channels: mono goes to every channel, and
 * anything else is averaged to mono first. `output` holds as many frames as `input`.
 */
export function convertChannels(
  input: Int16Array,
  inputChannels: number,
  output: Int16Array,
  outputChannels: number,
): void {
  const frames = input.length / inputChannels;
  if (inputChannels === outputChannels) {
    output.set(input);
    return;
  }
  for (let frame = 0; frame < frames; frame++) {
    let sum = 0;
    for (let channel = 0; channel < inputChannels; channel++) {
      sum += input[frame * inputChannels + channel]!;
    }
    // The mean of i16 values is within i16: rounding cannot overflow.
    const mono = Math.round(sum / inputChannels);
    for (let channel = 0; channel < outputChannels; channel++) {
      output[frame * outputChannels + channel] = mono;
    }
  }
}
