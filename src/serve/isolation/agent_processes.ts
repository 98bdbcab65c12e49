/** The agents of a worker, each in a process of its own. @module */
import type { EdgeTransport } from "../../edge/edge_transport.ts";
import type { Clock } from "../../events/clock.ts";
import type { Report } from "../../events/user_code.ts";
import type { WorkerLimits } from "../limits.ts";
import { ProcessPool } from "./process_pool.ts";
import { ProcessRun, type ProcessRunInit } from "./process_run.ts";
import type { SpawnAgent } from "./spawn_agent.ts";

/** How agents are started in processes. */
export interface AgentProcessesOptions {
  spawn: SpawnAgent;
  spares: number;
  /** The edges of the jobs; a process has the same, in the same order. */
  edges: readonly EdgeTransport[];
}

/** What {@linkcode AgentProcesses} needs. */
export interface AgentProcessesInit extends AgentProcessesOptions {
  limits: WorkerLimits;
  clock: Clock;
  report: Report;
  /** Called when it has changed whether processes start. */
  onChange: () => void;
}

/** Runs each job in a process. */
export class AgentProcesses {
  readonly #init: AgentProcessesInit;
  readonly #pool: ProcessPool;

  constructor(init: AgentProcessesInit) {
    this.#init = init;
    const { edges, limits: { startMs }, ...rest } = init;
    this.#pool = new ProcessPool({ ...rest, edges: edges.length, startMs });
  }

  /** Whether no process starts, by all that is known. */
  get isFailing(): boolean {
    return this.#pool.isFailing;
  }

  /**
   * Starts processes ahead, and waits for the first.
   *
   * @throws {EdgeError} it does not come to serve: `agent-process-failed`, or why its edges cannot start
   */
  async open(): Promise<void> {
    await this.#pool.open();
  }

  /** Ends the processes that have no job, and starts no more of them ahead. */
  drain(): void {
    this.#pool.drain();
  }

  /**
   * Starts a job.
   *
   * @throws {TypeError} its edge is none of the worker's
   */
  run(job: Pick<ProcessRunInit, "offer" | "call" | "onJoined" | "onReplied">): ProcessRun {
    const { edges, limits, clock, report } = this.#init;
    const edge = edges.indexOf(job.offer.edge);
    return new ProcessRun({ ...job, edge, pool: this.#pool, limits, clock, report });
  }

  /** Ends the processes that have no job; resolves when they are gone. */
  async close(): Promise<void> {
    await this.#pool.close();
  }
}
