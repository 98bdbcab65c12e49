/**
 * Measures flushes: a tone is played, an order ends it, and the page hears how long it goes on.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import type { Probe } from "./probe.ts";

/** How long the tone is heard before, and how long its end is waited for. */
const TONE_MS = 700;
const FLUSHED_MS = 300;
/** The most that a slow start or end may take. */
const LIMIT_MS = 5000;
const LOOK_EVERY_MS = 50;

/** What plays a tone until it is flushed. */
export interface ToneSpeaker {
  say(what: "tone"): Promise<void>;
  /** Returns when it was told to, on the wall clock. */
  flush(): Promise<number>;
}

/** Waits until the tone is heard, or no more; not for ever. */
export async function untilTone(probe: Probe, isHeard: boolean): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (performance.now() < deadline && await probe.hearsTone() !== isHeard) {
    await delay(LOOK_EVERY_MS);
  }
}

/** From each flush until the browser's decoder gives silence, in milliseconds; `NaN`: it never did. */
export async function measureFlushes(
  probe: Probe,
  speaker: ToneSpeaker,
  count: number,
): Promise<number[]> {
  const flushesMs: number[] = [];
  for (let index = 0; index < count; index++) {
    await speaker.say("tone");
    await untilTone(probe, true);
    await delay(TONE_MS);
    const flushedAt = await speaker.flush();
    await delay(FLUSHED_MS);
    await untilTone(probe, false);
    const last = (await probe.toneChanges()).at(-1);
    flushesMs.push(last && !last.on && last.time > flushedAt ? last.time - flushedAt : NaN);
  }
  return flushesMs;
}
