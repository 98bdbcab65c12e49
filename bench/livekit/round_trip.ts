/**
 * Measures the round trip from browser to agent to browser, what it costs, and how late the echo is after
 * the agent's main thread stood still.
 *
 * @module
 */
import { cpuMs } from "../lib/process_cpu.ts";
import { progress } from "../lib/progress.ts";
import { median } from "../lib/stats.ts";
import { measureEchoBlock } from "../probe/echo_block.ts";
import { type Reception, reception } from "../probe/probe.ts";
import { type BenchContext, inTurns, type OfEach, withPerson } from "./bench_context.ts";

const CLICK_EVERY_MS = 200;
/** Jitter buffers give back what a joining made them hold while they carry sound, and not in silence. */
const WARM_UP_CLICKS = 10;
/** Six of them are longer than the longest block. */
const BLOCK_CLICK_EVERY_MS = 250;

/** The round trips of one connection. */
export interface TripResult {
  tripsMs: number[];
  /** Clicks that did not come back. */
  lost: number;
  reception: Reception;
  /** Of a core, all of the program's processes. */
  cpuPercent: number;
}

/** Measures the round trip of connections, in turns. */
export async function measureRoundTrips(context: BenchContext): Promise<OfEach<TripResult>> {
  const { connections, clicks } = context.options;
  return await inTurns(context, connections, async (contender, index) => {
    const result = await withPerson(context, { contender, task: "echo" }, async (probe) => {
      await probe.roundTrips(WARM_UP_CLICKS, CLICK_EVERY_MS);
      const before = await probe.stats();
      const [start, used] = [performance.now(), await contender.sum(cpuMs)];
      const trips = await probe.roundTrips(clicks, CLICK_EVERY_MS);
      const cpu = await contender.sum(cpuMs) - used;
      const tookMs = performance.now() - start;
      const tripsMs = trips.map(({ ms }) => ms).filter((ms) => ms !== null);
      return {
        tripsMs,
        lost: trips.length - tripsMs.length,
        reception: reception(before, await probe.stats()),
        cpuPercent: 100 * cpu / tookMs,
      };
    });
    progress(
      `${contender.name}: round trip ${index + 1} of ${connections}: ` +
        `${median(result.tripsMs).toFixed(0)} ms, jitter buffer ` +
        `${result.reception.jitterBufferMs.toFixed(0)} ms, ${
          result.cpuPercent.toFixed(0)
        } % of a core`,
    );
    return result;
  });
}

/** How late an echo was around one block. */
export interface LateEcho {
  blockMs: number;
  normalMs: number;
  /** Five seconds after the block; `Infinity`: it did not come back. */
  afterMs: number;
}

/** Measures echoes around blocks of each length, in turns. */
export async function measureLateEchoes(context: BenchContext): Promise<OfEach<LateEcho>> {
  const { blocks, blocksMs } = context.options;
  const all = await inTurns(context, blocks, async (contender, index) => {
    return await withPerson(context, { contender, task: "echo" }, async (probe) => {
      const echoes: LateEcho[] = [];
      await probe.roundTrips(WARM_UP_CLICKS, CLICK_EVERY_MS);
      for (const blockMs of blocksMs) {
        const { normalMs, afterMs } = await measureEchoBlock(probe, {
          blockMs,
          clickEveryMs: BLOCK_CLICK_EVERY_MS,
          block: (ms) => contender.block(ms),
          look: () => Promise.resolve(),
        });
        progress(
          `${contender.name}: echo, blocked for ${blockMs} ms, ${index + 1} of ${blocks}: ` +
            `${normalMs.toFixed(0)} ms, ${afterMs.toFixed(0)} ms 5 s later`,
        );
        echoes.push({ blockMs, normalMs, afterMs });
      }
      return echoes;
    });
  });
  return all.map((one) => one.flat());
}
