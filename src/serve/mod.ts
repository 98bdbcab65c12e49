/**
 * Many calls in one program: a worker that takes jobs from edges, dispatchers and webhooks, runs an
 * agent for each within its limits, and stops without cutting calls short.
 *
 * @module
 */
export { serve } from "./serve.ts";
export { WebhookJobs, type WebhookJobsOptions, type WebhookRequest } from "./webhook_jobs.ts";
export type { AgentProcessOptions, ServeOptions } from "./serve_options.ts";
export type { AgentWorker, JobRequest, WorkerState } from "./agent_worker.ts";
export type { CallStatus, Job } from "./job.ts";
export type { MachineUse, WorkerLimits } from "./limits.ts";
export { WorkerControl, type WorkerControlOptions } from "./control/control.ts";
export { recordWorkerTelemetry } from "./control/telemetry.ts";
export {
  AgentJoinedEvent,
  AgentRepliedEvent,
  DrainingEvent,
  JobDeclinedEvent,
  JobEndedEvent,
  JobStartedEvent,
  LoadChangedEvent,
} from "./events.ts";
export type {
  AcceptedJob,
  DeclinedJob,
  DeclineReason,
  JobFeed,
  JobOffer,
  JobOutcome,
  JobSource,
  JobUser,
  JobWorker,
  RunningJob,
  WorkerLoad,
} from "../edge/jobs.ts";
