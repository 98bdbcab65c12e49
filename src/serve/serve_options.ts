/** The options of `serve`. @module */
import type { Agent } from "../agent/agent.ts";
import type { AgentJoinOptions } from "../agent/agent_options.ts";
import type { EdgeTransport } from "../edge/edge_transport.ts";
import type { JobOffer, JobSource } from "../edge/jobs.ts";
import type { Clock } from "../events/clock.ts";
import type { Logger } from "../events/logger.ts";
import type { Job } from "./job.ts";
import type { MachineUse, WorkerLimits } from "./limits.ts";

/** How the processes of agents are started. */
export interface AgentProcessOptions {
  /** The module that they run, which comes to `serve`. Default: the program's main module. */
  module?: string | URL;
  /**
   * How many processes are started ahead, so that calls do not wait for one. Default 1. With 0 there is one
   * until the first call: `serve` waits for it, and rejects if the program does not come to serve in it.
   */
  spares?: number;
  /**
   * Further arguments of `deno run`: permissions that the program has in part only, such as
   * `["--allow-read=models"]`, a lock file, flags of V8. Those that it has wholly are passed on.
   */
  denoArgs?: readonly string[];
}

/** Options for {@linkcode serve}. */
export interface ServeOptions {
  /**
   * Creates the agent of a job: an agent of its own for each, over `job.edge`. What it throws ends this
   * job alone.
   */
  agent: (job: Job) => Agent | Promise<Agent>;
  /** What announces jobs: an edge such as `LocalEdge`, a dispatcher, a webhook. Default: none. */
  sources?: readonly JobSource[];
  /**
   * Where agents run: all in this program (`"program"`, the default), or each in a process of its own
   * (`"process"`), so that one that never comes to an end, or leaks, costs its own call and no other.
   *
   * Such a process runs the program again, with its arguments, variables and permissions, up to `serve`,
   * which takes one job there, and no source. What stands before `serve` runs in each of them, what follows it
   * in the worker only. There the agents are not at hand: `AgentJoinedEvent.agent` is `undefined`, and
   * `goodbye` is called in the process. Edges need calls on a server: `LiveKitEdge`, `GetStreamEdge`.
   */
  agentIsolation?: "program" | "process";
  /** Options for `agentIsolation: "process"`. */
  agentProcess?: AgentProcessOptions;
  /**
   * The edges of the jobs, for `agentIsolation: "process"`: the same in each process, in the same order.
   * Default: those of the sources.
   */
  edges?: readonly EdgeTransport[];
  /** Whether the worker takes a job, asked within 5 seconds. Default: while its limits allow it. */
  accept?: (offer: JobOffer) => boolean | Promise<boolean>;
  /**
   * Called for each call that is not over when the worker stops, at the end of `limits.drainMs`, for
   * instance with `(agent) => void agent.say("We have to restart. Please call again.")`. The agent
   * then leaves when all that is to be said was heard. What takes longer than `limits.goodbyeMs` is cut.
   */
  goodbye?: (agent: Agent, job: Job) => void | Promise<void>;
  /**
   * How the agents join. They do not wait for a person, unless this says otherwise, and no longer than
   * `limits.idleMs` and `limits.callMs`.
   */
  join?: Omit<AgentJoinOptions, "signal">;
  /** Limits of what the worker takes on. */
  limits?: Partial<WorkerLimits>;
  /**
   * Measures the CPU and memory in use, every 2.5 seconds. Default: the machine's, as far as the
   * program may read it (`--allow-sys=cpus,systemMemoryInfo`), and the program's own share of a processor.
   */
  measure?: () => MachineUse | Promise<MachineUse>;
  /**
   * Whether the worker is what the program is for. Then SIGTERM and Ctrl-C make it drain, and a second
   * signal ends the program immediately; it prints its progress; an uncaught error ends the call that
   * it came from alone; and the exit code is 0 after a drain, unless the program has set another, and 128
   * and the number of the signal when cut short. What keeps the program running 10 seconds after a signal
   * has closed the worker is cut. An uncaught error of a timer has no call: it becomes an `ErrorEvent`, or
   * is logged where there is no subscriber, and ends nothing.
   * Default `false`: none of this.
   */
  isProgram?: boolean;
  /** The source of time. Default: the machine's clock. */
  clock?: Clock;
  /** The logger. Default: the console, for warnings and errors only. */
  logger?: Logger;
}
