/**
 * Measures replies: how long from a participant's last sound to the reply's first in the browser,
 * what of it the agent's event explains, and what remains as our own part once the script and the
 * round trip of the same run are taken off.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import type { Browser } from "../../scripts/lib/browser.ts";
import type { AgentProcess } from "../call/agent.ts";
import { closePage, newPage } from "../call/bench_context.ts";
import { connectParticipant } from "../call/browser_participant.ts";
import { seeded } from "../call/speech.ts";
import { progress } from "../lib/progress.ts";
import { median } from "../lib/stats.ts";
import type { ConversationProcess, ReplyParts } from "./agent.ts";
import { SCRIPTED_MS } from "./script.ts";

const RATE = 48_000;
const SETTLE_MS = 1500;
const QUESTION_MS = 700;
const LEVEL = 6000;
/** The reply, its end, and a pause. */
const REPLIED_MS = SCRIPTED_MS + 1200;
const CLICKS = 15;
const CLICK_EVERY_MS = 200;

/** What all replies took. */
export interface ReplyResults {
  /** From the last sound to the reply's first, in the browser. */
  inBrowserMs: number[];
  /** The same without the script, and without the connection's own way there and back. */
  overheadMs: number[];
  /** The ways there and back: the median of each connection. */
  transportMs: number[];
  /** What the agent says of each. */
  parts: ReplyParts[];
  /** What the browser measured beyond what the agent says: the way, and the browser's own buffer. */
  beyondAgentMs: number[];
  /** Questions without a reply. */
  lost: number;
}

/** Noise that begins and ends sharply, so that its end is the same for all listeners. */
function question(seed: number): Int16Array<ArrayBuffer> {
  const random = seeded(seed);
  return Int16Array.from(
    { length: RATE * QUESTION_MS / 1000 },
    () => LEVEL * 2 * (random() - 0.5),
  );
}

async function measureTransport(browser: Browser, echo: AgentProcess): Promise<number> {
  const page = await newPage({ browser });
  try {
    const { link } = await echo.join();
    await echo.echo();
    const { probe } = await connectParticipant(page, link);
    await delay(SETTLE_MS);
    const trips = await probe.roundTrips(CLICKS, CLICK_EVERY_MS);
    return median(trips.map(({ ms }) => ms).filter((ms) => ms !== null));
  } finally {
    await closePage(page);
    await echo.leave();
  }
}

/** Asks on several connections, several times on each, and measures the way itself in turn. */
export async function measureReplies(
  { browser, agent, echo, connections, times }: {
    browser: Browser;
    agent: ConversationProcess;
    echo: AgentProcess;
    connections: number;
    times: number;
  },
): Promise<ReplyResults> {
  const results: ReplyResults = {
    inBrowserMs: [],
    overheadMs: [],
    transportMs: [],
    parts: [],
    beyondAgentMs: [],
    lost: 0,
  };
  const all: number[][] = [];
  for (let connection = 0; connection < connections; connection++) {
    results.transportMs.push(await measureTransport(browser, echo));
    const page = await newPage({ browser });
    const inBrowserMs: number[] = [];
    try {
      const { probe } = await connectParticipant(page, await agent.join("energy"));
      await delay(SETTLE_MS);
      for (let index = 0; index < times; index++) {
        const before = (await probe.toneChanges()).length;
        await probe.say(question(connection * times + index));
        await delay(REPLIED_MS);
        const lastSound = (await probe.speechChanges()).findLast(({ on }) => !on)!;
        const first = (await probe.toneChanges()).slice(before).find(({ on }) => on);
        if (first) inBrowserMs.push(first.time - lastSound.time);
        else results.lost++;
      }
      const { replies } = await agent.happened();
      results.parts.push(...replies);
      // Where one was lost it is not known which.
      if (replies.length === inBrowserMs.length) {
        const beyond = inBrowserMs.map((ms, index) => ms - replies[index]!.voiceToVoiceMs);
        results.beyondAgentMs.push(...beyond);
      }
    } finally {
      await closePage(page);
      await agent.leave();
    }
    all.push(inBrowserMs);
    progress(
      `replies ${connection + 1}/${connections}: ${median(inBrowserMs).toFixed(0)} ms, ` +
        `there and back ${results.transportMs.at(-1)!.toFixed(0)} ms`,
    );
  }
  // One connection's way depends on its clock phases, and the next one's are others.
  const transportMs = median(results.transportMs);
  results.inBrowserMs = all.flat();
  results.overheadMs = results.inBrowserMs.map((ms) => ms - SCRIPTED_MS - transportMs);
  return results;
}
