/** The checks of all kernels' resamplers. @module */

import { int16Length } from "./typed_arrays.ts";

/** Throws a `RangeError` unless `channels` is 1 or 2. */
export function assertChannels(channels: number): asserts channels is 1 | 2 {
  if (channels !== 1 && channels !== 2) {
    throw new RangeError(`channels: expected 1 or 2, got ${channels}`);
  }
}

/** Throws a `TypeError` if the resampler is disposed. */
export function assertOpen(disposed: boolean): void {
  if (disposed) throw new TypeError("resampler: expected an open one, this is disposed");
}

/** Returns the number of samples; throws unless `input` is an `Int16Array` of whole frames. */
export function inputLength(input: Int16Array, channels: 1 | 2): number {
  const length = int16Length(input, "input");
  if (channels === 2 && (length & 1) !== 0) {
    throw new RangeError(`input: expected whole stereo frames, got ${length} samples`);
  }
  return length;
}

/** Returns the length of `output`; throws unless it is an `Int16Array` with room from `offset` on. */
export function outputLength(output: Int16Array, offset: number, room: number): number {
  const length = int16Length(output, "output");
  if (!Number.isInteger(offset) || offset < 0) {
    throw new RangeError(`outputOffset: expected a whole number of samples, got ${offset}`);
  }
  if (length - offset < room) {
    throw new RangeError(
      `output: expected room for ${room} samples from ${offset} on, got ${length} samples`,
    );
  }
  return length;
}
