/**
 * Measures an agent that plays a tone which it has written ahead: how soon an order ends it, and what is
 * heard of a main thread that stands still.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { progress } from "../lib/progress.ts";
import { median } from "../lib/stats.ts";
import { measureFlushes, untilTone } from "../probe/flushes.ts";
import { listen } from "../probe/listened.ts";
import { type BenchContext, inTurns, type OfEach, withPerson } from "./bench_context.ts";

/** Until the tone is written as far ahead as it will be, and the jitter buffer has its depth. */
const SETTLE_MS = 2000;
/** How long is listened after a block begins, beside its own length: what it has delayed comes, too. */
const AFTER_MS = 2500;

/** Measures flushes over connections, in turns. */
export async function measureSpeechFlushes(context: BenchContext): Promise<OfEach<number>> {
  const { flushConnections, flushes } = context.options;
  const all = await inTurns(context, flushConnections, async (contender, index) => {
    const flushesMs = await withPerson(
      context,
      { contender, task: "speak" },
      (probe) => measureFlushes(probe, contender, flushes),
    );
    progress(
      `${contender.name}: flushes ${index + 1} of ${flushConnections}: ` +
        `${median(flushesMs).toFixed(0)} ms`,
    );
    return flushesMs;
  });
  return all.map((one) => one.flat());
}

/** What was heard of the tone around one block. */
export interface HeardBlock {
  /** 0: nothing was blocked, to know the machine's own noise. */
  blockMs: number;
  /** Silence where the tone should have been. */
  missingMs: number;
  /** What the browser made up since nothing came in time. */
  madeUpMs: number;
}

/** Measures blocks of each length, in turns. */
export async function measureSpeechBlocks(context: BenchContext): Promise<OfEach<HeardBlock>> {
  const { blocks, blocksMs } = context.options;
  const all = await inTurns(context, blocks, async (contender, index) => {
    return await withPerson(context, { contender, task: "speak" }, async (probe) => {
      await contender.say();
      await untilTone(probe, true);
      await delay(SETTLE_MS);
      const heard: HeardBlock[] = [];
      for (const blockMs of [0, ...blocksMs]) {
        const block = contender.block(blockMs);
        const { quietMs, reception } = await listen(probe, delay(blockMs + AFTER_MS));
        await block;
        const madeUpMs = reception.concealedSamples / 48;
        progress(
          `${contender.name}: speech, blocked for ${blockMs} ms, ${index + 1} of ${blocks}: ` +
            `${quietMs} ms missing, ${madeUpMs.toFixed(0)} ms made up`,
        );
        heard.push({ blockMs, missingMs: quietMs, madeUpMs });
      }
      return heard;
    });
  });
  return all.map((one) => one.flat());
}
