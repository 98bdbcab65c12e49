/**
 * Listens to a tone that should have no holes.
 *
 * @module
 */
import { type Probe, type Reception, reception } from "./probe.ts";

/** What was heard of the tone. */
export interface Listened {
  seconds: number;
  quietMs: number;
  reception: Reception;
}

/** Listens until `during` settles. */
export async function listen(probe: Probe, during: Promise<unknown>): Promise<Listened> {
  await probe.resetTone();
  const before = await probe.stats();
  const start = performance.now();
  await during;
  const { quietMs } = await probe.tone();
  return {
    seconds: (performance.now() - start) / 1000,
    quietMs,
    reception: reception(before, await probe.stats()),
  };
}
