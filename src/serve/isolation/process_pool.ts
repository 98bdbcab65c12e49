/** The processes of a worker's agents: some are started ahead, so that no call waits for one. @module */
import { EdgeError } from "../../edge/errors.ts";
import type { Clock } from "../../events/clock.ts";
import { backOffMs } from "../../events/retry.ts";
import type { Report } from "../../events/user_code.ts";
import { waitFor } from "../../events/waiting.ts";
import type { FromAgent } from "./messages.ts";
import type { AgentChild, SpawnAgent } from "./spawn_agent.ts";

/** When another spare process is started after one failed; later ever more rarely. */
const BACK_OFF = { firstMs: 1000, maxMs: 60_000 };

/** What {@linkcode ProcessPool} needs. */
export interface ProcessPoolInit {
  spawn: SpawnAgent;
  /** How many processes wait for a call. */
  spares: number;
  /** How many edges each must have: as many as the worker. */
  edges: number;
  /** How long a process may take to be ready. */
  startMs: number;
  clock: Clock;
  report: Report;
}

/** A process that can take a job. */
export interface ReadyAgent {
  readonly child: AgentChild;
  /** Takes what the process says from now on. */
  onMessage: (message: FromAgent) => void;
}

/** Starts processes ahead, and hands them out, each for one job. */
export class ProcessPool {
  readonly #init: ProcessPoolInit;
  readonly #spares = new Set<Promise<ReadyAgent>>();
  /** Those that are not handed out. */
  readonly #starting = new Set<AgentChild>();
  readonly #closing = new AbortController();
  #failures = 0;
  #retry: Disposable | undefined;

  constructor(init: ProcessPoolInit) {
    this.#init = init;
    this.#fill();
  }

  /**
   * Returns a process that is ready, and starts another for the next job.
   *
   * @throws {EdgeError} it cannot be started: `agent-process-failed`
   */
  async take(signal: AbortSignal): Promise<ReadyAgent> {
    this.#closing.signal.throwIfAborted();
    const [spare] = this.#spares;
    if (spare) this.#spares.delete(spare);
    const taken = spare ?? this.#start();
    this.#fill();
    const { clock } = this.#init;
    try {
      const ready = await waitFor(taken, "starting the agent's process", { signal, clock });
      this.#starting.delete(ready.child);
      return ready;
    } catch (error) {
      void taken.then(({ child }) => this.#stop(child), () => {});
      throw error;
    }
  }

  /** Ends the processes that have no job; resolves when they are gone. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(new DOMException("the worker was closed", "AbortError"));
    this.#retry?.[Symbol.dispose]();
    const ending = [...this.#starting].map((child) => this.#stop(child));
    await Promise.all(ending);
  }

  #stop(child: AgentChild): Promise<string> {
    this.#starting.delete(child);
    child.kill();
    return child.ended;
  }

  #fill(): void {
    const { spares, clock, report } = this.#init;
    while (this.#spares.size < spares && !this.#retry && !this.#closing.signal.aborted) {
      const spare = this.#start();
      this.#spares.add(spare);
      spare.then(({ child }) => {
        this.#failures = 0;
        // It may end while it waits.
        void child.ended.then(() => {
          if (this.#spares.delete(spare)) this.#fill();
        });
      }, (error) => {
        if (!this.#spares.delete(spare) || this.#closing.signal.aborted) return;
        report(error, "starting a spare process");
        const waitMs = backOffMs(++this.#failures, BACK_OFF);
        this.#retry?.[Symbol.dispose]();
        this.#retry = clock.schedule(() => {
          this.#retry = undefined;
          this.#fill();
        }, waitMs);
      });
    }
  }

  async #start(): Promise<ReadyAgent> {
    const { spawn, startMs, edges, clock } = this.#init;
    const { signal } = this.#closing;
    const isReady = Promise.withResolvers<void>();
    const ready: { child: AgentChild; onMessage: (message: FromAgent) => void } = {
      child: spawn((message) => ready.onMessage(message)),
      onMessage: (message) => {
        if (message.type !== "ready") return;
        if (message.edges === edges) return isReady.resolve();
        isReady.reject(
          failed(`it has ${message.edges} edges and the worker ${edges}: both need the same`),
        );
      },
    };
    const { child } = ready;
    this.#starting.add(child);
    void child.ended.then((how) => {
      this.#starting.delete(child);
      isReady.reject(failed(`it ended before it came to serve (${how})`));
    });
    try {
      const limit = { timeoutMs: startMs, signal, clock };
      await waitFor(isReady.promise, "the agent's process coming to serve", limit);
      return ready;
    } catch (error) {
      await this.#stop(child);
      throw error;
    }
  }
}

function failed(why: string): EdgeError {
  return new EdgeError(`the agent's process: ${why}`, { code: "agent-process-failed" });
}
