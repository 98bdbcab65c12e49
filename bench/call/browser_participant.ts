/**
 * A participant in the benchmark's browser, which joins as the page does, with a track of its own.
 *
 * @module
 */
import type { Page } from "../../scripts/lib/browser.ts";
import { Probe } from "../probe/probe.ts";

/** A participant who has joined. */
export interface JoinedParticipant {
  probe: Probe;
  /** From joining until sound flows both ways, the page and its script being there already. */
  joinMs: number;
}

/** In the page: joins with the probe's track; returns how long that took, in milliseconds. */
async function join(): Promise<number> {
  // deno-lint-ignore no-explicit-any -- runs in the page, whose types are not ours
  const page = globalThis as any;
  const { RinglineClient } = await import(`${page.location.origin}/client.js`);
  const client = page.benchClient = new RinglineClient();
  const microphone = ringlineProbe.makeSource().track;
  const start = performance.now();
  await client.join({ name: "Bench", microphone });
  return performance.now() - start;
}

/**
 * Opens the link and joins. The instrument listens from the first sample on.
 *
 * @param prepare gets the page before it joins
 */
export async function connectParticipant(
  page: Page,
  link: URL,
  prepare?: (page: Page) => Promise<void>,
): Promise<JoinedParticipant> {
  const probe = await Probe.install(page);
  await page.goto(link.href);
  await prepare?.(page);
  const joinMs = await page.evaluate(join);
  await probe.listen();
  return { probe, joinMs };
}
