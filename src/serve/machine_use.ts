/** The CPU and memory that are in use. @module */
import os from "node:os";
import process from "node:process";
import type { Clock } from "../events/clock.ts";
import type { MachineUse } from "./limits.ts";

/** The CPU of a shorter time says nothing: a program that begins is busy. */
const LEAST_MS = 1000;

/**
 * Returns a function that measures the machine, each time since the last time; until a second has
 * passed, the CPU is not known.
 *
 * CPU is the share of the machine's processors that is in use, by all programs (so a media process
 * counts), or this program's own share of one processor where that is more: its JavaScript runs on one.
 * Memory is that of the machine, or of the container.
 *
 * Without `--allow-sys` only this program's own CPU is measured. In a container the limits of its
 * control group count where the program may read them, which takes `--allow-all`.
 */
export function machineMeter(clock: Clock): () => MachineUse {
  const own = ownCpu(clock);
  const machine = machineCpu();
  let measuredAt = clock.now();
  let cpu: number | undefined;
  return () => {
    if (clock.now() - measuredAt >= LEAST_MS) {
      measuredAt = clock.now();
      cpu = Math.max(own(), machine() ?? 0);
    }
    return { cpu, memory: memoryInUse() };
  };
}

/** This program's share of one processor. */
function ownCpu(clock: Clock): () => number {
  const used = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  let last = { at: clock.now(), ms: used() };
  return () => {
    const next = { at: clock.now(), ms: used() };
    const share = Math.min(1, (next.ms - last.ms) / (next.at - last.at));
    last = next;
    return share;
  };
}

/** The share of all processors. */
function machineCpu(): () => number | undefined {
  const times = (): { idle: number; all: number } | undefined => {
    const processors = attempted(() => os.cpus());
    if (!processors?.length) return undefined;
    let idle = 0, all = 0;
    for (const { times } of processors) {
      idle += times.idle;
      all += times.user + times.nice + times.sys + times.idle + times.irq;
    }
    return { idle, all };
  };
  let last = times();
  let share: number | undefined;
  return () => {
    const next = times();
    if (last && next && next.all > last.all) {
      share = 1 - (next.idle - last.idle) / (next.all - last.all);
    }
    last = next;
    return share;
  };
}

function memoryInUse(): number | undefined {
  const limit = attempted(() => Number(Deno.readTextFileSync("/sys/fs/cgroup/memory.max")));
  const current = attempted(() => Number(Deno.readTextFileSync("/sys/fs/cgroup/memory.current")));
  // Without a limit it says "max".
  if (limit && current) return Math.min(1, current / limit);
  const memory = attempted(() => Deno.systemMemoryInfo());
  return memory && memory.total > 0 ? 1 - memory.available / memory.total : undefined;
}

/** Returns the result, or `undefined` where the program may not, or the system cannot. */
function attempted<T>(measure: () => T): T | undefined {
  try {
    return measure();
  } catch {
    return undefined;
  }
}
