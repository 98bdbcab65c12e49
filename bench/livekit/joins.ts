/**
 * Measures joining and leaving rooms, again and again: how long it takes, and what memory is left.
 *
 * @module
 */
import { slope } from "../../scripts/soak/verdict.ts";
import { residentMb } from "../lib/process_cpu.ts";
import { progress } from "../lib/progress.ts";
import { percentile, rounded } from "../lib/stats.ts";
import { type BenchContext, inTurns, type OfEach } from "./bench_context.ts";

const SHOW_EVERY = 10;

/** One join. */
export interface JoinResult {
  joinMs: number;
  /** What all processes of the program hold after it has left. */
  memoryMb: number;
}

/** Joins and leaves, in turns. */
export async function measureJoins(context: BenchContext): Promise<OfEach<JoinResult>> {
  const { joins } = context.options;
  return await inTurns(context, joins, async (contender, index) => {
    const joinMs = await contender.join(context.server, context.newRoom(), "echo");
    await contender.leave();
    const memoryMb = await contender.sum(residentMb);
    if (index === 0 || (index + 1) % SHOW_EVERY === 0 || index === joins - 1) {
      progress(
        `${contender.name}: join ${index + 1} of ${joins}: ${joinMs.toFixed(0)} ms, then ` +
          `${memoryMb.toFixed(0)} MB`,
      );
    }
    return { joinMs, memoryMb };
  });
}

/** What joins came to. */
export interface JoinFigures {
  p50Ms: number | null;
  p95Ms: number | null;
  /** After the first join, in the middle, and after the last. */
  memoryMb: (number | null)[];
  /** How memory grows in the second half, when what is needed is loaded, for a hundred joins. */
  growthMb: number | null;
}

/** Sums joins up. */
export function joinFigures(joins: JoinResult[]): JoinFigures {
  const times = joins.map(({ joinMs }) => joinMs);
  const memory = joins.map(({ memoryMb }) => memoryMb);
  const half = Math.floor(memory.length / 2);
  const late = memory.map((mb, index): [number, number] => [index, mb]).slice(half);
  return {
    p50Ms: rounded(percentile(times, 0.5)),
    p95Ms: rounded(percentile(times, 0.95)),
    memoryMb: [memory[0], memory[half], memory.at(-1)].map((mb) => rounded(mb)),
    growthMb: rounded(slope(late) * 100),
  };
}
