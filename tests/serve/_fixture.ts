/** A worker with calls in memory, in virtual time. */
import { Agent } from "../../src/agent/agent.ts";
import type {
  AcceptedJob,
  DeclinedJob,
  JobFeed,
  JobOffer,
  JobSource,
  JobWorker,
  WorkerLoad,
} from "../../src/edge/jobs.ts";
import { ErrorEvent } from "../../src/edge/events.ts";
import { silentLogger } from "../../src/events/logger.ts";
import type { AgentWorker } from "../../src/serve/agent_worker.ts";
import {
  DrainingEvent,
  JobDeclinedEvent,
  JobEndedEvent,
  JobStartedEvent,
} from "../../src/serve/events.ts";
import type { Job } from "../../src/serve/job.ts";
import type { MachineUse } from "../../src/serve/limits.ts";
import { serve } from "../../src/serve/serve.ts";
import type { ServeOptions } from "../../src/serve/serve_options.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

/** A source that a test offers jobs by. */
export class TestSource implements JobSource, JobFeed {
  worker!: JobWorker;
  readonly loads: WorkerLoad[] = [];
  readonly steps: string[] = [];

  openJobs(worker: JobWorker): Promise<JobFeed> {
    this.worker = worker;
    return Promise.resolve(this);
  }
  update(load: WorkerLoad): void {
    this.loads.push(load);
  }
  drain(): void {
    this.steps.push("drain");
  }
  close(): void {
    this.steps.push("close");
  }
}

/** An agent without models. */
export function plainAgent({ edge }: Job): Agent {
  return new Agent({ edge, agentUser: { id: "agent", name: "Agent" } });
}

/** A worker, its source, and what happened. */
export class WorkerFixture implements AsyncDisposable {
  readonly source = new TestSource();
  readonly use: { cpu: number | undefined; memory: number | undefined } = {
    cpu: 0.1,
    memory: 0.1,
  };
  readonly log: string[] = [];
  readonly errors: string[] = [];
  worker!: AgentWorker;

  private constructor(readonly clock: VirtualClock, readonly edge: MemoryEdge) {}

  static async start(options: Partial<ServeOptions> = {}): Promise<WorkerFixture> {
    const clock = new VirtualClock();
    const edge = new MemoryEdge({ clock, logger: silentLogger });
    const fixture = new WorkerFixture(clock, edge);
    const measure = (): MachineUse => ({ ...fixture.use });
    fixture.worker = await clock.until(serve({
      agent: plainAgent,
      sources: [fixture.source],
      measure,
      clock,
      logger: silentLogger,
      ...options,
    }));
    fixture.#follow();
    return fixture;
  }

  /** Offers a job, and returns the answer. */
  offer(callId: string, more: Partial<JobOffer> = {}): Promise<AcceptedJob | DeclinedJob> {
    const { edge, clock } = this;
    return clock.until(this.source.worker.offer({ id: callId, edge, callId, ...more }));
  }

  /** Starts a job, and returns it once its agent is in its call. */
  async start(callId: string) {
    const answer = await this.offer(callId);
    if (!answer.accepted) throw new Error(answer.message);
    const run = answer.start();
    await this.clock.advance(100);
    return run;
  }

  /** A person enters each call. */
  enterAll(): void {
    for (const { call } of this.edge.connections) this.edge.enter(call, { userId: "anna" });
  }

  /** The calls in which an agent is. */
  get joined(): string[] {
    return [...this.edge.connections].map(({ call }) => call.id).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.clock.until(this.worker.close());
    await this.clock.until(this.edge.close());
  }

  #follow(): void {
    const { events } = this.worker;
    events.subscribe(JobStartedEvent, ({ job }) => void this.log.push(`${job.callId} started`));
    events.subscribe(JobEndedEvent, ({ job, outcome }) => {
      const how = outcome.status === "failed" ? `failed: ${outcome.error}` : outcome.reason;
      this.log.push(`${job.callId} ${how}`);
    });
    events.subscribe(JobDeclinedEvent, ({ offer, reason }) => {
      this.log.push(`${offer.callId} declined: ${reason}`);
    });
    events.subscribe(DrainingEvent, ({ calls, leftMs }) => {
      this.log.push(`draining: ${calls} for ${leftMs}`);
    });
    events.subscribe(ErrorEvent, ({ error, context }) => {
      this.errors.push(`${context}: ${error}`);
    });
  }
}
