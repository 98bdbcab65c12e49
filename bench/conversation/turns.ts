/**
 * Measures turns with a pause inside, for each way to end them: how long from the last word of a recorded
 * phrase to the first sound of the reply in the browser, with a tool and without, and how many are
 * answered in the pause.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import type { Browser } from "../../scripts/lib/browser.ts";
import { closePage, newPage } from "../call/bench_context.ts";
import { connectParticipant } from "../call/browser_participant.ts";
import type { Probe } from "../probe/probe.ts";
import { type PcmChunk, Resampler, typescriptKernel } from "../../src/audio/mod.ts";
import { progress } from "../lib/progress.ts";
import { median } from "../lib/stats.ts";
import { type PausedPhrase, pausedPhrases, PAUSES_MS } from "../turns/phrases.ts";
import type { ConversationProcess } from "./agent.ts";
import { TURN_KINDS, type TurnKind } from "./turn_agent.ts";

/** The page's rate. */
const RATE = 48_000;
const SETTLE_MS = 1500;
/** The reply is awaited for so long after the last word. */
const REPLY_LIMIT_MS = 5000;
/** The reply ends, and the line is quiet. */
const AFTERWARDS_MS = 1200;
/** A pause within a turn that counts is at least so long; shorter ones belong to words. */
const LEAST_PAUSE_MS = 500;

/** What one way to end turns did. */
export interface TurnFigures {
  kind: TurnKind;
  /** From the last word to the reply's first sound, of the turns that were not cut. */
  plainMs: number[];
  /** The same where the model called a tool first. */
  toolMs: number[];
  /** The turns that were answered in their pause. */
  cut: number;
  /** The turns without a reply. */
  lost: number;
  turns: number;
}

/** Returns so many phrases from a folder of recordings; a `TypeError` where it has none. */
export async function turnPhrases(speech: string, turns: number): Promise<PausedPhrase[]> {
  const read = await pausedPhrases(speech, turns * PAUSES_MS.length);
  return read.filter(({ silenceMs }) => silenceMs >= LEAST_PAUSE_MS).slice(0, turns);
}

/** Says these phrases for each way. */
export async function measureTurns(
  { browser, agent, phrases }: {
    browser: Browser;
    agent: ConversationProcess;
    phrases: readonly PausedPhrase[];
  },
): Promise<TurnFigures[]> {
  const turns = phrases.length;
  const figures: TurnFigures[] = [];
  for (const kind of TURN_KINDS) {
    const page = await newPage({ browser });
    const result: TurnFigures = { kind, plainMs: [], toolMs: [], cut: 0, lost: 0, turns };
    try {
      const { probe } = await connectParticipant(page, await agent.join("neural", kind));
      await delay(SETTLE_MS);
      for (const [index, phrase] of phrases.entries()) {
        const usesTool = index % 2 === 1;
        const ms = await sayOnce(agent, probe, phrase, usesTool);
        if ((await agent.happened()).turnsEnded > 1) result.cut++;
        else if (ms === undefined) result.lost++;
        else (usesTool ? result.toolMs : result.plainMs).push(ms);
      }
    } finally {
      await closePage(page);
      await agent.leave();
    }
    figures.push(result);
    progress(
      `turns by ${kind}: ${shown(result.plainMs)}, with a tool ${shown(result.toolMs)}, ` +
        `${result.cut} of ${turns} cut`,
    );
  }
  return figures;
}

/** Returns what the reply took; `undefined` where there was none. */
async function sayOnce(
  agent: ConversationProcess,
  probe: Probe,
  { pcm, resumesAtMs }: PausedPhrase,
  usesTool: boolean,
): Promise<number | undefined> {
  await agent.happened();
  await agent.script({ usesTool, hasResumed: false });
  const before = (await probe.speechChanges()).length;
  const said = probe.say(atPageRate(pcm));
  // In the middle of what comes after the pause.
  await delay((resumesAtMs + pcm.durationMs) / 2);
  await agent.script({ hasResumed: true });
  await said;
  const firstSound = (await probe.speechChanges()).slice(before).find(({ on }) => on);
  if (!firstSound) throw new Error("the phrase is not heard");
  const lastWord = firstSound.time + pcm.durationMs;
  const end = performance.now() + REPLY_LIMIT_MS;
  let first: { time: number } | undefined;
  while (!first && performance.now() < end) {
    await delay(100);
    first = (await probe.toneChanges()).find(({ on, time }) => on && time > lastWord);
  }
  await delay(AFTERWARDS_MS);
  return first && first.time - lastWord;
}

function atPageRate(pcm: PcmChunk): Int16Array<ArrayBuffer> {
  using resampler = new Resampler(typescriptKernel(), {
    inputRate: pcm.sampleRate,
    outputRate: RATE,
  });
  return resampler.convert(pcm).samples.slice();
}

function shown(values: readonly number[]): string {
  return values.length > 0 ? `${median(values).toFixed(0)} ms` : "none whole";
}
