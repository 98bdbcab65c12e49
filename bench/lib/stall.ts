/**
 * A main thread that stands still.
 *
 * @module
 */
import { wallClock } from "./wall_clock.ts";

/** When a main thread stood still, on the wall clock. */
export interface Stall {
  startedAt: number;
  endedAt: number;
}

/** Blocks this thread. `offset` is what {@linkcode clockOffset} said. */
export function stall(ms: number, offset: number): Stall {
  const startedAt = wallClock(offset);
  const end = performance.now() + ms;
  while (performance.now() < end);
  return { startedAt, endedAt: wallClock(offset) };
}
