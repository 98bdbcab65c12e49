/** Many calls in one program. @module */
import { checkMethods, checkOptions, shown } from "../events/checks.ts";
import { checkClock, systemClock } from "../events/clock.ts";
import { consoleLogger, guardedLogger } from "../events/logger.ts";
import { AgentWorker } from "./agent_worker.ts";
import { checkWorkerLimits } from "./limits.ts";
import { machineMeter } from "./machine_use.ts";
import { runAsProgram } from "./program.ts";
import { isAgentProcess } from "./isolation/agent_variable.ts";
import { checkIsolation, claimModule } from "./isolation/check_isolation.ts";
import { runAgent } from "./isolation/run_agent.ts";
import { agentSpawner } from "./isolation/spawn_agent.ts";
import type { ServeOptions } from "./serve_options.ts";

const OPTIONS = {
  agent: true,
  sources: true,
  agentIsolation: true,
  agentProcess: true,
  edges: true,
  accept: true,
  goodbye: true,
  join: true,
  limits: true,
  measure: true,
  isProgram: true,
  clock: true,
  logger: true,
} as const satisfies Record<keyof ServeOptions, true>;

/**
 * Runs many calls in one program, over any edge: for each job that a source announces, it creates an
 * agent and brings it into the call. Resolves when all sources are open.
 *
 * @example
 * ```ts
 * import { Agent } from "@ringline/edge";
 * import { serve } from "@ringline/edge/serve";
 * import { MemoryEdge } from "@ringline/edge/testing";
 *
 * await using edge = new MemoryEdge();
 * await using worker = await serve({
 *   agent: (job) => new Agent({ edge: job.edge, agentUser: { id: "echo", name: "Echo" } }),
 *   limits: { calls: 10 },
 * });
 * const job = await worker.start({ edge, callId: "kitchen" });
 * console.log(worker.load.calls); // 1
 * console.log((await job.end()).status); // finished
 * ```
 *
 * @throws {TypeError | RangeError} an option is wrong.
 * @throws {EdgeError} with `agentIsolation: "process"` no process can be started: `permission-denied`,
 *   `no-deno`, `agent-process-failed`, or why its edges cannot start.
 * @throws what a source throws that cannot be opened.
 */
export async function serve(options: ServeOptions): Promise<AgentWorker> {
  checkOptions(options, "options", OPTIONS, "an object like { agent, sources }");
  const { sources = [], clock = systemClock } = options;
  for (const name of ["agent", "accept", "goodbye", "measure"] as const) {
    const value = options[name];
    if (typeof value === "function" || value === undefined && name !== "agent") continue;
    throw new TypeError(`${name}: expected a function, got ${shown(value)}`);
  }
  if (!Array.isArray(sources)) {
    throw new TypeError(`sources: expected a list like [edge], got ${shown(sources)}`);
  }
  for (const [at, source] of sources.entries()) {
    checkMethods(source, `sources[${at}]`, "a JobSource, e.g. a LocalEdge", ["openJobs"]);
  }
  checkClock(clock);
  const limits = checkWorkerLimits(options.limits);
  const logger = guardedLogger(options.logger ?? consoleLogger, clock);
  const isolation = checkIsolation(options);
  if (isolation && isAgentProcess()) {
    const { agent: createAgent, goodbye, join = {} } = options;
    const { edges } = isolation;
    return await runAgent({ createAgent, goodbye, join, limits, clock, logger, edges });
  }
  const spawn = isolation && agentSpawner(isolation);
  const claim = isolation && claimModule(isolation.module);
  const worker = new AgentWorker({
    ...options,
    clock,
    limits,
    logger,
    processes: isolation && spawn && { ...isolation, spawn },
    measure: options.measure ?? machineMeter(clock),
  });
  void worker.closed.then(() => claim?.[Symbol.dispose]());
  const program = options.isProgram ? runAsProgram(worker) : undefined;
  try {
    await worker.open();
  } catch (error) {
    // A signal while it started: the program ends as after any drain.
    const isStopping = program?.isStopping === true;
    if (!isStopping) program?.[Symbol.dispose]();
    await worker.close();
    if (isStopping) return worker;
    throw error;
  }
  return worker;
}
