/** Times that travel in samples, from one process to another. @module */
import { clockOffset, wallClock } from "./lib/wall_clock.ts";

const offset = clockOffset();
const bits = new Int16Array(4);
const time = new Float64Array(bits.buffer);

/** Writes the time into the first four samples. */
export function stamp(samples: Int16Array): void {
  time[0] = wallClock(offset);
  samples.set(bits);
}

/** How many milliseconds ago {@linkcode stamp} wrote these. */
export function sinceStamp(samples: Int16Array): number {
  bits.set(samples.subarray(0, 4));
  return wallClock(offset) - time[0]!;
}
