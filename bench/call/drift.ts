/**
 * Two people whose clocks are off, one fast and one slow, in a long call: how late an agent hears them
 * at its beginning and at its end.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { Helper } from "../lib/helper.ts";
import { progress } from "../lib/progress.ts";
import { median } from "../lib/stats.ts";
import type { AgentFigures, Click } from "./agent.ts";
import type { BenchContext } from "./bench_context.ts";

/** By how much the clocks are off, in millionths. */
const PPM = [200, -200];
/** The jitter buffers' time to find their depth. */
const SETTLE_MS = 5000;
/** Clicks of which the beginning's and the end's median is taken, one a second. */
const WINDOW = 30;
const JOIN_LIMIT_MS = 5000;
/** A click that was not heard within this time is lost. */
const LOST_MS = 900;

/** How one person was heard. */
export interface DriftedPerson {
  ppm: number;
  /** How late the agent heard them: at the beginning, at the end, and at most. */
  firstMs: number;
  lastMs: number;
  worstMs: number;
  /** By how much later in each minute: the line through all clicks. */
  slopeMsPerMinute: number;
  clicks: number;
  lost: number;
  /** Per cent of their sound that was made up. */
  concealedPercent: number;
}

/** A call with clocks that are off. */
export interface DriftResult {
  minutes: number;
  people: DriftedPerson[];
  agent: AgentFigures;
}

/** Measures a call of `options.driftMinutes` minutes. */
export async function measureDrift({ agent, options }: BenchContext): Promise<DriftResult> {
  const minutes = options.driftMinutes;
  const { link } = await agent.join();
  try {
    await using people = new Helper(new URL("./drift_process.ts", import.meta.url), [
      link.href,
      ...PPM.map(String),
    ]);
    const { joined, error } = await people.next("joined", PPM.length * JOIN_LIMIT_MS);
    if (error) throw new Error(`they could not join: ${error}`);
    await delay(SETTLE_MS);
    await agent.watchAudio();
    for (let minute = 0; minute < minutes; minute++) {
      await delay(60_000);
      progress(`drift: ${minute + 1} of ${minutes} minutes`);
    }
    const heard = await agent.clicks();
    const sent: Click[] = await people.ask("clicks");
    const stats = await agent.audioStats();
    const measured = (joined as string[]).map((name, index): DriftedPerson => {
      const own = ({ name: other }: Click) => other === name;
      const { audioMs = NaN, concealedMs = NaN } = stats[name] ?? {};
      return {
        ppm: PPM[index]!,
        ...lateness(sent.filter(own), heard.filter(own)),
        concealedPercent: concealedMs / audioMs * 100,
      };
    });
    return { minutes, people: measured, agent: await agent.figures() };
  } finally {
    await agent.leave();
  }
}

/** How late clicks were heard, those before the first and after the last that was heard left out. */
export function lateness(
  sent: Click[],
  heard: Click[],
): Omit<DriftedPerson, "ppm" | "concealedPercent"> {
  const [first, last] = [heard[0]?.at ?? NaN, heard.at(-1)?.at ?? NaN];
  const within = sent.filter(({ at }) => at > first - LOST_MS && at < last);
  const late = within.flatMap(({ at }) => {
    const found = heard.find((one) => one.at > at && one.at < at + LOST_MS);
    return found ? [{ at, ms: found.at - at }] : [];
  });
  const of = (some: typeof late) => median(some.map(({ ms }) => ms));
  return {
    firstMs: of(late.slice(0, WINDOW)),
    lastMs: of(late.slice(-WINDOW)),
    worstMs: Math.max(...late.map(({ ms }) => ms)),
    slopeMsPerMinute: slope(late) * 60_000,
    clicks: within.length,
    lost: within.length - late.length,
  };
}

/** The slope of the line that fits best, by least squares. */
function slope(points: { at: number; ms: number }[]): number {
  const mean = (values: number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;
  const [at, ms] = [mean(points.map((one) => one.at)), mean(points.map((one) => one.ms))];
  let [both, squares] = [0, 0];
  for (const point of points) {
    both += (point.at - at) * (point.ms - ms);
    squares += (point.at - at) ** 2;
  }
  return both / squares;
}
