/**
 * Measures stalls: the agent's main thread stands still for 200 ms every 2 s. What a participant
 * hears of it while the agent speaks, and what becomes of a live track.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { progress } from "../lib/progress.ts";
import { type BenchContext, closePage, newPage } from "./bench_context.ts";
import { connectParticipant } from "./browser_participant.ts";
import { measureEchoBlock } from "../probe/echo_block.ts";
import { listen, type Listened } from "../probe/listened.ts";
import { type Probe, type Reception, reception, type RoundTrip } from "../probe/probe.ts";
import { median } from "../lib/stats.ts";
import { type Recovery, recovery } from "./recovery.ts";

const SETTLE_MS = 1500;
const STALL_EVERY_MS = 2000;
/** Closer than for the round trip: the way back to normal is to be seen. */
const CLICK_EVERY_MS = 125;
const NORMAL_MS = 3000;
const RECOVERY_STALLS = 4;
const AFTER_MS = 7000;
const BLOCK_MS = 3000;
const DEPTHS = 10;

/** A live track before and after one long block. */
export interface LiveBlockResult {
  /** Round trip, median; before the block, and five seconds after it. */
  normalMs: number;
  afterMs: number;
  /** What the track held then: its own part of that. */
  normalDepthMs: number;
  afterDepthMs: number;
  /** What it cut out to catch up. */
  cutMs: number;
}

/** Speech that was written ahead, with stalls and, to know the machine's noise, without. */
export interface SpeechStallResult {
  calm: Listened;
  stalled: Listened;
}

/** A live track through stalls. */
export interface LiveStallResult extends Recovery {
  /** Echoes of clicks that were sent between the first stall and the last. */
  duringMs: number[];
  /** Clicks that never came back. */
  lost: number;
  reception: Reception;
}

/** Measures what a participant hears of speech that is written 400 ms ahead. */
export async function measureSpeechStall(context: BenchContext): Promise<SpeechStallResult> {
  const { agent, options } = context;
  const page = await newPage(context);
  try {
    const { link } = await agent.join();
    const { probe } = await connectParticipant(page, link);
    await agent.say("tone");
    await delay(SETTLE_MS);
    const calm = await listen(probe, delay(options.stallSeconds * 1000 / 4));
    const stalled = await listen(probe, agent.stall(options.stallSeconds * 1000 / STALL_EVERY_MS));
    progress(
      `speech, stalled for ${stalled.seconds.toFixed(0)} s: ` +
        `${stalled.reception.concealedSamples} samples concealed, ${stalled.quietMs} ms quiet`,
    );
    return { calm, stalled };
  } finally {
    await closePage(page);
    await agent.leave();
  }
}

/** Measures while a person hears what they say come back from the agent. */
async function whileEchoing<T>(
  context: BenchContext,
  measure: (probe: Probe) => Promise<T>,
): Promise<T> {
  const { agent } = context;
  const page = await newPage(context);
  try {
    const { link } = await agent.join();
    await agent.echo();
    const { probe } = await connectParticipant(page, link);
    await delay(SETTLE_MS);
    return await measure(probe);
  } finally {
    await closePage(page);
    await agent.leave();
  }
}

/** Measures the round trip of a live track before, during and after stalls. */
export async function measureLiveStall(context: BenchContext): Promise<LiveStallResult> {
  const { agent } = context;
  return await whileEchoing(context, async (probe) => {
    const before = await probe.stats();
    const totalMs = NORMAL_MS + RECOVERY_STALLS * STALL_EVERY_MS + AFTER_MS;
    const clicking = probe.roundTrips(Math.ceil(totalMs / CLICK_EVERY_MS), CLICK_EVERY_MS);
    await delay(NORMAL_MS);
    const stalls = await agent.stall(RECOVERY_STALLS);
    const trips = await clicking;
    const firstStallAt = stalls[0]!.startedAt;
    const lastStallEnd = stalls.at(-1)!.endedAt;
    const during = ({ time }: RoundTrip) => time >= firstStallAt && time < lastStallEnd;
    const result: LiveStallResult = {
      ...recovery(trips, { firstStallAt, lastStallEnd }),
      duringMs: trips.filter(during).map(({ ms }) => ms).filter((ms) => ms !== null),
      lost: trips.filter(({ ms }) => ms === null).length,
      reception: reception(before, await probe.stats()),
    };
    progress(
      `live track, stalled: normally ${result.normalMs.toFixed(0)} ms, back after ` +
        `${(result.recoveredAfterMs / 1000).toFixed(1)} s at ${result.finalMs.toFixed(0)} ms, ` +
        `${result.lost} of ${trips.length} clicks lost`,
    );
    return result;
  });
}

/** Measures how late a live track is before a block of three seconds and five seconds after it. */
export async function measureLiveBlock(context: BenchContext): Promise<LiveBlockResult> {
  const { agent } = context;
  return await whileEchoing(context, async (probe) => {
    const { normalMs, afterMs, normal, after } = await measureEchoBlock(probe, {
      blockMs: BLOCK_MS,
      clickEveryMs: CLICK_EVERY_MS,
      block: (ms) => agent.block(ms),
      look: async () => {
        const depths = [];
        for (let count = 0; count < DEPTHS; count++) {
          depths.push((await agent.figures()).bufferedMs);
          await delay(33);
        }
        return { depthMs: median(depths), trimmedMs: (await agent.figures()).trimmedMs };
      },
    });
    const [normalDepthMs, afterDepthMs] = [normal.depthMs, after.depthMs];
    const cutMs = after.trimmedMs - normal.trimmedMs;
    progress(
      `live track, blocked for 3 s: normally ${normalMs.toFixed(0)} ms, ${afterMs.toFixed(0)} ms ` +
        `5 s later; held ${normalDepthMs.toFixed(0)} and ${afterDepthMs.toFixed(0)} ms`,
    );
    return { normalMs, afterMs, normalDepthMs, afterDepthMs, cutMs };
  });
}
