/** The CPU and memory that are in use. @module */
import os from "node:os";
import process from "node:process";
import type { Clock } from "../events/clock.ts";
import { granted } from "../native/locate.ts";
import type { MachineUse } from "./limits.ts";

/** A share is measured over no less time: of a moment, such as a start, it says nothing. */
const MIN_MS = 1000;
/** The files of the program's control group, where it has one of its own: in a container. */
const GROUP = "/sys/fs/cgroup";

/** What is in use of what there is, both growing. */
interface Figure {
  used: number;
  all: number;
}

/** What the machine tells; `undefined` where the program may not ask, or the system does not know. */
export interface MachineFigures {
  /** The CPU time of this program, in milliseconds. */
  ownCpuMs(): number;
  /** The time of all processors. */
  processors(): Figure | undefined;
  memory(): { total: number; available: number } | undefined;
  /** A file's text. */
  file(path: string): string | undefined;
}

/**
 * Returns a function that measures the machine, each time since the last time that was at least a second
 * ago.
 *
 * CPU is the share of the processors that is in use, by all programs (so a media process counts), or this
 * program's own share of one processor where that is more: its JavaScript runs on one. In a container with
 * limits, the CPU is that of its control group as a share of its limit, and so is the memory, without the
 * cache of files, which the system takes back when it needs it. Otherwise both are the machine's.
 *
 * Never prompts: without `--allow-sys` only this program's own CPU is measured, and without `--allow-all`
 * no control group (Deno lets no other program read its files), so that a container's limits are unknown
 * and the whole machine counts.
 */
export function machineMeter(
  clock: Clock,
  figures: MachineFigures = denoFigures,
): () => MachineUse {
  const own = shareSince(clock, () => ({ used: figures.ownCpuMs(), all: clock.now() }));
  const group = shareSince(clock, () => groupCpu(clock, figures));
  const machine = shareSince(clock, () => figures.processors());
  return () => {
    const around = [group(), machine()].find((share) => share !== undefined);
    const shares = [own(), around].filter((share) => share !== undefined);
    return {
      cpu: shares.length > 0 ? Math.max(...shares) : undefined,
      memory: memoryInUse(figures),
    };
  };
}

/** Returns a function that returns the share in use since the last time. */
function shareSince(clock: Clock, read: () => Figure | undefined): () => number | undefined {
  let last = { at: clock.now(), figure: read() };
  let share: number | undefined;
  return () => {
    const at = clock.now();
    if (at - last.at < MIN_MS) return share;
    const [from, to] = [last.figure, read()];
    last = { at, figure: to };
    share = from && to && to.all > from.all
      ? Math.min(1, Math.max(0, (to.used - from.used) / (to.all - from.all)))
      : undefined;
    return share;
  };
}

/** The CPU time of the control group, in microseconds, and what its limit allows. */
function groupCpu(clock: Clock, { file }: MachineFigures): Figure | undefined {
  // Without a limit it says "max 100000".
  const [quota, period] = file(`${GROUP}/cpu.max`)?.split(/\s+/).map(Number) ?? [];
  const used = entry(file(`${GROUP}/cpu.stat`), "usage_usec");
  if (!quota || !period || used === undefined) return undefined;
  return { used, all: clock.now() * 1000 * quota / period };
}

function memoryInUse({ file, memory }: MachineFigures): number | undefined {
  // Without a limit it says "max".
  const limit = Number(file(`${GROUP}/memory.max`));
  const current = Number(file(`${GROUP}/memory.current`));
  if (limit && current) {
    const cached = entry(file(`${GROUP}/memory.stat`), "inactive_file") ?? 0;
    return Math.min(1, Math.max(0, current - cached) / limit);
  }
  const machine = memory();
  return machine && machine.total > 0 ? 1 - machine.available / machine.total : undefined;
}

/** Returns a number of a file with lines such as `usage_usec 12`. */
function entry(text: string | undefined, name: string): number | undefined {
  const value = text?.match(new RegExp(`^${name} (\\d+)$`, "m"))?.[1];
  return value === undefined ? undefined : Number(value);
}

const denoFigures: MachineFigures = {
  ownCpuMs() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  processors: () =>
    readIfGranted({ name: "sys", kind: "cpus" }, () => {
      const processors = os.cpus();
      let idle = 0, all = 0;
      for (const { times } of processors) {
        idle += times.idle;
        all += times.user + times.nice + times.sys + times.idle + times.irq;
      }
      return processors.length > 0 ? { used: all - idle, all } : undefined;
    }),
  memory: () =>
    readIfGranted({ name: "sys", kind: "systemMemoryInfo" }, () => Deno.systemMemoryInfo()),
  file: (path) => readIfGranted({ name: "read", path }, () => Deno.readTextFileSync(path)),
};

/** Returns the result, or `undefined` where the program may not, or the system cannot. Never prompts. */
function readIfGranted<T>(permission: Deno.PermissionDescriptor, read: () => T): T | undefined {
  try {
    return granted(permission) ? read() : undefined;
  } catch {
    return undefined;
  }
}
