/**
 * The contract between a worker, which runs many calls in one program (`serve`), and what announces
 * calls to it: an edge, a dispatcher, a webhook. One who announces is a {@linkcode JobSource}.
 *
 * A job is a call that wants an agent. It goes three steps: the source offers it, the worker accepts it
 * and keeps a place for it or declines it, and the source starts it once the agent may join. Between
 * the last two a dispatcher confirms who has the job.
 *
 * @module
 */
import type { Call } from "./call.ts";
import type { EdgeTransport } from "./edge_transport.ts";
import type { CloseReason, JsonValue } from "./types.ts";

/** A call that wants an agent, as its source describes it. */
export interface JobOffer {
  /** Identifies the job in its worker: the dispatcher's own id, or one for this call. */
  readonly id: string;
  /** The edge that the call is joined over. */
  readonly edge: EdgeTransport;
  /** The id of the call. */
  readonly callId: string;
  /** The type of the call. Default `"default"`. */
  readonly callType?: string;
  /** The person for whom the agent is wanted, where the source knows them. */
  readonly user?: JobUser;
  /** The application's own data about the job. Default `null`. */
  readonly metadata?: JsonValue;
  /**
   * How often the job has been begun, this time included: from 2 on the agent takes up a call that
   * another agent was in. Default 1.
   */
  readonly attempt?: number;
  /** The service's own object, for what this contract does not carry. */
  readonly original?: unknown;
}

/** A person for whom an agent is wanted. */
export interface JobUser {
  /** Their user id. */
  readonly id: string;
  /** The name that others are shown, where it is known. */
  readonly name?: string;
}

/** Why a worker declines a job. */
export type DeclineReason =
  /** It is stopping. */
  | "draining"
  /** It runs, or has accepted, as many calls as its limit. */
  | "calls"
  /** The machine, or the worker's thread, is too busy. */
  | "cpu"
  /** The machine's memory is used up. */
  | "memory"
  /** Agents run in processes of their own, and none starts. */
  | "processes"
  /** It has a job of this id. */
  | "duplicate"
  /** The application's `accept` hook has declined it, or failed. */
  | "application";

/** A worker does not take a job: the source looks for another, or tells the person. */
export interface DeclinedJob {
  /** Tells the two results apart. */
  readonly accepted: false;
  /** Why. */
  readonly reason: DeclineReason;
  /** The reason as a sentence. */
  readonly message: string;
}

/**
 * A worker keeps a place for a job. One of the methods is called, within 30 seconds: then the place is
 * given back. A second call does nothing.
 */
export interface AcceptedJob {
  /** Tells the two results apart. */
  readonly accepted: true;
  /**
   * Starts the job: an agent joins its call. `call` is the call where the source has it, for instance
   * with a token for the agent; without it the edge's `createCall` is asked. Never throws: a job whose place was given back has failed with an
   * `EdgeError` of the code `worker-released`.
   */
  start(options?: { call?: Call }): RunningJob;
  /** Frees the place: the source's side did not confirm the job. */
  release(): void;
}

/** A job whose agent is joining its call, or is in it. */
export interface RunningJob {
  /** Resolves when the job is over and its agent has left. Never rejects. */
  readonly ended: Promise<JobOutcome>;
  /**
   * Ends the job, because its source has taken it back: the agent leaves immediately. Resolves when it
   * has left. Never rejects.
   */
  end(): Promise<JobOutcome>;
}

/** How a job has ended. */
export type JobOutcome =
  /** The call is over for the agent, for this reason. */
  | { readonly status: "finished"; readonly reason: CloseReason }
  /** The agent could not be created, could not join, or failed: its call alone ends. */
  | { readonly status: "failed"; readonly error: unknown };

/** How busy a worker is. */
export interface WorkerLoad {
  /**
   * From 0 to 1, where 1 is a limit reached: the greatest of calls, CPU and memory, each as a share of
   * its limit.
   */
  readonly load: number;
  /** How many jobs run, or have a place. */
  readonly calls: number;
  /** The most jobs at a time; `Infinity` without a limit. */
  readonly maxCalls: number;
  /** The CPU in use, from 0 to 1; `undefined` where it cannot be measured. */
  readonly cpu: number | undefined;
  /** The memory in use, from 0 to 1; `undefined` where it cannot be measured. */
  readonly memory: number | undefined;
  /** Why the next job would be declined; `undefined` while it would be accepted. */
  readonly declines: Exclude<DeclineReason, "duplicate" | "application"> | undefined;
}

/** A worker as a source of jobs sees it. */
export interface JobWorker {
  /** How busy it is now. */
  readonly load: WorkerLoad;
  /** Offers a job. Never rejects. */
  offer(offer: JobOffer): Promise<AcceptedJob | DeclinedJob>;
  /** Reports a failure that the source survives, as an `ErrorEvent` of the worker. */
  report(error: unknown, context: string): void;
}

/**
 * A source of jobs: it announces calls to a worker. `LocalEdge` is one.
 *
 * @example A source that offers one job
 * ```ts
 * import type { JobSource } from "@ringline/edge";
 * import { MemoryEdge } from "@ringline/edge/testing";
 *
 * const edge = new MemoryEdge();
 * const source: JobSource = {
 *   async openJobs(worker) {
 *     const place = await worker.offer({ id: "1", edge, callId: "kitchen" });
 *     if (place.accepted) place.start();
 *     else console.log(place.message);
 *     return { close() {} };
 *   },
 * };
 * console.log(typeof source.openJobs); // function
 * ```
 */
export interface JobSource {
  /** The edge that the jobs' calls are joined over, where there is one for all. */
  readonly edge?: EdgeTransport;
  /**
   * Begins to announce jobs. Resolves when jobs can come.
   *
   * @param options `signal` is aborted when the worker is closed meanwhile
   * @throws what keeps it from that: the worker does not start then.
   */
  openJobs(worker: JobWorker, options: { signal: AbortSignal }): Promise<JobFeed>;
}

/** The jobs of one source, while a worker takes them. */
export interface JobFeed {
  /**
   * Called with the worker's load every 2.5 seconds, and immediately when `declines` or the number of
   * calls changes: for dispatchers that choose among workers.
   */
  update?(load: WorkerLoad): void;
  /**
   * The worker is stopping: no more jobs are to be announced. Running jobs go on, and what is offered
   * all the same is declined.
   */
  drain?(): void | Promise<void>;
  /** All jobs are over: releases everything. Called once; also without `drain` before it. */
  close(): void | Promise<void>;
}
