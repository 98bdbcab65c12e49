/** The events of a worker. @module */
import type { Agent } from "../agent/agent.ts";
import type { DeclineReason, JobOffer, JobOutcome, WorkerLoad } from "../edge/jobs.ts";
import { checkObject } from "../events/checks.ts";
import type { Job } from "./job.ts";

/** A job has begun: its agent is about to join. */
export class JobStartedEvent {
  /** Tells the events apart. */
  readonly type = "job-started";
  /** The job. */
  readonly job: Job;
  /** Creates the event. */
  constructor(init: { job: Job }) {
    checkObject(init, "init", "an object like { job }");
    this.job = init.job;
  }
}

/** The agent of a job has joined its call: the place to record its telemetry. */
export class AgentJoinedEvent {
  /** Tells the events apart. */
  readonly type = "agent-joined";
  /** The job. */
  readonly job: Job;
  /** The agent; `undefined` where it runs in a process of its own. */
  readonly agent: Agent | undefined;
  /** Creates the event. */
  constructor(init: { job: Job; agent?: Agent | undefined }) {
    checkObject(init, "init", "an object like { job, agent }");
    this.job = init.job;
    this.agent = init.agent;
  }
}

/** An agent has replied to a person. */
export class AgentRepliedEvent {
  /** Tells the events apart. */
  readonly type = "agent-replied";
  /** The job. */
  readonly job: Job;
  /** From the person's last sound to the first sound of the reply, in milliseconds. */
  readonly voiceToVoiceMs: number;
  /** Creates the event. */
  constructor(init: { job: Job; voiceToVoiceMs: number }) {
    checkObject(init, "init", "an object like { job, voiceToVoiceMs }");
    this.job = init.job;
    this.voiceToVoiceMs = init.voiceToVoiceMs;
  }
}

/** A job is over, and its agent has left. */
export class JobEndedEvent {
  /** Tells the events apart. */
  readonly type = "job-ended";
  /** The job. */
  readonly job: Job;
  /** How it has ended. */
  readonly outcome: JobOutcome;
  /** How long it lasted, in milliseconds. */
  readonly durationMs: number;
  /** Creates the event. */
  constructor(init: { job: Job; outcome: JobOutcome; durationMs: number }) {
    checkObject(init, "init", "an object like { job, outcome, durationMs }");
    this.job = init.job;
    this.outcome = init.outcome;
    this.durationMs = init.durationMs;
  }
}

/** A job was declined: its source knows. */
export class JobDeclinedEvent {
  /** Tells the events apart. */
  readonly type = "job-declined";
  /** What was offered. */
  readonly offer: JobOffer;
  /** Why it was declined. */
  readonly reason: DeclineReason;
  /** The reason as a sentence. */
  readonly message: string;
  /** Creates the event. */
  constructor(init: { offer: JobOffer; reason: DeclineReason; message: string }) {
    checkObject(init, "init", "an object like { offer, reason, message }");
    this.offer = init.offer;
    this.reason = init.reason;
    this.message = init.message;
  }
}

/** How busy the worker is has changed, or 2.5 seconds have passed. */
export class LoadChangedEvent {
  /** Tells the events apart. */
  readonly type = "load-changed";
  /** How busy it is now. */
  readonly load: WorkerLoad;
  /** Creates the event. */
  constructor(init: { load: WorkerLoad }) {
    checkObject(init, "init", "an object like { load }");
    this.load = init.load;
  }
}

/** The worker is stopping: sent at the beginning, after each call that ends, and every 5 seconds. */
export class DrainingEvent {
  /** Tells the events apart. */
  readonly type = "draining";
  /** How many calls go on. */
  readonly calls: number;
  /** For how long they may, in milliseconds, until they are said goodbye to; 0 from then on. */
  readonly leftMs: number;
  /** Creates the event. */
  constructor(init: { calls: number; leftMs: number }) {
    checkObject(init, "init", "an object like { calls, leftMs }");
    this.calls = init.calls;
    this.leftMs = init.leftMs;
  }
}
