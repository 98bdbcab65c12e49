/** What every kernel's resampler checks before it touches a sample. @module */

/** Throws a `RangeError` unless `channels` is 1 or 2. */
export function assertChannels(channels: number): asserts channels is 1 | 2 {
  if (channels !== 1 && channels !== 2) {
    throw new RangeError(`channels: expected 1 or 2, got ${channels}`);
  }
}

/** Throws a `TypeError` where a resampler is used that was given back. */
export function assertOpen(disposed: boolean): void {
  if (disposed) throw new TypeError("resampler: expected an open one, this is disposed");
}

/** The frames of `input`; throws a `RangeError` when they are not whole. */
export function assertInput(input: Int16Array, channels: 1 | 2): number {
  if (channels === 2 && (input.length & 1) !== 0) {
    throw new RangeError(`input: expected whole stereo frames, got ${input.length} samples`);
  }
  return input.length / channels;
}

/** Throws a `RangeError` unless `output` holds `samples` from `offset` on. */
export function assertRoom(output: Int16Array, offset: number, samples: number): void {
  if (!Number.isInteger(offset) || offset < 0 || output.length - offset < samples) {
    throw new RangeError(
      `output: expected room for ${samples} samples from ${offset} on, got ${output.length} samples`,
    );
  }
}
