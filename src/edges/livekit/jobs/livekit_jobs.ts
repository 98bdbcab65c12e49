/** The jobs that a LiveKit server hands out. @module */
import {
  checkObject,
  type EdgeTransport,
  type JobFeed,
  type JobSource,
  type JobWorker,
} from "@ringline/edge/toolkit";
import type { DispatchService } from "../service/dispatch_service.ts";
import type { Tokens } from "../service/tokens.ts";
import type { LiveKitSettings } from "../settings.ts";
import { LiveKitJobFeed } from "./job_feed.ts";
import type { LiveKitJobKind } from "./job_kind.ts";

export type { LiveKitJobKind };

const KINDS: readonly LiveKitJobKind[] = ["room", "participant", "publisher"];

/** Options for {@linkcode LiveKitEdge.jobs}. */
export interface LiveKitJobsOptions {
  /**
   * The name by which the agent is asked for: by LiveKit's `AgentDispatchClient`, by `agents` of a room,
   * or by a person's token. Default: none, and the agent is wanted in every room.
   */
  agentName?: string;
  /** What the server hands out a job for. Default `"room"`. */
  kind?: LiveKitJobKind;
}

/** Options for {@linkcode LiveKitJobs}. */
export interface LiveKitJobsInit {
  edge: EdgeTransport;
  settings: LiveKitSettings;
  tokens: Tokens;
  dispatches: DispatchService;
  options: LiveKitJobsOptions;
}

/**
 * The jobs that a LiveKit server hands out: a source for `serve`, from {@linkcode LiveKitEdge.jobs}.
 *
 * The program registers as a worker on one node; the nodes share what they hand out. A lost socket is
 * opened again, on the next address if there are several, while calls go on. The worker's load is told to
 * the server, which prefers the workers that have the least.
 *
 * `Job.callId` is the room's name, `Job.metadata` the dispatch's, read as JSON where it is JSON, and
 * `Job.original` the server's own description of the job. The agent's identity in the room is
 * `agent-` and the id of the job.
 */
export class LiveKitJobs implements JobSource {
  readonly #init: LiveKitJobsInit;

  /** Sources come from `LiveKitEdge.jobs`. */
  constructor(init: LiveKitJobsInit) {
    const { options } = init;
    checkObject(options, "options", 'an object like { agentName: "receptionist" }, or nothing');
    const { agentName = "", kind = "room" } = options;
    if (typeof agentName !== "string") {
      throw new TypeError(`agentName must be a text, got ${typeof agentName}`);
    }
    if (!KINDS.includes(kind)) {
      throw new TypeError(`kind must be one of ${KINDS.join(", ")}, got ${JSON.stringify(kind)}`);
    }
    init.tokens.keys("registering a worker");
    this.#init = init;
  }

  /**
   * Registers the worker. Called by `serve`.
   *
   * @throws {AuthenticationError} the key or the secret is wrong: `unauthorized`.
   * @throws {ConnectionError} no server can be reached, or it does not register the worker.
   */
  async openJobs(worker: JobWorker, { signal }: { signal: AbortSignal }): Promise<JobFeed> {
    const { edge, settings, tokens, dispatches, options } = this.#init;
    const { agentName = "", kind = "room" } = options;
    return await LiveKitJobFeed.open({
      ...{ worker, edge, dispatches, agentName, kind, signal },
      urls: settings.urls,
      createToken: () => tokens.ofWorker(),
    });
  }
}
