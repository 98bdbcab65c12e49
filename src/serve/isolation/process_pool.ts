/** The processes of a worker's agents: some are started ahead, so that no call waits for one. @module */
import { EdgeError } from "../../edge/errors.ts";
import type { Clock } from "../../events/clock.ts";
import { backOffMs } from "../../events/retry.ts";
import type { Report } from "../../events/user_code.ts";
import { waitFor } from "../../events/waiting.ts";
import { type FromAgent, fromFailureData } from "./messages.ts";
import type { AgentChild, SpawnAgent } from "./spawn_agent.ts";

/** When another spare process is started after one failed; later ever more rarely. */
const BACK_OFF = { firstMs: 1000, maxMs: 60_000 };

/** How many processes in a row have not started where the next is taken not to start either. */
const FAILING = 2;

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
  /** Called when it has changed whether processes start. */
  onChange: () => void;
}

/** A process that can take a job. */
export interface ReadyAgent {
  readonly child: AgentChild;
  /** Takes what the process says from now on. */
  onMessage: (message: FromAgent) => void;
}

/** A process without a job. */
interface Spare {
  readonly child: AgentChild;
  /** Rejects with why it did not start. */
  readonly ready: Promise<ReadyAgent>;
  isReady: boolean;
  /** Whether it was told to end. */
  isStopped: boolean;
  /** Set where it has ended by itself before it was ready. */
  failure: EdgeError | undefined;
}

/** Starts processes ahead, and hands them out, each for one job. */
export class ProcessPool {
  readonly #init: ProcessPoolInit;
  readonly #spares = new Set<Spare>();
  /** Those that are not handed out: these, and those that jobs wait for. */
  readonly #unused = new Set<Spare>();
  readonly #closing = new AbortController();
  #isDraining = false;
  /** How many have failed since one was last handed out: the more, the rarer the next try. */
  #failures = 0;
  /** How many have not started since one last did. */
  #unstarted = 0;
  #retry: Disposable | undefined;

  constructor(init: ProcessPoolInit) {
    this.#init = init;
  }

  /** Whether the next job would fail, by all that is known: no process starts, and none waits. */
  get isFailing(): boolean {
    return this.#unstarted >= FAILING && ![...this.#spares].some(({ isReady }) => isReady);
  }

  /**
   * Starts the spare processes, and waits for the first, which shows that the program comes to serve in it:
   * there is one even where no spares are wanted, until it has a job.
   *
   * @throws {EdgeError} it does not: `agent-process-failed`
   */
  async open(): Promise<void> {
    const spare = this.#start();
    await spare.ready;
    if (this.#isStopping) return await this.#stop(spare);
    this.#keep(spare);
    this.#fill();
  }

  /**
   * Returns a process that is ready, and starts another for the next job. Where the process ended before it
   * was ready, for whatever reason, there is a second try.
   *
   * @throws {EdgeError} it cannot be started: `agent-process-failed`
   */
  async take(signal: AbortSignal): Promise<ReadyAgent> {
    for (let hasFailed = false;; hasFailed = true) {
      this.#closing.signal.throwIfAborted();
      const spares = [...this.#spares];
      const found = spares.find(({ isReady }) => isReady) ?? spares[0];
      if (found) this.#spares.delete(found);
      const spare = found ?? this.#start();
      this.#fill();
      const { clock } = this.#init;
      try {
        const ready = await waitFor(spare.ready, "starting the agent's process", { signal, clock });
        this.#unused.delete(spare);
        this.#failures = 0;
        return ready;
      } catch (error) {
        if (signal.aborted || this.#closing.signal.aborted) {
          void this.#stop(spare);
          throw error;
        }
        if (found === undefined) this.#retryLater();
        if (hasFailed || error !== spare.failure) throw error;
      }
    }
  }

  /** Ends the processes that have no job, and starts no more of them ahead. Idempotent. */
  drain(): void {
    this.#isDraining = true;
    this.#retry?.[Symbol.dispose]();
    const spares = [...this.#spares];
    this.#spares.clear();
    for (const spare of spares) void this.#stop(spare);
  }

  /** Ends the processes that have no job; resolves when they are gone. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(new DOMException("the worker was closed", "AbortError"));
    this.#retry?.[Symbol.dispose]();
    await Promise.all([...this.#unused].map((spare) => this.#stop(spare)));
  }

  async #stop(spare: Spare): Promise<void> {
    spare.isStopped = true;
    spare.child.kill();
    await spare.child.ended;
  }

  /** Starts as many as are wanted; where none starts one at least, by which it is seen when they do again. */
  #fill(): void {
    const wanted = Math.max(this.#init.spares, this.#failures > 0 ? 1 : 0);
    while (this.#spares.size < wanted && !this.#retry && !this.#isStopping) {
      this.#keep(this.#start());
    }
  }

  get #isStopping(): boolean {
    return this.#isDraining || this.#closing.signal.aborted;
  }

  /** Keeps a process for a job, until it fails. */
  #keep(spare: Spare): void {
    const { report } = this.#init;
    this.#spares.add(spare);
    const lose = (error: unknown, context: string): void => {
      const isKept = this.#spares.delete(spare);
      if (this.#isStopping || spare.isStopped && !isKept) return;
      // Where a job has it, that job says so.
      if (isKept) report(error, context);
      this.#retryLater();
    };
    spare.ready.then(({ child }) => {
      void child.ended.then((how) => {
        if (this.#spares.has(spare)) lose(failed(`it ended (${how})`), "a spare process");
      });
    }, (error) => lose(error, "starting a spare process"));
  }

  #retryLater(): void {
    if (this.#isStopping) return;
    this.#retry?.[Symbol.dispose]();
    this.#retry = this.#init.clock.schedule(() => {
      this.#retry = undefined;
      this.#fill();
    }, backOffMs(++this.#failures, BACK_OFF));
  }

  /** It is known whether one more process has started. */
  #count(hasStarted: boolean): void {
    this.#unstarted = hasStarted ? 0 : this.#unstarted + 1;
    this.#init.onChange();
  }

  #start(): Spare {
    const isReady = Promise.withResolvers<void>();
    const ready: { child: AgentChild; onMessage: (message: FromAgent) => void } = {
      child: this.#init.spawn((message) => ready.onMessage(message)),
      onMessage: (message) => {
        if (message.type === "ready") this.#check(message.edges, isReady);
        if (message.type === "unready") isReady.reject(fromFailureData(message.error));
      },
    };
    const { child } = ready;
    const waiting = this.#waitFor(isReady.promise, child).then(() => {
      spare.isReady = true;
      this.#count(true);
      return ready;
    }, async (error) => {
      if (!spare.isStopped) this.#count(false);
      await this.#stop(spare);
      throw error;
    });
    // A job that waits for it sees it, and such a job may have ended meanwhile.
    waiting.catch(() => {});
    const spare: Spare = {
      child,
      ready: waiting,
      isReady: false,
      isStopped: false,
      failure: undefined,
    };
    this.#unused.add(spare);
    void child.ended.then((how) => {
      this.#unused.delete(spare);
      spare.failure = failed(`it ended before it came to serve (${how}).\n${waysOut(child)}`);
      isReady.reject(spare.failure);
    });
    return spare;
  }

  #check(edges: number, isReady: PromiseWithResolvers<void>): void {
    const wanted = this.#init.edges;
    if (edges === wanted) return isReady.resolve();
    isReady.reject(failed(`it has ${edges} edges and the worker ${wanted}: both need the same`));
  }

  async #waitFor(isReady: Promise<void>, child: AgentChild): Promise<void> {
    const { startMs, clock } = this.#init;
    const { signal } = this.#closing;
    const limit = { timeoutMs: startMs, signal, clock };
    await waitFor(isReady, "the agent's process coming to serve", limit).catch((error) => {
      if (!(error instanceof DOMException && error.name === "TimeoutError")) throw error;
      const why =
        `it did not come to serve within ${startMs} ms (limits.startMs): its program takes ` +
        `too long, or waits for an input, of which it has none.\n${waysOut(child)}`;
      throw failed(why);
    });
  }
}

/** What a program can do about a process that does not come to serve. */
function waysOut({ command }: AgentChild): string {
  return "It runs the program again up to serve, and prints to the same output as the worker: what one " +
    "process alone can do, such as listening on a port, belongs behind serve, or agentProcess.module names " +
    `a program without it. It was started as \`${command}\`: what else the worker's own command has, such ` +
    "as --config or permissions in part, belongs in agentProcess.denoArgs";
}

function failed(why: string): EdgeError {
  return new EdgeError(`the agent's process: ${why}`, { code: "agent-process-failed" });
}
