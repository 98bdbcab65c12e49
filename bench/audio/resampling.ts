/** Measures resamplers against each other: speed, quality and latency in the same row. @module */

import { progress } from "../lib/progress.ts";
import { median } from "../lib/stats.ts";
import { type Contender, type Runner, worstHoldMs } from "./contender.ts";
import { measureQuality, type Quality, type Rates } from "./quality.ts";

/** One contender at one pair of rates. */
export interface ResamplingRow extends Rates {
  name: string;
  /** Microseconds of a 20 ms chunk: the least, and the median, of the repetitions. */
  us?: number;
  medianUs?: number;
  /** The same over 100 streams in turn, and with nothing of them in any cache. */
  hundredUs?: number;
  coldUs?: number;
  quality?: Quality;
  /** The filter's delay and the longest that input is held back, in milliseconds. */
  latencyMs?: number;
  /** Why it was skipped. */
  skipped?: string;
}

const REPETITIONS = 15;
const STREAMS = 100;

/** Measures all contenders, interleaved in each repetition. */
export async function measureResampling(
  contenders: Contender[],
  rates: Rates,
  options: { quick: boolean; details: boolean },
): Promise<ResamplingRow[]> {
  progress(`resampling ${rates.inputRate} to ${rates.outputRate} Hz`);
  const rows: ResamplingRow[] = [];
  const running: { row: ResamplingRow; one: Runner; many?: Runner; times: number[][] }[] = [];
  for (const contender of contenders) {
    const row: ResamplingRow = { name: contender.name, ...rates };
    rows.push(row);
    try {
      const one = await contender.open(rates, 1);
      const many = options.details && contender.main
        ? await contender.open(rates, STREAMS)
        : undefined;
      running.push({ row, one, many, times: [[], [], []] });
    } catch (error) {
      row.skipped = error instanceof Error ? error.message : String(error);
    }
  }
  const repetitions = options.quick ? 3 : REPETITIONS;
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const { one, many, times } of running) {
      await one.time(20);
      times[0]!.push(await one.time(200));
      if (many === undefined) continue;
      await many.time(STREAMS);
      times[1]!.push(await many.time(5 * STREAMS));
      emptyCaches();
      times[2]!.push(await many.time(STREAMS));
    }
  }
  for (const { row, one, many, times: [hot, hundred, cold] } of running) {
    row.us = Math.min(...hot!) / 1000;
    row.medianUs = median(hot!) / 1000;
    if (many !== undefined) {
      row.hundredUs = Math.min(...hundred!) / 1000;
      row.coldUs = Math.min(...cold!) / 1000;
    }
    if (options.details) {
      progress(`quality of ${row.name}`);
      const tones = options.quick ? 4 : 16;
      row.quality = await measureQuality((input) => one.convert(input), rates, { tones });
      row.latencyMs = Math.max(0, row.quality.delayMs) + await worstHoldMs(one, rates);
    }
    one.close();
    many?.close();
  }
  return rows;
}

const large = new Uint8Array(64 * 1024 * 1024);

function emptyCaches(): void {
  for (let at = 0; at < large.length; at += 64) large[at]!++;
}
