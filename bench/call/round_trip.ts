/**
 * Measures the round trip from browser to agent to browser, and the same over the one-process
 * baseline; joining; flushing.
 *
 * Ours and the baseline take turns, so that what else the machine does hits both alike.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { progress } from "../lib/progress.ts";
import { median, medianOfMedians } from "../lib/stats.ts";
import { type BenchContext, closePage, newPage } from "./bench_context.ts";
import { connectBaseline } from "./baseline.ts";
import { connectParticipant } from "./browser_participant.ts";
import { measureFlushes } from "../probe/flushes.ts";
import { type Probe, type Reception, reception } from "../probe/probe.ts";

/** The jitter buffers' time to find their depth. */
const SETTLE_MS = 1500;
const CLICK_EVERY_MS = 200;
/** How often a tone is flushed. */
const FLUSHES = 5;

/** The round trips of one connection. */
export interface TripResult {
  /** The echoes that came back. */
  tripsMs: number[];
  /** Clicks that did not come back. */
  lost: number;
  reception: Reception;
}

/** What one connection measured. */
export interface ConnectionResult extends TripResult {
  /** From each `flush()` until the browser's decoder gives silence; `NaN`: it never did. */
  flushesMs: number[];
}

/** One connection to an agent. */
export interface OwnResult extends ConnectionResult {
  /** `agent.join`, with a media process that is not there yet. */
  agentJoinMs: number;
  /** From the person's joining until media is connected. */
  personJoinMs: number;
}

/** All connections. */
export interface RoundTripResults {
  own: OwnResult[];
  baseline: ConnectionResult[];
}

async function measureTrips(probe: Probe, clicks: number): Promise<TripResult> {
  await delay(SETTLE_MS);
  const before = await probe.stats();
  const trips = await probe.roundTrips(clicks, CLICK_EVERY_MS);
  const tripsMs = trips.map(({ ms }) => ms).filter((ms) => ms !== null);
  return {
    tripsMs,
    lost: trips.length - tripsMs.length,
    reception: reception(before, await probe.stats()),
  };
}

async function measureBaseline(context: BenchContext): Promise<ConnectionResult> {
  const page = await newPage(context);
  try {
    await using baseline = await connectBaseline(page, context.blank);
    const trips = await measureTrips(baseline.probe, context.options.clicks);
    return { ...trips, flushesMs: await measureFlushes(baseline.probe, baseline, FLUSHES) };
  } finally {
    await closePage(page);
  }
}

async function measureOwn(context: BenchContext): Promise<OwnResult> {
  const { agent, options } = context;
  const page = await newPage(context);
  try {
    const { link, joinMs: agentJoinMs } = await agent.join();
    await agent.echo();
    const { probe, joinMs: personJoinMs } = await connectParticipant(page, link);
    const trips = await measureTrips(probe, options.clicks);
    const flushesMs = await measureFlushes(probe, agent, FLUSHES);
    return { ...trips, agentJoinMs, personJoinMs, flushesMs };
  } finally {
    await closePage(page);
    await agent.leave();
  }
}

/** Measures ours and the baseline in turns. */
export async function measureRoundTrips(context: BenchContext): Promise<RoundTripResults> {
  const results: RoundTripResults = { own: [], baseline: [] };
  const { connections } = context.options;
  for (let index = 0; index < connections; index++) {
    const own = await measureOwn(context);
    const baseline = await measureBaseline(context);
    results.own.push(own);
    results.baseline.push(baseline);
    progress(
      `round trip ${index + 1}/${connections}: ${median(own.tripsMs).toFixed(0)} ms, baseline ` +
        `${median(baseline.tripsMs).toFixed(0)} ms, flush ${
          median(own.flushesMs).toFixed(0)
        } ms, ` +
        `baseline ${median(baseline.flushesMs).toFixed(0)} ms, joined in ` +
        `${own.agentJoinMs.toFixed(0)} + ${own.personJoinMs.toFixed(0)} ms`,
    );
  }
  return results;
}

/** The round trip of some connections: the median of their medians. */
export function typicalTrip(results: TripResult[]): number {
  return medianOfMedians(results.map(({ tripsMs }) => tripsMs));
}
