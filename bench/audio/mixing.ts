/** Measures mixers against each other and against copying. @module */

import { progress } from "../lib/progress.ts";
import { timeLivekitMixer } from "./contenders/livekit.ts";
import { ourKernels } from "./contenders/ours.ts";
import { PythonWorker } from "./contenders/python.ts";
import { testSignal } from "./contender.ts";
import { pythonWithContenders } from "./install.ts";

/** Nanoseconds of one 20 ms frame at 48 kHz. */
export interface MixingRow {
  name: string;
  /** By the number of people: the sum of all, and mix-minus for each. */
  mixNs: Record<number, number>;
  mixMinusNs: Record<number, number>;
  skipped?: string;
}

const FRAMES = 960;
const PEOPLE = [2, 8, 32, 128];
const REPETITIONS = 15;

/** Measures copying and our kernels, interleaved, then numpy and LiveKit's mixer. */
export async function measureMixing(quick: boolean): Promise<MixingRow[]> {
  progress("mixing");
  const rows: MixingRow[] = [];
  const runs: {
    row: MixingRow;
    mix?: () => void;
    minus: () => void;
    calls: number;
    people: number;
  }[] = [];
  const add = (name: string): MixingRow => {
    const row = { name, mixNs: {}, mixMinusNs: {} };
    rows.push(row);
    return row;
  };
  const copying = add("memcpy");
  for (const people of PEOPLE) {
    // Quiet enough that a sum of all seldom clips, as people are.
    const block = testSignal(people * FRAMES).map((sample) => sample / people);
    const copy = new Int16Array(people * FRAMES);
    runs.push({ row: copying, minus: () => copy.set(block), calls: 300, people });
  }
  for (const [name, kernel] of ourKernels()) {
    const row = add(name);
    for (const people of PEOPLE) {
      const block = testSignal(people * FRAMES).map((sample) => sample / people);
      const out = new Int16Array(people * FRAMES), single = new Int16Array(FRAMES);
      runs.push({
        row,
        mix: () => kernel.mix(block, people, FRAMES, single),
        minus: () => kernel.mixMinus(block, people, FRAMES, out),
        calls: name.includes("TypeScript") ? 10 : 300,
        people,
      });
    }
  }
  for (let repetition = 0; repetition < (quick ? 3 : REPETITIONS); repetition++) {
    for (const { row, mix, minus, calls, people } of runs) {
      keepLeast(row.mixMinusNs, people, time(minus, calls));
      if (mix !== undefined) keepLeast(row.mixNs, people, time(mix, calls));
    }
  }
  rows.push(await numpy(quick), await livekitMixer(quick));
  return rows;
}

async function numpy(quick: boolean): Promise<MixingRow> {
  const row: MixingRow = { name: "numpy", mixNs: {}, mixMinusNs: {} };
  try {
    const worker = new PythonWorker(await pythonWithContenders());
    for (let repetition = 0; repetition < (quick ? 2 : 5); repetition++) {
      for (const rows of PEOPLE) {
        const ns = await worker.ask<number>({ do: "mix", rows, frames: FRAMES, calls: 50 });
        keepLeast(row.mixMinusNs, rows, ns);
      }
    }
    await worker.close();
  } catch (error) {
    row.skipped = error instanceof Error ? error.message : String(error);
  }
  return row;
}

/** It builds only the sum of all: one for each listener would need as many mixers. */
async function livekitMixer(quick: boolean): Promise<MixingRow> {
  const row: MixingRow = { name: "@livekit/rtc-node AudioMixer", mixNs: {}, mixMinusNs: {} };
  try {
    for (let repetition = 0; repetition < (quick ? 1 : 3); repetition++) {
      for (const people of PEOPLE) {
        keepLeast(row.mixNs, people, await timeLivekitMixer(people, FRAMES));
      }
    }
  } catch (error) {
    row.skipped = error instanceof Error ? error.message : String(error);
  }
  return row;
}

function keepLeast(least: Record<number, number>, people: number, ns: number): void {
  least[people] = Math.min(least[people] ?? Infinity, ns);
}

function time(run: () => void, calls: number): number {
  const start = performance.now();
  for (let call = 0; call < calls; call++) run();
  return (performance.now() - start) * 1e6 / calls;
}
