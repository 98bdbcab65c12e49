/** A job that runs: one agent in one call, whose failures end that call alone. @module */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Agent } from "../agent/agent.ts";
import type { AgentJoinOptions } from "../agent/agent_options.ts";
import { CallLimits } from "../agent/call_limits.ts";
import type { Call } from "../edge/call.ts";
import type { EdgeTransport } from "../edge/edge_transport.ts";
import type { JobOffer, JobOutcome, JobUser, RunningJob } from "../edge/jobs.ts";
import type { CloseReason, ConnectionState, JsonValue } from "../edge/types.ts";
import { checkMethods } from "../events/checks.ts";
import type { Clock } from "../events/clock.ts";
import type { EventManager } from "../events/event_manager.ts";
import type { Logger } from "../events/logger.ts";
import { promised, type Report } from "../events/user_code.ts";
import { waitFor } from "../events/waiting.ts";
import { ReplyLatencyEvent } from "../inference/contracts/events.ts";
import type { WorkerLimits } from "./limits.ts";

/** A call that an agent is created for. */
export interface Job {
  /** Identifies the job in its worker. */
  readonly id: string;
  /** The edge that the call is joined over: the agent's option `edge`. */
  readonly edge: EdgeTransport;
  /** The id of the call. */
  readonly callId: string;
  /** The type of the call. */
  readonly callType: string;
  /** The person for whom the agent is wanted, where the source knows them. */
  readonly user: JobUser | undefined;
  /** The application's own data about the job; `null` if there is none. */
  readonly metadata: JsonValue;
  /**
   * How often the job has been begun, this time included: from 2 on the agent takes up a call that
   * another agent was in.
   */
  readonly attempt: number;
  /** The service's own object, for what this does not carry. */
  readonly original: unknown;
  /** When it began, in milliseconds since 1970. */
  readonly startedAtMs: number;
  /** Aborted when the job ends: for what the application does beside the agent. */
  readonly signal: AbortSignal;
}

/** What a call is like, for the agent in it. */
export interface CallStatus {
  /** The connection's state. */
  readonly state: ConnectionState;
  /** How many people, and other agents, are in it. */
  readonly participants: number;
  /** Whether no person is in it any more, or the one who is awaited has not come. */
  readonly isLonely: boolean;
}

/** A job that runs, as its worker sees it: in this program, or in a process of its own. */
export interface Run extends RunningJob {
  readonly job: Job;
  /** The agent, once it is created; `undefined` where it is in another process. */
  readonly agent: Agent | undefined;
  /** What its call is like; `undefined` until the agent has joined. */
  readonly status: CallStatus | undefined;
  /** Ends the job because something of it failed where no promise of the job shows it. */
  fail(error: unknown): Promise<JobOutcome>;
  /** Says goodbye, within its limit, and ends. */
  sayGoodbye(): Promise<JobOutcome>;
}

/** Returns the job of an offer. */
export function jobOf(
  { id, edge, callId, callType = "default", user, metadata = null, attempt = 1, original }:
    JobOffer,
  { signal, clock }: { signal: AbortSignal; clock: Clock },
): Job {
  const startedAtMs = clock.epochMs();
  return {
    id,
    edge,
    callId,
    callType,
    user,
    metadata,
    attempt,
    original,
    startedAtMs,
    signal,
  };
}

/** A worker that is stopping waits no longer than this for people to come back. */
const LEFT_MS = 3000;
/** And no longer than this for the first one, whose page may be loading. */
const COMING_MS = 15_000;

/** Returns what an agent's call is like; `undefined` until it has joined one. */
function statusOf(agent: Agent | undefined): CallStatus | undefined {
  const connection = agent?.connection;
  if (!connection) return undefined;
  const { state, participants: { size: participants } } = connection;
  const isLonely = agent.idleForMs() >= (state === "waiting" ? COMING_MS : LEFT_MS);
  return { state, participants, isLonely };
}

/** The events of an agent's conversation; one without a model has none. */
function conversationEvents(agent: Agent): EventManager | undefined {
  try {
    return agent.events;
  } catch {
    return undefined;
  }
}

/** Options for a {@linkcode JobRun}. */
export interface JobRunInit {
  offer: JobOffer;
  call: Call | undefined;
  createAgent: (job: Job) => Agent | Promise<Agent>;
  goodbye: ((agent: Agent, job: Job) => void | Promise<void>) | undefined;
  join: AgentJoinOptions;
  limits: WorkerLimits;
  clock: Clock;
  logger: Logger;
  report: Report;
  onJoined: (job: Job, agent: Agent) => void;
  /** The agent has replied, so long after the person's last sound. */
  onReplied: (job: Job, voiceToVoiceMs: number) => void;
}

/** The job whose code runs. */
const current = new AsyncLocalStorage<JobRun>();

/** One job, from its start to its end. */
export class JobRun implements Run {
  readonly job: Job;
  readonly ended: Promise<JobOutcome>;
  readonly #init: JobRunInit;
  readonly #ending = new AbortController();
  #agent: Agent | undefined;
  /** Set where the job fails for a reason outside its own promises. */
  #failure: { error: unknown } | undefined;

  /** The job whose code runs now, as far as the runtime knows: its timers' errors have none. */
  static get current(): JobRun | undefined {
    return current.getStore();
  }

  /** Starts, in the next turn. */
  constructor(init: JobRunInit) {
    this.#init = init;
    this.job = jobOf(init.offer, { signal: this.#ending.signal, clock: init.clock });
    this.ended = Promise.resolve().then(() => current.run(this, () => this.#run()));
  }

  /** The agent, once it is created. */
  get agent(): Agent | undefined {
    return this.#agent;
  }

  get status(): CallStatus | undefined {
    return statusOf(this.#agent);
  }

  end(): Promise<JobOutcome> {
    if (!this.#ending.signal.aborted) {
      this.#ending.abort(new DOMException("the job was ended", "AbortError"));
    }
    void this.#agent?.close();
    return this.ended;
  }

  /** Ends the job because something of it failed where no promise of the job shows it. */
  fail(error: unknown): Promise<JobOutcome> {
    this.#failure ??= { error };
    return this.end();
  }

  /** Says goodbye, within its limit, and ends. */
  async sayGoodbye(): Promise<JobOutcome> {
    const { goodbye, limits, clock, report } = this.#init;
    const agent = this.#agent;
    if (agent?.connection && !this.#ending.signal.aborted) {
      const said = promised(async () => {
        if (goodbye) await goodbye(agent, this.job);
        await agent.close({ drain: true });
      });
      const limit = { timeoutMs: limits.goodbyeMs, clock };
      await waitFor(said, `the goodbye of ${this.job.id}`, limit)
        .catch((error) => report(error, `saying goodbye in ${this.job.callId}`));
    }
    return await this.end();
  }

  async #run(): Promise<JobOutcome> {
    try {
      const reason = await this.#attend();
      if (this.#failure) return { status: "failed", error: this.#failure.error };
      return { status: "finished", reason };
    } catch (error) {
      if (this.#failure) return { status: "failed", error: this.#failure.error };
      if (this.#ending.signal.aborted) return { status: "finished", reason: "aborted" };
      return { status: "failed", error };
    } finally {
      await this.#agent?.close();
      if (!this.#ending.signal.aborted) {
        this.#ending.abort(new DOMException("the job is over", "AbortError"));
      }
    }
  }

  /** Brings the agent into the call, and resolves when that is over for it. */
  async #attend(): Promise<CloseReason> {
    const { call: known, join, limits, clock, logger, onJoined, onReplied } = this.#init;
    const { edge, callType, callId, signal } = this.job;
    signal.throwIfAborted();
    const agent = await this.#createAgent();
    const call = known ?? await agent.createCall(callType, callId, { signal });
    // The limits begin when the agent has joined, which waits for a person no longer than they say.
    const { participantWaitTimeoutMs: waitMs = 0 } = join;
    const participantWaitTimeoutMs = Math.min(waitMs, limits.idleMs, limits.callMs);
    const options: AgentJoinOptions = { ...join, participantWaitTimeoutMs, signal };
    const { connection } = await agent.join(call, options);
    using _replies = conversationEvents(agent)?.subscribe(
      ReplyLatencyEvent,
      ({ voiceToVoiceMs }) => onReplied(this.job, voiceToVoiceMs),
    );
    onJoined(this.job, agent);
    using _limits = new CallLimits({
      edge,
      connection,
      clock,
      logger,
      maxCallMs: limits.callMs,
      closeWhenIdleMs: limits.idleMs,
      close: () => void agent.close(),
    });
    return await agent.finish({ signal });
  }

  async #createAgent(): Promise<Agent> {
    const { createAgent, limits, clock, report } = this.#init;
    const { signal } = this.job;
    const created = promised(() => createAgent(this.job));
    const what = "creating the agent";
    try {
      const agent = await waitFor(created, what, { timeoutMs: limits.startMs, signal, clock });
      checkMethods(agent, "agent", "a function that returns an Agent", ["join", "finish", "close"]);
      if (agent.edge !== this.job.edge) {
        void agent.close();
        throw new TypeError("agent: expected an Agent of job.edge, got one of another edge");
      }
      this.#agent = agent;
      signal.throwIfAborted();
      return agent;
    } catch (error) {
      // One that comes after all belongs to no job.
      created.then((late) => this.#agent ? undefined : late?.close?.()).catch((late) => {
        if (late !== error) report(late, `creating the agent of ${this.job.callId}`);
      });
      throw error;
    }
  }
}
