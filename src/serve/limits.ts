/** What a worker takes on, and how busy it is measured against that. @module */
import type { WorkerLoad } from "../edge/jobs.ts";
import { checkOptions, shown } from "../events/checks.ts";
import { checkDuration } from "../events/waiting.ts";

/** Limits of a worker. */
export interface WorkerLimits {
  /** The most calls at a time. Default: no limit. */
  calls: number;
  /** Declines jobs while more of the CPU is in use, from 0 to 1. Default 0.9. */
  cpu: number;
  /** Declines jobs while more of the memory is in use, from 0 to 1. Default 0.9. */
  memory: number;
  /** How long a call lasts at most, in milliseconds. Default: there is no limit. */
  callMs: number;
  /** How long an agent stays without a person, before the first one too. Default 60,000. */
  idleMs: number;
  /** How long creating an agent may take. Default 30,000. */
  startMs: number;
  /** How long `drain` lets running calls go on before they are said goodbye to. Default 600,000. */
  drainMs: number;
  /** How long a goodbye may take. Default 10,000. */
  goodbyeMs: number;
  /**
   * With `agentIsolation: "process"`: how long an agent's process may do something without an end, before
   * it is ended and its job has failed. At least 1000. Default 10,000.
   */
  stuckMs: number;
  /**
   * With `agentIsolation: "process"`: the most memory that an agent's process may have, in bytes, before it
   * is ended and its job has failed. Default 1 GiB.
   */
  agentMemoryBytes: number;
}

/** The CPU and memory in use, each from 0 to 1; `undefined` where it cannot be measured. */
export interface MachineUse {
  /** The CPU in use. */
  readonly cpu: number | undefined;
  /** The memory in use. */
  readonly memory: number | undefined;
}

/** Processes say twice a second that they live, and may be a moment late. */
const MIN_STUCK_MS = 1000;

const DEFAULTS: WorkerLimits = {
  calls: Infinity,
  cpu: 0.9,
  memory: 0.9,
  callMs: Infinity,
  idleMs: 60_000,
  startMs: 30_000,
  drainMs: 600_000,
  goodbyeMs: 10_000,
  stuckMs: 10_000,
  agentMemoryBytes: 2 ** 30,
};

/**
 * Returns the limits, with defaults filled in.
 *
 * @throws {TypeError | RangeError} names the wrong limit.
 */
export function checkWorkerLimits(limits: Partial<WorkerLimits> = {}): WorkerLimits {
  checkOptions(limits, "limits", DEFAULTS, "an object like { calls: 10 }");
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  const all: WorkerLimits = { ...DEFAULTS, ...Object.fromEntries(given) };
  const { calls } = all;
  if (calls !== Infinity && !(Number.isSafeInteger(calls) && calls > 0)) {
    throw new RangeError(`limits.calls: expected a whole number from 1 on, got ${shown(calls)}`);
  }
  for (const name of ["cpu", "memory"] as const) {
    const value = all[name];
    if (typeof value === "number" && value > 0 && value <= 1) continue;
    throw new RangeError(
      `limits.${name}: expected more than 0 and at most 1, got ${shown(value)}: 0.8 is 80 %`,
    );
  }
  for (const name of ["callMs", "idleMs", "startMs", "drainMs", "goodbyeMs", "stuckMs"] as const) {
    checkDuration(`limits.${name}`, all[name]);
  }
  const { agentMemoryBytes, stuckMs } = all;
  if (stuckMs < MIN_STUCK_MS) {
    const text = `limits.stuckMs: expected at least ${MIN_STUCK_MS}, got ${shown(stuckMs)}`;
    throw new RangeError(text);
  }
  if (typeof agentMemoryBytes !== "number" || !(agentMemoryBytes > 0)) {
    const text = `limits.agentMemoryBytes: expected a number above 0, got ${
      shown(agentMemoryBytes)
    }`;
    throw new RangeError(text);
  }
  return all;
}

/** Returns how busy a worker is. */
export function loadOf(
  { limits, calls, use: { cpu, memory }, isDraining, isFailing }: {
    limits: WorkerLimits;
    calls: number;
    use: MachineUse;
    isDraining: boolean;
    isFailing: boolean;
  },
): WorkerLoad {
  const shares = [calls / limits.calls, (cpu ?? 0) / limits.cpu, (memory ?? 0) / limits.memory];
  const declines = isDraining
    ? "draining"
    : isFailing
    ? "processes"
    : calls >= limits.calls
    ? "calls"
    : cpu !== undefined && cpu > limits.cpu
    ? "cpu"
    : memory !== undefined && memory > limits.memory
    ? "memory"
    : undefined;
  const load = Math.min(1, Math.max(...shares));
  return { load, calls, maxCalls: limits.calls, cpu, memory, declines };
}

/** Returns why a worker declines jobs, as a sentence. */
export function declineMessage({ declines, calls, cpu, memory }: WorkerLoad): string {
  const percent = (share: number | undefined): string => `${Math.round(100 * (share ?? 0))} %`;
  switch (declines) {
    case "calls":
      return `the worker has ${
        calls === 1 ? "1 call" : `${calls} calls`
      }: raise limits.calls, or start another worker`;
    case "cpu":
      return `${percent(cpu)} of the CPU is in use: raise limits.cpu, or start another worker`;
    case "memory":
      return `${
        percent(memory)
      } of the memory is in use: raise limits.memory, or start another worker`;
    case "processes":
      return "agents' processes do not start: the worker's ErrorEvents, or its log, say why";
    default:
      return "the worker is stopping: it takes no more jobs";
  }
}
