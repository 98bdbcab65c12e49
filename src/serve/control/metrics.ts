/** A worker's figures, as Prometheus reads them. @module */
import prometheus from "npm:prom-client@15.1.3";
import type { DeclineReason } from "../../edge/jobs.ts";
import type { CloseReason } from "../../edge/types.ts";
import type { AgentWorker } from "../agent_worker.ts";
import { AgentRepliedEvent, JobDeclinedEvent, JobEndedEvent, JobStartedEvent } from "../events.ts";

/** Bounds of a call's duration, in seconds. */
const CALL_SECONDS = [10, 30, 60, 120, 300, 600, 1200, 1800, 3600];
/** Bounds of a reply's latency, in seconds. */
const REPLY_SECONDS = [0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 2.5, 3, 5, 10];

/** Why jobs are declined, and why calls are over. */
const DECLINE_REASONS = Object.keys(
  {
    draining: true,
    calls: true,
    cpu: true,
    memory: true,
    processes: true,
    duplicate: true,
    application: true,
  } satisfies Record<DeclineReason, true>,
);
const CLOSE_REASONS = Object.keys(
  {
    left: true,
    "call-ended": true,
    kicked: true,
    replaced: true,
    network: true,
    "media-process-lost": true,
    aborted: true,
  } satisfies Record<CloseReason, true>,
);

/** The figures of one worker. They name no call and no person. */
export class WorkerMetrics {
  readonly #registry = new prometheus.Registry();

  constructor(worker: AgentWorker) {
    const gauge = (name: string, help: string, read: () => number | undefined): void => {
      new prometheus.Gauge({
        name: `ringline_${name}`,
        help,
        registers: [this.#registry],
        collect() {
          this.set(read() ?? NaN);
        },
      });
    };
    const counter = <L extends string = never>(name: string, help: string, labelNames: L[] = []) =>
      new prometheus.Counter({
        name: `ringline_${name}`,
        help,
        labelNames,
        registers: [this.#registry],
      });
    const histogram = (name: string, help: string, buckets: number[]) =>
      new prometheus.Histogram({
        name: `ringline_${name}`,
        help,
        buckets,
        registers: [this.#registry],
      });
    gauge("worker_calls", "Calls that run, or have a place.", () => worker.load.calls);
    gauge("worker_calls_limit", "The most calls at a time.", () => worker.load.maxCalls);
    gauge("worker_load", "The greatest share of a limit that is in use.", () => worker.load.load);
    gauge("worker_cpu", "The share of the CPU in use.", () => worker.load.cpu);
    gauge("worker_memory", "The share of the memory in use.", () => worker.load.memory);
    gauge(
      "worker_ready",
      "1 while the worker takes jobs.",
      () => worker.load.declines === undefined ? 1 : 0,
    );
    gauge(
      "worker_resident_memory_bytes",
      "The memory of the worker's own process.",
      () => Deno.memoryUsage().rss,
    );
    const started = counter("jobs_started_total", "Jobs that have begun.");
    const ended = counter("jobs_ended_total", "Jobs that are over.", ["status", "reason"]);
    const declined = counter("jobs_declined_total", "Jobs that were declined.", ["reason"]);
    // Read and not subscribed to: an error without a subscriber is logged.
    new prometheus.Counter({
      name: "ringline_worker_errors_total",
      help: "Failures that the worker survived.",
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(worker.survivedErrors);
      },
    });
    const durations = histogram("job_duration_seconds", "How long jobs lasted.", CALL_SECONDS);
    const replies = histogram(
      "reply_latency_seconds",
      "From a person's last sound to the first sound of the reply.",
      REPLY_SECONDS,
    );
    // From the start, or Prometheus takes the first of each kind for what was there before.
    for (const reason of DECLINE_REASONS) declined.inc({ reason }, 0);
    for (const reason of CLOSE_REASONS) ended.inc({ status: "finished", reason }, 0);
    ended.inc({ status: "failed", reason: "error" }, 0);
    const { events } = worker;
    events.subscribe(JobStartedEvent, () => started.inc());
    events.subscribe(JobEndedEvent, ({ outcome, durationMs }) => {
      const { status } = outcome;
      ended.inc({ status, reason: status === "finished" ? outcome.reason : "error" });
      durations.observe(durationMs / 1000);
    });
    events.subscribe(JobDeclinedEvent, ({ reason }) => declined.inc({ reason }));
    events.subscribe(AgentRepliedEvent, ({ voiceToVoiceMs }) => {
      replies.observe(voiceToVoiceMs / 1000);
    });
  }

  /** Returns the figures as text, and the text's type. */
  async read(): Promise<{ type: string; text: string }> {
    return { type: this.#registry.contentType, text: await this.#registry.metrics() };
  }
}
