/**
 * How long a live track's round trip takes to come back to normal after a stall.
 *
 * @module
 */
import { median } from "../lib/stats.ts";
import type { RoundTrip } from "../probe/probe.ts";

/** One slot more than before the stall still counts as normal: the machine's own noise. */
const TOLERANCE_MS = 20;
/** A single late echo is no trend: the median of so many clicks decides. */
const WINDOW = 5;

/** What became of the round trip after the last stall. */
export interface Recovery {
  /** Median before the first stall. */
  normalMs: number;
  /** Median of the last second. */
  finalMs: number;
  /** From the last stall's end until it was normal for good; `Infinity`: it never was. */
  recoveredAfterMs: number;
}

/**
 * Looks at clicks before `firstStallAt` and after `lastStallEnd`, both in the clicks' own time.
 * A click that never came back counts as late.
 */
export function recovery(
  trips: RoundTrip[],
  stalls: { firstStallAt: number; lastStallEnd: number },
): Recovery {
  const value = ({ ms }: RoundTrip) => ms ?? Infinity;
  const before = trips.filter(({ time }) => time < stalls.firstStallAt);
  const after = trips.filter(({ time }) => time >= stalls.lastStallEnd);
  const normalMs = median(before.map(value));
  let recoveredAfterMs = 0;
  for (let index = 0; index + WINDOW <= after.length; index++) {
    const window = after.slice(index, index + WINDOW);
    if (median(window.map(value)) <= normalMs + TOLERANCE_MS) continue;
    // Not normal yet: at the earliest with the window's last click, if there is one after it.
    const next = after[index + WINDOW];
    recoveredAfterMs = next ? next.time - stalls.lastStallEnd : Infinity;
  }
  const end = after.at(-1)?.time ?? NaN;
  return {
    normalMs,
    finalMs: median(after.filter(({ time }) => time > end - 1000).map(value)),
    recoveredAfterMs: after.length >= WINDOW ? recoveredAfterMs : NaN,
  };
}
