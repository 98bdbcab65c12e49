/** How busy a worker is: measured at intervals, and emitted when it matters. @module */
import type { WorkerLoad } from "../edge/jobs.ts";
import { checkObject, shown } from "../events/checks.ts";
import type { Clock } from "../events/clock.ts";
import { promised, type Report } from "../events/user_code.ts";
import { waitFor } from "../events/waiting.ts";
import { loadOf, type MachineUse, type WorkerLimits } from "./limits.ts";

/** How often the load is measured and emitted. */
const UPDATE_MS = 2500;
/** Limit for `measure`. */
const MEASURE_MS = 5000;

/** Options for a {@linkcode LoadMonitor}. */
export interface LoadMonitorInit {
  limits: WorkerLimits;
  measure: () => MachineUse | Promise<MachineUse>;
  clock: Clock;
  report: Report;
  /** Returns how many jobs the worker has. */
  calls: () => number;
  /** Whether the worker takes no jobs, whatever the load is. */
  isDraining: () => boolean;
  /** Whether agents' processes do not start. */
  isFailing: () => boolean;
  onChange: (load: WorkerLoad) => void;
}

/** Measures how busy a worker is. */
export class LoadMonitor implements Disposable {
  readonly #init: LoadMonitorInit;
  #use: MachineUse = { cpu: undefined, memory: undefined };
  #emitted: WorkerLoad | undefined;
  #timer: Disposable | undefined;
  #isDisposed = false;

  constructor(init: LoadMonitorInit) {
    this.#init = init;
  }

  /** How busy the worker is now. */
  get load(): WorkerLoad {
    const { limits, calls, isDraining, isFailing } = this.#init;
    const state = { isDraining: isDraining(), isFailing: isFailing() };
    return loadOf({ limits, calls: calls(), use: this.#use, ...state });
  }

  /** Emits the load if the number of calls has changed, or whether a job would be accepted. */
  check(): void {
    const { calls, declines } = this.load;
    if (this.#emitted?.calls !== calls || this.#emitted.declines !== declines) this.#emit();
  }

  /** Measures now, and at intervals until it is disposed. */
  async start(): Promise<void> {
    await this.#measure();
    if (this.#isDisposed) return;
    this.#timer = this.#init.clock.schedule(async () => {
      await this.start();
      if (!this.#isDisposed) this.#emit();
    }, UPDATE_MS);
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#timer?.[Symbol.dispose]();
  }

  #emit(): void {
    this.#emitted = this.load;
    this.#init.onChange(this.#emitted);
  }

  async #measure(): Promise<void> {
    const { measure, clock, report } = this.#init;
    try {
      const limit = { timeoutMs: MEASURE_MS, clock };
      const use = await waitFor(promised(() => measure()), "measuring the load", limit);
      checkObject(use, "measure", "a function that returns { cpu, memory }");
      for (const name of ["cpu", "memory"] as const) {
        const value = use[name];
        if (value === undefined || typeof value === "number" && value >= 0) continue;
        throw new RangeError(
          `measure: ${name}: expected a number from 0 to 1, got ${shown(value)}`,
        );
      }
      this.#use = use;
    } catch (error) {
      report(error, "measuring the load");
    }
  }
}
