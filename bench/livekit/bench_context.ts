/**
 * The context that every part of the benchmark runs in.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import type { Browser } from "../../scripts/lib/browser.ts";
import { closePage, newPage } from "../call/bench_context.ts";
import { Probe } from "../probe/probe.ts";
import { type Contender, tokenFor } from "./contender.ts";
import type { Task } from "./contender_process.ts";
import type { LiveKitOptions } from "./options.ts";

/** The jitter buffers' time to find their depth. */
const SETTLE_MS = 1500;
const LOOK_EVERY_MS = 200;
const HEARD_WITHIN_MS = 20_000;

/** The server's address, the page's, and those who are compared. */
export interface BenchContext {
  browser: Browser;
  server: string;
  page: string;
  contenders: Contender[];
  options: LiveKitOptions;
  /** Returns a room that was not used before. */
  newRoom(): string;
}

/** What each contender measured, in the contenders' order. */
export type OfEach<T> = T[][];

/** Measures each contender `count` times; they take turns. */
export async function inTurns<T>(
  { contenders }: BenchContext,
  count: number,
  measure: (contender: Contender, index: number) => Promise<T>,
): Promise<OfEach<T>> {
  const results: OfEach<T> = contenders.map(() => []);
  for (let index = 0; index < count; index++) {
    for (const [place, contender] of contenders.entries()) {
      results[place]!.push(await measure(contender, index));
    }
  }
  return results;
}

/** Measures a call of one person with an agent, from when both are heard. */
export async function withPerson<T>(
  context: BenchContext,
  { contender, task }: { contender: Contender; task: Task },
  measure: (probe: Probe) => Promise<T>,
): Promise<T> {
  const room = context.newRoom();
  await contender.join(context.server, room, task);
  const page = await newPage(context);
  try {
    const probe = await Probe.install(page);
    await page.goto(context.page);
    await page.evaluate(
      // deno-lint-ignore no-explicit-any -- runs in the page
      (url, token) => (globalThis as any).livekitPerson.join(url, token),
      context.server,
      await tokenFor(room, "person"),
    );
    if (task === "echo") await untilEchoed(probe);
    await delay(SETTLE_MS);
    return await measure(probe);
  } finally {
    await closePage(page);
    await contender.leave();
  }
}

/** Waits until the agent returns what the person says. */
async function untilEchoed(probe: Probe): Promise<void> {
  const deadline = performance.now() + HEARD_WITHIN_MS;
  while (performance.now() < deadline) {
    const trips = await probe.roundTrips(1, LOOK_EVERY_MS);
    if (trips.some(({ ms }) => ms !== null)) return;
  }
  throw new Error(`the agent returned nothing within ${HEARD_WITHIN_MS} ms`);
}
