/**
 * Measures how late an echo is before the main thread that returns it stands still, and five seconds
 * after that.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { median } from "../lib/stats.ts";
import type { Probe, RoundTrip } from "./probe.ts";

const NORMAL_MS = 3000;
const AFTER_MS = 5000;
const LATER_CLICKS = 10;

/** Options for {@linkcode measureEchoBlock}. */
export interface EchoBlockOptions<T> {
  blockMs: number;
  /** How far the clicks are apart; an echo that is later than six of them is taken for another's. */
  clickEveryMs: number;
  /** Blocks the main thread that echoes; resolves when that is over. */
  block: (ms: number) => Promise<unknown>;
  /** Looks at what echoes, before the block and five seconds after it. */
  look: () => Promise<T>;
}

/** The round trip's medians before the block and five seconds after it, and what was seen then. */
export interface EchoBlock<T> {
  normalMs: number;
  afterMs: number;
  normal: T;
  after: T;
}

/** Measures one block. An echo that never came back counts as late. */
export async function measureEchoBlock<T>(
  probe: Probe,
  { blockMs, clickEveryMs, block, look }: EchoBlockOptions<T>,
): Promise<EchoBlock<T>> {
  const trip = (trips: RoundTrip[]) => median(trips.map(({ ms }) => ms ?? Infinity));
  const clicks = (ms: number) => Math.ceil(ms / clickEveryMs);
  const normalMs = trip(await probe.roundTrips(clicks(NORMAL_MS), clickEveryMs));
  const normal = await look();
  const during = probe.roundTrips(clicks(blockMs), clickEveryMs);
  await block(blockMs);
  const unblockedAt = performance.now();
  const untilAfter = () => AFTER_MS - (performance.now() - unblockedAt);
  await during;
  await delay(untilAfter() - LATER_CLICKS * clickEveryMs / 2);
  const later = probe.roundTrips(LATER_CLICKS, clickEveryMs);
  await delay(untilAfter());
  const after = await look();
  return { normalMs, afterMs: trip(await later), normal, after };
}
