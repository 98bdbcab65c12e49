/**
 * Times that compare between processes of one machine, to a fraction of a millisecond.
 *
 * @module
 */
import { median } from "./stats.ts";

/**
 * How far `performance.timeOrigin + performance.now()` is ahead of the wall clock. Both origins
 * are guesses of their programs, and the wall clock says only whole milliseconds: so this
 * reads it where it turns. Blocks the thread for a few milliseconds.
 */
export function clockOffset(): number {
  const offsets: number[] = [];
  for (let look = 0; look < 9; look++) {
    const start = Date.now();
    while (Date.now() === start);
    offsets.push(performance.timeOrigin + performance.now() - Date.now());
  }
  return median(offsets);
}

/** Milliseconds since 1970, with fractions, given what {@linkcode clockOffset} said. */
export function wallClock(offset: number): number {
  return performance.timeOrigin + performance.now() - offset;
}
