/** A worker's figures for OpenTelemetry. @module */
import { metrics, type ObservableResult } from "npm:@opentelemetry/api@1.10.0";
import { checkMethods } from "../../events/checks.ts";
import type { AgentWorker } from "../agent_worker.ts";
import { JobDeclinedEvent, JobEndedEvent, JobStartedEvent } from "../events.ts";

/**
 * Records a worker's figures until the result is disposed, for the program's exporter: Deno has one
 * built in (`OTEL_DENO=true`, over OTLP). Those of its agents are recorded by `recordTelemetry` of
 * `@ringline/edge/telemetry`.
 *
 * Metrics: `ringline.worker.calls`, `ringline.worker.load`, `ringline.worker.cpu`,
 * `ringline.worker.memory`, `ringline.jobs.started`, `ringline.jobs.ended` (by `status`),
 * `ringline.jobs.declined` (by `reason`), `ringline.job.duration` in seconds.
 *
 * @example
 * ```ts
 * import { recordWorkerTelemetry, serve } from "@ringline/edge/serve";
 * import { Agent } from "@ringline/edge";
 *
 * await using worker = await serve({
 *   agent: ({ edge }) => new Agent({ edge, agentUser: { id: "echo", name: "Echo" } }),
 * });
 * using _recording = recordWorkerTelemetry(worker);
 * ```
 */
export function recordWorkerTelemetry(worker: AgentWorker): Disposable {
  checkMethods(worker, "worker", "an AgentWorker, as serve returns it", ["start", "drain"]);
  const meter = metrics.getMeter("@ringline/edge");
  const stack = new DisposableStack();
  const gauge = (name: string, description: string, read: () => number | undefined): void => {
    const observe = (result: ObservableResult): void => {
      const value = read();
      if (value !== undefined) result.observe(value);
    };
    const observable = meter.createObservableGauge(`ringline.worker.${name}`, { description });
    observable.addCallback(observe);
    stack.defer(() => observable.removeCallback(observe));
  };
  gauge("calls", "Calls that run, or have a place", () => worker.load.calls);
  gauge("load", "The greatest share of a limit that is in use", () => worker.load.load);
  gauge("cpu", "The share of the CPU in use", () => worker.load.cpu);
  gauge("memory", "The share of the memory in use", () => worker.load.memory);
  const started = meter.createCounter("ringline.jobs.started");
  const ended = meter.createCounter("ringline.jobs.ended");
  const declined = meter.createCounter("ringline.jobs.declined");
  const durations = meter.createHistogram("ringline.job.duration", { unit: "s" });
  const { events } = worker;
  stack.use(events.subscribe(JobStartedEvent, () => started.add(1)));
  stack.use(events.subscribe(JobEndedEvent, ({ outcome: { status }, durationMs }) => {
    ended.add(1, { status });
    durations.record(durationMs / 1000, { status });
  }));
  stack.use(events.subscribe(JobDeclinedEvent, ({ reason }) => declined.add(1, { reason })));
  return stack;
}
