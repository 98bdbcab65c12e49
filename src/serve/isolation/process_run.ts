/** A job whose agent runs in a process of its own, as the worker sees it. @module */
import type { Call } from "../../edge/call.ts";
import { EdgeError } from "../../edge/errors.ts";
import type { JobOffer, JobOutcome } from "../../edge/jobs.ts";
import type { JsonValue } from "../../edge/types.ts";
import type { Clock } from "../../events/clock.ts";
import { Heartbeat } from "../../events/heartbeat.ts";
import type { Report } from "../../events/user_code.ts";
import { waitFor } from "../../events/waiting.ts";
import { type CallStatus, type Job, jobOf, type Run } from "../job.ts";
import type { WorkerLimits } from "../limits.ts";
import { type FromAgent, fromFailureData, fromOutcomeData, type JobData } from "./messages.ts";
import type { ProcessPool } from "./process_pool.ts";
import type { AgentChild } from "./spawn_agent.ts";

/** How long an agent may take to leave, and its process to exit. */
const END_MS = 5000;

const ABORTED: JobOutcome = { status: "finished", reason: "aborted" };

/** What {@linkcode ProcessRun} needs. */
export interface ProcessRunInit {
  offer: JobOffer;
  call: Call | undefined;
  /** The place of the job's edge in the list of edges. */
  edge: number;
  pool: ProcessPool;
  limits: WorkerLimits;
  clock: Clock;
  report: Report;
  onJoined: (job: Job) => void;
  onReplied: (job: Job, voiceToVoiceMs: number) => void;
}

/** One job in a process, from its start to its end. */
export class ProcessRun implements Run {
  readonly job: Job;
  /** It is in another process. */
  readonly agent = undefined;
  readonly ended: Promise<JobOutcome>;
  readonly #init: ProcessRunInit;
  readonly #ending = new AbortController();
  /** What the process says, or why it is not asked any more. */
  readonly #outcome = Promise.withResolvers<JobOutcome>();
  #child: AgentChild | undefined;
  #hasJoined = false;
  #heartbeat: Heartbeat | undefined;
  #status: CallStatus | undefined;

  constructor(init: ProcessRunInit) {
    this.#init = init;
    this.job = jobOf(init.offer, { signal: this.#ending.signal, clock: init.clock });
    this.ended = Promise.resolve().then(() => this.#run());
  }

  /** What the call is like, as the process said last. */
  get status(): CallStatus | undefined {
    return this.#status;
  }

  end(): Promise<JobOutcome> {
    if (this.#ending.signal.aborted) return this.ended;
    this.#ending.abort(new DOMException("the job was ended", "AbortError"));
    if (this.#child) {
      this.#child.send({ type: "end" });
      this.#finishWithin(END_MS);
    }
    return this.ended;
  }

  fail(error: unknown): Promise<JobOutcome> {
    this.#failed(error);
    this.#child?.kill();
    return this.ended;
  }

  async sayGoodbye(): Promise<JobOutcome> {
    const { limits, clock } = this.#init;
    if (this.#child && !this.#ending.signal.aborted) {
      this.#child.send({ type: "goodbye" });
      // The process keeps the limit, and reports what exceeds it.
      const limit = { timeoutMs: limits.goodbyeMs + END_MS, clock };
      await waitFor(this.ended, "the goodbye", limit).catch(() => {});
    }
    return await this.end();
  }

  async #run(): Promise<JobOutcome> {
    const { pool, edge, offer } = this.#init;
    const { signal } = this.#ending;
    try {
      if (edge < 0) {
        throw new TypeError(`edges: expected the edge of each job, which ${offer.id}'s is not in`);
      }
      const process = await pool.take(signal);
      const child = this.#child = process.child;
      if (signal.aborted) {
        child.kill();
        return ABORTED;
      }
      process.onMessage = (message) => this.#take(message);
      void child.ended.then((how) => this.#failed(died(how)));
      return await this.#attend(child);
    } catch (error) {
      this.#child?.kill();
      if (signal.aborted) return ABORTED;
      return { status: "failed", error };
    } finally {
      if (!signal.aborted) {
        this.#ending.abort(new DOMException("the job is over", "AbortError"));
      }
    }
  }

  async #attend(child: AgentChild): Promise<JobOutcome> {
    const { clock } = this.#init;
    const job = this.#jobData();
    child.send({ type: "job", job });
    const { stuckMs } = this.#init.limits;
    this.#heartbeat = new Heartbeat({
      silentMs: stuckMs,
      clock,
      onSilent: () => void this.fail(stuck(stuckMs)),
    });
    const outcome = await this.#outcome.promise;
    this.#heartbeat[Symbol.dispose]();
    child.send({ type: "exit" });
    // Its edge takes leave, and it exits.
    await waitFor(child.ended, "the process's end", { timeoutMs: END_MS, clock })
      .catch(() => child.kill());
    await child.ended;
    return outcome;
  }

  /** What it holds is JSON, but for a service's own object, of which this keeps what JSON can carry. */
  #jobData(): JobData {
    const { offer: { edge: _, original, ...offer }, edge, call, report } = this.#init;
    const data = {
      offer: asJson(offer),
      edge,
      ...call && { call: asJson<unknown>(call) as JsonValue },
    };
    try {
      return {
        ...data,
        offer: { ...data.offer, ...original !== undefined && { original: asJson(original) } },
      };
    } catch (error) {
      report(error, `job.original of ${offer.callId}, which its agent's process does not get`);
      return data;
    }
  }

  #take(message: FromAgent): void {
    const { report, limits, onJoined, onReplied } = this.#init;
    this.#heartbeat?.says();
    switch (message.type) {
      case "alive":
        this.#status = message.call;
        if (message.rssBytes > limits.agentMemoryBytes) {
          void this.fail(tooLarge(message.rssBytes, limits.agentMemoryBytes));
        }
        return;
      case "joined":
        if (!this.#hasJoined) onJoined(this.job);
        this.#hasJoined = true;
        return;
      case "replied":
        return onReplied(this.job, message.voiceToVoiceMs);
      case "error":
        return report(fromFailureData(message.error), message.context);
      case "ended":
        return this.#outcome.resolve(fromOutcomeData(message.outcome));
    }
  }

  /** A job that was ended has not failed, whatever becomes of its process. */
  #failed(error: unknown): void {
    const isEnded = this.#ending.signal.aborted;
    this.#outcome.resolve(isEnded ? ABORTED : { status: "failed", error });
  }

  #finishWithin(timeoutMs: number): void {
    const { clock } = this.#init;
    waitFor(this.#outcome.promise, "the agent leaving", { timeoutMs, clock }).catch(() => {
      this.#outcome.resolve(ABORTED);
      this.#child?.kill();
    });
  }
}

function asJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

function died(how: string): EdgeError {
  return new EdgeError(`the agent's process ended (${how})`, { code: "agent-process-ended" });
}

function stuck(stuckMs: number): EdgeError {
  const text = `the agent's process did not respond for ${stuckMs} ms, and was ended`;
  return new EdgeError(text, { code: "agent-stuck" });
}

function tooLarge(bytes: number, limit: number): EdgeError {
  const [size, most] = [bytes, limit].map((one) => `${Math.round(one / 2 ** 20)} MiB`);
  return new EdgeError(
    `the agent's process has ${size}, more than limits.agentMemoryBytes (${most}), and was ended`,
    { code: "agent-memory" },
  );
}
