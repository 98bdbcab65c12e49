/**
 * Sound over a line that loses packets in bursts: what both ends make up, and how late it is, where lost
 * packets are sent again and where they are not.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { UdpRelay } from "../../tests/fixtures/udp_relay.ts";
import { progress } from "../lib/progress.ts";
import { median } from "../lib/stats.ts";
import type { Page } from "../../scripts/lib/browser.ts";
import type { AgentAudioStats } from "./agent.ts";
import { type BenchContext, closePage, newPage } from "./bench_context.ts";
import { connectParticipant } from "./browser_participant.ts";
import { type Probe, type Reception, reception } from "../probe/probe.ts";
import { speechLikeNoise } from "./speech.ts";

/** A tenth of the time nothing passes, 60 ms at a time. */
const LOSS = 0.1;
const BURST_MS = 60;
/** Round trips of the line. */
const ROUND_TRIPS_MS = [20, 50, 150];
/** The jitter buffers' time to find their depth. */
const SETTLE_MS = 8000;
const CLICK_EVERY_MS = 200;
const CLICKS = 40;
const SEED = 16;

const DETOUR = await Deno.readTextFile(
  new URL("../../tests/fixtures/detour.js", import.meta.url),
);
/** In the page: no side learns that the other one sends lost sound again. */
const WITHOUT_REPAIR = `{
  const without = (text) => text.replaceAll(/a=rtcp-fb:111 nack(\\r\\n|\\\\r\\\\n)/g, "");
  const { setRemoteDescription } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    return setRemoteDescription.call(this, { type, sdp: without(sdp) });
  };
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) {
    send.call(this, without(data));
  };
}`;

/** One line. */
export interface LossResult {
  roundTripMs: number;
  /** Whether lost packets are sent again. */
  repaired: boolean;
  /** What the page heard of the agent, and of that, per cent that was made up. */
  page: Reception;
  /** Packets that the page asked for again, and that it was asked for. */
  asked: number;
  sentAgain: number;
  /** Per cent of what the agent heard of the page that was made up. */
  agentConcealedPercent: number;
  /** From the page to an agent that echoes and back, median. */
  tripMs: number;
}

/** Measures each line with repair and without, in turns. */
export async function measureLoss(context: BenchContext): Promise<LossResult[]> {
  const results: LossResult[] = [];
  for (const roundTripMs of ROUND_TRIPS_MS) {
    for (const repaired of [false, true]) {
      const result = await measureLine(context, { roundTripMs, repaired });
      results.push(result);
      progress(
        `loss, ${roundTripMs} ms, ${repaired ? "repaired" : "as it is"}: the page ` +
          `${result.page.concealedPercent.toFixed(1)} %, the agent ` +
          `${result.agentConcealedPercent.toFixed(1)} %, there and back ${
            result.tripMs.toFixed(0)
          } ms`,
      );
    }
  }
  return results;
}

async function measureLine(
  context: BenchContext,
  { roundTripMs, repaired }: Pick<LossResult, "roundTripMs" | "repaired">,
): Promise<LossResult> {
  const { agent, options } = context;
  await using relay = new UdpRelay(SEED);
  const page = await newPage(context);
  try {
    const { link } = await agent.join();
    await agent.watchAudio();
    const { probe } = await connectParticipant(page, link, async (page) => {
      await page.exposeFunction("relayPort", (port: number) => relay.route(port));
      await page.evaluate(DETOUR);
      if (!repaired) await page.evaluate(WITHOUT_REPAIR);
    });
    relay.weather = { loss: LOSS, burstMs: BURST_MS, delayMs: roundTripMs / 2 };
    await agent.echo();
    await delay(SETTLE_MS);
    const trips = await probe.roundTrips(CLICKS, CLICK_EVERY_MS, 1000);
    await agent.say("speech");
    const said = probe.say(speechLikeNoise(options.lossSeconds, SEED));
    const before = await read(probe, page);
    const agentBefore = await heardByAgent(context);
    await said;
    const after = await read(probe, page);
    const agentAfter = await heardByAgent(context);
    return {
      roundTripMs,
      repaired,
      page: reception(before.inbound, after.inbound),
      asked: after.asked - before.asked,
      sentAgain: after.sentAgain - before.sentAgain,
      agentConcealedPercent: (agentAfter.concealedMs - agentBefore.concealedMs) /
        (agentAfter.audioMs - agentBefore.audioMs) * 100,
      tripMs: median(trips.map(({ ms }) => ms).filter((ms) => ms !== null)),
    };
  } finally {
    await closePage(page);
    await agent.leave();
  }
}

async function heardByAgent({ agent }: BenchContext): Promise<AgentAudioStats> {
  const [heard] = Object.values(await agent.audioStats());
  if (!heard) throw new Error("the agent knows of no audio yet");
  return heard;
}

async function read(probe: Probe, page: Page) {
  return { inbound: await probe.stats(), ...await page.evaluate(readRepairs) };
}

/** In the page: what it asked for again, and was asked for. */
async function readRepairs(): Promise<{ asked: number; sentAgain: number }> {
  // deno-lint-ignore no-explicit-any -- runs in the page, whose types are not ours
  const { benchClient } = globalThis as any;
  const repairs = { asked: 0, sentAgain: 0 };
  for (const entry of (await benchClient.connection.getStats()).values()) {
    if (entry.kind !== "audio") continue;
    if (entry.type === "inbound-rtp") repairs.asked += entry.nackCount ?? 0;
    if (entry.type === "outbound-rtp") repairs.sentAgain += entry.retransmittedPacketsSent ?? 0;
  }
  return repairs;
}
