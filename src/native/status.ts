/** The statuses of the ABI, and the errors that they become. @module */

import { overlapError } from "../audio/typed_arrays.ts";

/** The status codes of the crate's `Error`. */
export const enum Status {
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

/** Throws the error of a status whose arguments are right. */
export function fail(status: number, output: string): never {
  switch (status) {
    case Status.Closed:
      throw new TypeError("resampler: expected an open one, this is disposed");
    case Status.Overlap:
      throw overlapError(output, "the input");
    case Status.Null:
      throw new TypeError("samples: expected attached buffers, got a detached one");
    case Status.Exhausted:
      throw new RangeError(
        "resamplers, detectors: expected at most 1048576 open ones, got one more",
      );
    case Status.Isa:
      throw new RangeError("isa: expected one that this machine has");
    default:
      throw new Error(`the audio kernel failed with status ${status}: please report this`);
  }
}
