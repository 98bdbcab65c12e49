/** A worker: many calls in one program. @module */
import type { Agent } from "../agent/agent.ts";
import type { Call } from "../edge/call.ts";
import { EdgeError } from "../edge/errors.ts";
import { ErrorEvent } from "../edge/events.ts";
import type {
  DeclineReason,
  JobOffer,
  JobOutcome,
  JobWorker,
  RunningJob,
  WorkerLoad,
} from "../edge/jobs.ts";
import { checkOptions } from "../events/checks.ts";
import type { Clock } from "../events/clock.ts";
import { describeError } from "../events/error_text.ts";
import { EventManager } from "../events/event_manager.ts";
import type { Logger } from "../events/logger.ts";
import { checkDuration, waitFor } from "../events/waiting.ts";
import { Admission, checkOffer } from "./admission.ts";
import {
  AgentJoinedEvent,
  AgentRepliedEvent,
  DrainingEvent,
  JobDeclinedEvent,
  JobEndedEvent,
  JobStartedEvent,
  LoadChangedEvent,
} from "./events.ts";
import { edgesOf } from "./edges_of.ts";
import { AgentProcesses, type AgentProcessesOptions } from "./isolation/agent_processes.ts";
import { type CallStatus, type Job, JobRun, type Run } from "./job.ts";
import type { MachineUse, WorkerLimits } from "./limits.ts";
import { LoadMonitor } from "./load_monitor.ts";
import type { ServeOptions } from "./serve_options.ts";
import { SourceFeeds } from "./source_feeds.ts";

/** How often a worker that is stopping says so. */
const PROGRESS_MS = 5000;
/** How often it looks for agents that are alone, and ends their calls. */
const LOOK_MS = 1000;

/** A limit that declines many jobs says so no more often. */
const WARN_MS = 60_000;

/** A job that an application or an operator starts itself. */
export interface JobRequest extends Omit<JobOffer, "id"> {
  /** Identifies the job in its worker. Default: a new id. */
  readonly id?: string;
  /** The call, where the application has it already. */
  readonly call?: Call;
}

const REQUEST: Readonly<Record<keyof JobRequest, true>> = {
  id: true,
  edge: true,
  callId: true,
  callType: true,
  user: true,
  metadata: true,
  attempt: true,
  original: true,
  call: true,
};

/** Options for an {@linkcode AgentWorker}, checked. */
export interface AgentWorkerInit
  extends Omit<ServeOptions, "limits" | "isProgram" | "agentIsolation"> {
  limits: WorkerLimits;
  /** Runs each agent in a process of its own. */
  processes?: AgentProcessesOptions | undefined;
  measure: () => MachineUse | Promise<MachineUse>;
  clock: Clock;
  logger: Logger;
}

/** The state of a worker. */
export type WorkerState = "starting" | "running" | "draining" | "closed";

/** A worker: it takes jobs from its sources, and runs an agent for each. `serve` creates one. */
export class AgentWorker implements AsyncDisposable {
  /**
   * Jobs and the load: {@linkcode JobStartedEvent}, {@linkcode AgentJoinedEvent},
   * {@linkcode AgentRepliedEvent}, {@linkcode JobEndedEvent}, {@linkcode JobDeclinedEvent},
   * {@linkcode LoadChangedEvent}, {@linkcode DrainingEvent}, and `ErrorEvent` for what the worker survived.
   */
  readonly events: EventManager;
  /** Resolves when the worker is closed: all calls are over. Never rejects. */
  readonly closed: Promise<void>;
  readonly #init: AgentWorkerInit;
  readonly #runs = new Map<string, Run>();
  /** Where each agent has a process of its own. */
  readonly #processes: AgentProcesses | undefined;
  readonly #admission: Admission;
  readonly #feeds: SourceFeeds;
  readonly #ending = new AbortController();
  /** What the edges have started ahead. */
  readonly #ready = new AsyncDisposableStack();
  readonly #done = Promise.withResolvers<void>();
  readonly #monitor: LoadMonitor;
  /** When the log was last told that a limit declines jobs. */
  readonly #warnedAt = new Map<DeclineReason, number>();
  #state: WorkerState = "starting";
  #errors = 0;
  #draining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  /** Resolves when the number of calls changes. */
  #callsChanged = Promise.withResolvers<void>();

  /** Workers come from `serve`. */
  constructor(init: AgentWorkerInit) {
    this.#init = init;
    this.closed = this.#done.promise;
    const { sources = [], limits, measure, clock } = init;
    this.#monitor = new LoadMonitor({
      limits,
      measure,
      clock,
      report: this.report,
      calls: () => this.#calls,
      isDraining: () => this.#state !== "running",
      isFailing: () => this.#processes?.isFailing === true,
      onChange: (load) => {
        this.events.send(new LoadChangedEvent({ load }));
        this.#feeds.update(load);
      },
    });
    this.#admission = new Admission({
      accept: init.accept,
      clock,
      report: this.report,
      load: () => this.load,
      isRunning: (id) => this.#runs.has(id),
      onDeclined: (offer, reason, message) => {
        this.#warnOf(reason, message);
        this.events.send(new JobDeclinedEvent({ offer, reason, message }));
      },
      onChange: () => this.#countChanged(),
      start: (offer, call) => this.#start(offer, call),
    });
    this.#feeds = new SourceFeeds({ sources, clock, report: this.report });
    this.events = new EventManager({
      clock,
      onError: (error, event) => {
        const context = `a subscriber of ${event.constructor.name}`;
        if (event instanceof ErrorEvent) init.logger.error(`${context}: ${describeError(error)}`);
        else this.report(error, context);
      },
    });
    const { processes } = init;
    if (processes) {
      const onChange = (): void => this.#monitor.check();
      const { report } = this;
      this.#processes = new AgentProcesses({ ...processes, limits, clock, report, onChange });
    }
    this.events.register(
      JobStartedEvent,
      AgentJoinedEvent,
      AgentRepliedEvent,
      JobEndedEvent,
      JobDeclinedEvent,
      LoadChangedEvent,
      DrainingEvent,
      ErrorEvent,
    );
  }

  /** What the worker does now. */
  get state(): WorkerState {
    return this.#state;
  }

  /** The jobs that run, by their ids. */
  get jobs(): ReadonlyMap<string, Job> {
    return new Map([...this.#runs].map(([id, { job }]) => [id, job]));
  }

  /**
   * Returns the agent of a job, once it is created; `undefined` where it runs in a process of its own.
   */
  agentOf(jobId: string): Agent | undefined {
    return this.#runs.get(jobId)?.agent;
  }

  /** Returns what the call of a job is like; `undefined` until its agent has joined. */
  statusOf(jobId: string): CallStatus | undefined {
    return this.#runs.get(jobId)?.status;
  }

  /** How busy it is now. */
  get load(): WorkerLoad {
    return this.#monitor.load;
  }

  /** How many jobs run, or have a place. */
  get #calls(): number {
    return this.#runs.size + this.#admission.places;
  }

  /** How many failures it has survived, each an `ErrorEvent`. */
  get survivedErrors(): number {
    return this.#errors;
  }

  /** Opens the sources; for `serve`, which closes the worker if this throws. */
  async open(): Promise<void> {
    const { signal } = this.#ending;
    await this.#monitor.start();
    signal.throwIfAborted();
    // In processes of their own, agents have what is ready there.
    await this.#processes?.open();
    for (const edge of this.#processes ? [] : edgesOf(this.#init.sources ?? [])) {
      const ready = await edge.keepReady({ signal });
      // The worker may have been closed meanwhile.
      if (signal.aborted) await ready[Symbol.asyncDispose]();
      signal.throwIfAborted();
      this.#ready.use(ready);
    }
    // A source may offer jobs before it says that it is open.
    if (this.#state === "starting") this.#state = "running";
    await this.#feeds.open(this.#asJobWorker(), signal);
    this.#monitor.check();
  }

  /**
   * Starts a job that no source has announced. Resolves when it has begun; the agent joins then.
   *
   * @throws {EdgeError} it was declined: `code` is `worker-draining`, `worker-calls`, `worker-cpu`,
   *   `worker-memory`, `worker-processes`, `worker-duplicate` or `worker-application`; `retryable` unless
   *   the same job would be declined again.
   * @throws {TypeError} the request is not valid.
   */
  async start(request: JobRequest): Promise<RunningJob> {
    checkOptions(request, "request", REQUEST, "an object like { edge, callId }");
    const { call, id = crypto.randomUUID(), ...rest } = request;
    const offer = { ...rest, id };
    checkOffer(offer);
    const answer = await this.#admission.offer(offer);
    if (answer.accepted) return answer.start({ call });
    const { reason, message, isFinal } = answer;
    throw new EdgeError(message, { code: `worker-${reason}`, retryable: !isFinal });
  }

  /**
   * Ends a job: its agent leaves immediately. Resolves with its outcome, or `undefined` when there is
   * none of this id.
   */
  async end(jobId: string): Promise<JobOutcome | undefined> {
    return await this.#runs.get(jobId)?.end();
  }

  /**
   * Stops: takes no more jobs, waits until all calls are over, at most `timeoutMs`, says goodbye in
   * those that are left, and closes. Agents that are alone leave. All callers await the same end. Never
   * rejects.
   *
   * @param options `timeoutMs`: default `limits.drainMs`
   */
  drain(options: { timeoutMs?: number } = {}): Promise<void> {
    checkOptions(
      options,
      "options",
      { timeoutMs: true },
      "an object like { timeoutMs: 60_000 }, or nothing",
    );
    const { timeoutMs = this.#init.limits.drainMs } = options;
    checkDuration("timeoutMs", timeoutMs);
    if (this.#closing) return this.#closing;
    return this.#draining ??= this.#drain(timeoutMs);
  }

  /** Ends all jobs immediately, and closes the sources. Idempotent; never rejects. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** Closes the worker, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Takes an error that no promise showed. Where it came from a job, that job ends as failed, alone;
   * otherwise it is reported. For the program that the worker runs as.
   */
  takeUncaught(error: unknown): void {
    const run = JobRun.current;
    if (!run || !this.#runs.has(run.job.id)) return this.report(error, "an uncaught error");
    void run.fail(error);
  }

  /** The part of it that sources see. */
  #asJobWorker(): JobWorker {
    const currentLoad = () => this.load;
    return {
      get load() {
        return currentLoad();
      },
      offer: (offer) => this.#admission.offer(offer),
      report: this.report,
    };
  }

  #createRun(offer: JobOffer, call: Call | undefined): Run {
    const { agent: createAgent, goodbye, join = {}, limits, clock, logger } = this.#init;
    const report = this.report;
    const onJoined = (job: Job, agent?: Agent): void =>
      this.events.send(new AgentJoinedEvent({ job, agent }));
    const onReplied = (job: Job, voiceToVoiceMs: number): void =>
      this.events.send(new AgentRepliedEvent({ job, voiceToVoiceMs }));
    if (this.#processes) return this.#processes.run({ offer, call, onJoined, onReplied });
    return new JobRun({
      offer,
      call,
      createAgent,
      goodbye,
      join,
      limits,
      clock,
      logger,
      report,
      onJoined,
      onReplied,
    });
  }

  #start(offer: JobOffer, call: Call | undefined): RunningJob {
    const { clock } = this.#init;
    const run = this.#createRun(offer, call);
    const begun = clock.now();
    this.#runs.set(offer.id, run);
    this.events.send(new JobStartedEvent({ job: run.job }));
    this.#countChanged();
    // A place may be used after the worker has closed.
    if (this.#closing) void run.end();
    void run.ended.then((outcome) => {
      this.#runs.delete(offer.id);
      if (outcome.status === "failed") this.report(outcome.error, `the agent of ${offer.callId}`);
      const durationMs = clock.now() - begun;
      this.events.send(new JobEndedEvent({ job: run.job, outcome, durationMs }));
      this.#countChanged();
    });
    return run;
  }

  async #drain(timeoutMs: number): Promise<void> {
    const { clock } = this.#init;
    this.#state = "draining";
    const endsAt = clock.now() + timeoutMs;
    this.#monitor.check();
    this.#feeds.drain();
    this.#processes?.drain();
    let said: { calls: number; at: number } | undefined;
    while (!this.#closing) {
      const [calls, at] = [this.#calls, clock.now()];
      const leftMs = Math.max(0, endsAt - at);
      if (said?.calls !== calls || at - said.at >= PROGRESS_MS) {
        said = { calls, at };
        this.events.send(new DrainingEvent({ calls, leftMs }));
      }
      if (calls === 0 || leftMs === 0) break;
      for (const run of this.#runs.values()) if (run.status?.isLonely) void run.end();
      const limit = { timeoutMs: Math.min(LOOK_MS, leftMs), clock };
      await waitFor(this.#callsChanged.promise, "the end of a call", limit).catch(() => {});
    }
    await Promise.all([...this.#runs.values()].map((run) => run.sayGoodbye()));
    await this.close();
  }

  async #close(): Promise<void> {
    this.#state = this.#state === "starting" ? "closed" : "draining";
    this.#monitor[Symbol.dispose]();
    this.#admission[Symbol.dispose]();
    this.#ending.abort(new DOMException("the worker was closed", "AbortError"));
    await Promise.all([...this.#runs.values()].map((run) => run.end()));
    await Promise.all([this.#feeds.close(), this.#processes?.close()]);
    await this.#ready.disposeAsync().catch((error) => this.report(error, "closing the edges"));
    this.#state = "closed";
    this.events.close();
    this.#done.resolve();
  }

  /** Logs that a limit, a default one perhaps, declines jobs. */
  #warnOf(reason: DeclineReason, message: string): void {
    if (reason !== "calls" && reason !== "cpu" && reason !== "memory") return;
    const { clock, logger } = this.#init;
    const now = clock.now();
    if (now - (this.#warnedAt.get(reason) ?? -Infinity) < WARN_MS) return;
    this.#warnedAt.set(reason, now);
    logger.warn(`a job was declined: ${message}`);
  }

  /** The number of calls has changed. */
  #countChanged(): void {
    this.#callsChanged.resolve();
    this.#callsChanged = Promise.withResolvers();
    this.#monitor.check();
  }

  /** Reports a failure that the worker survives, as an `ErrorEvent`; logs it where there is no subscriber. */
  readonly report = (error: unknown, context: string): void => {
    this.#errors++;
    if (!this.events.has(ErrorEvent)) {
      this.#init.logger.warn(`${context}: ${describeError(error)}`);
    }
    this.events.send(new ErrorEvent({ error, context }));
  };
}
