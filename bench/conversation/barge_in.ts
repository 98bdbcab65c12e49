/**
 * Measures barge-in: how long after a participant's first sound, and after the agent's decision, the
 * browser's decoder gives silence. Participants say the recording of the tests; the VAD is the default.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import type { Browser } from "../../scripts/lib/browser.ts";
import { speech } from "../../tests/fixtures/speech.ts";
import { closePage, newPage } from "../call/bench_context.ts";
import { connectParticipant } from "../call/browser_participant.ts";
import type { Probe } from "../probe/probe.ts";
import { seeded } from "../call/speech.ts";
import { progress } from "../lib/progress.ts";
import { median } from "../lib/stats.ts";
import type { ConversationProcess } from "./agent.ts";

const SETTLE_MS = 1500;
/** How soon and how late into the agent's speech a participant interrupts. */
const FROM_MS = 300;
const TO_MS = 2000;
const LIMIT_MS = 5000;
/** The turn ends, and the agent replies to it. */
const AFTERWARDS_MS = 2500;
/** A cough, a cup: as long as a word, as loud as a voice. */
const NOISE_MS = 250;
const NOISE_LEVEL = 4000;
const NOISE_EVERY_MS = 2500;
const RATE = 48_000;

/** What the interruptions of all connections took; `NaN`: it never fell silent. */
export interface BargeInResults {
  fromFirstSoundMs: number[];
  fromDecisionMs: number[];
  /** Interruptions that turned out to be meant, of all. */
  confirmed: number;
  /** Short noises while the agent speaks, how many stopped it, and how many of them for a moment only. */
  noises: number;
  stopped: number;
  falseInterruptions: number;
}

async function toneIs(on: boolean, probe: Probe): Promise<boolean> {
  const end = performance.now() + LIMIT_MS;
  while (await probe.hearsTone() !== on) {
    if (performance.now() > end) return false;
    await delay(20);
  }
  return true;
}

async function interruptOnce(
  agent: ConversationProcess,
  probe: Probe,
  words: Int16Array<ArrayBuffer>,
  afterMs: number,
): Promise<{ fromFirstSoundMs: number; fromDecisionMs: number; confirmed: boolean }> {
  await agent.happened();
  await agent.speak();
  if (!await toneIs(true, probe)) throw new Error("the agent is not heard");
  await delay(afterMs);
  const before = (await probe.speechChanges()).length;
  await probe.say(words);
  const isSilent = await toneIs(false, probe);
  const firstSound = (await probe.speechChanges()).slice(before).find(({ on }) => on)!;
  const silentAt = isSilent ? (await probe.toneChanges()).at(-1)!.time : NaN;
  await delay(AFTERWARDS_MS);
  const { suspectedAt, bargeIns } = await agent.happened();
  await agent.interrupt();
  await delay(FROM_MS);
  return {
    fromFirstSoundMs: silentAt - firstSound.time,
    fromDecisionMs: silentAt - (suspectedAt[0] ?? NaN),
    confirmed: bargeIns > 0,
  };
}

function noise(seed: number): Int16Array<ArrayBuffer> {
  const random = seeded(seed);
  const length = RATE * NOISE_MS / 1000;
  return Int16Array.from(
    { length },
    (_, n) => NOISE_LEVEL * (1 - n / length) * (2 * random() - 1),
  );
}

/** Noises while the agent speaks; returns how many stopped it, and for a moment only. */
async function hearNoises(
  agent: ConversationProcess,
  probe: Probe,
  times: number,
): Promise<{ stopped: number; falseInterruptions: number }> {
  await agent.happened();
  await agent.speak();
  if (!await toneIs(true, probe)) throw new Error("the agent is not heard");
  for (let index = 0; index < times; index++) {
    await probe.say(noise(index));
    await delay(NOISE_EVERY_MS);
  }
  const { suspectedAt, falseInterruptions } = await agent.happened();
  await agent.interrupt();
  return { stopped: suspectedAt.length, falseInterruptions };
}

/** Interrupts on several connections, several times on each. */
export async function measureBargeIn(
  { browser, agent, connections, times }: {
    browser: Browser;
    agent: ConversationProcess;
    connections: number;
    times: number;
  },
): Promise<BargeInResults> {
  const words = await speech();
  const results: BargeInResults = {
    fromFirstSoundMs: [],
    fromDecisionMs: [],
    confirmed: 0,
    noises: connections * times,
    stopped: 0,
    falseInterruptions: 0,
  };
  for (let connection = 0; connection < connections; connection++) {
    const page = await newPage({ browser });
    try {
      const { probe } = await connectParticipant(page, await agent.join("neural"));
      await delay(SETTLE_MS);
      for (let index = 0; index < times; index++) {
        const spread = (connection * times + index) / (connections * times);
        const one = await interruptOnce(agent, probe, words, FROM_MS + spread * (TO_MS - FROM_MS));
        results.fromFirstSoundMs.push(one.fromFirstSoundMs);
        results.fromDecisionMs.push(one.fromDecisionMs);
        if (one.confirmed) results.confirmed++;
      }
      const { stopped, falseInterruptions } = await hearNoises(agent, probe, times);
      results.stopped += stopped;
      results.falseInterruptions += falseInterruptions;
      progress(
        `barge-in ${connection + 1}/${connections}: ` +
          `${median(results.fromFirstSoundMs.slice(-times)).toFixed(0)} ms from the first sound, ` +
          `${median(results.fromDecisionMs.slice(-times)).toFixed(0)} ms from the decision`,
      );
    } finally {
      await closePage(page);
      await agent.leave();
    }
  }
  return results;
}
