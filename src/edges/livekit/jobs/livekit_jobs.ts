/** The jobs that a LiveKit server hands out. @module */
import type { ShareableJobs } from "@ringline/edge/leases";
import {
  type Call,
  checkOptions,
  type EdgeTransport,
  type JobFeed,
  type JobOffer,
  type JobWorker,
} from "@ringline/edge/toolkit";
import type { DispatchService } from "../service/dispatch_service.ts";
import type { RoomService } from "../service/room_service.ts";
import type { Tokens } from "../service/tokens.ts";
import type { LiveKitSettings } from "../settings.ts";
import { AssignedCall } from "./assigned_call.ts";
import { DISPATCH_ATTRIBUTE, hasFormerAgent } from "./former_agent.ts";
import { JOB_KINDS, type LiveKitJobKind } from "./job_kind.ts";
import { sharedKeyOf } from "./shared_key.ts";
import type { UntakenJobs } from "./untaken_jobs.ts";

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

/** What a job is for, in the server's description of it. */
interface DispatchedJob {
  readonly dispatchId: string;
  readonly participant: { readonly sid: string };
}

/** What {@linkcode LiveKitJobs} needs. */
export interface LiveKitJobsInit {
  edge: EdgeTransport;
  settings: LiveKitSettings;
  tokens: Tokens;
  dispatches: DispatchService;
  rooms: RoomService;
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
 *
 * The open server hands out a job once: with `sharedJobs` of `@ringline/edge/leases` the workers take up
 * the calls of one that is gone, and the jobs that none had a place for.
 */
export class LiveKitJobs implements ShareableJobs {
  readonly #init: LiveKitJobsInit;
  #untaken: UntakenJobs | undefined;
  /** By how much the server's clock is ahead of the worker's. */
  #serverAheadMs = 0;

  /** Sources come from `LiveKitEdge.jobs`. */
  constructor(init: LiveKitJobsInit) {
    const { options } = init;
    checkOptions(
      options,
      "options",
      { agentName: true, kind: true },
      'an object like { agentName: "receptionist" }, or nothing',
    );
    const { agentName = "", kind = "room" } = options;
    if (typeof agentName !== "string") {
      throw new TypeError(`agentName: expected a text, got ${typeof agentName}`);
    }
    if (!JOB_KINDS.includes(kind)) {
      throw new TypeError(
        `kind: expected one of ${JOB_KINDS.join(", ")}, got ${JSON.stringify(kind)}`,
      );
    }
    init.tokens.keys("registering a worker");
    this.#init = init;
  }

  /** The edge that the rooms are joined over. */
  get edge(): EdgeTransport {
    return this.#init.edge;
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
    // LiveKit's messages weigh something, and ask for a variable: only workers load them.
    const { LiveKitJobFeed } = await import("./job_feed.ts");
    return await LiveKitJobFeed.open({
      worker,
      edge,
      dispatches,
      agentName,
      kind,
      signal,
      urls: settings.urls,
      createToken: () => tokens.ofWorker(),
      onServerTime: (epochMs) => this.#serverAheadMs = epochMs - edge.clock.epochMs(),
    });
  }

  get #isForEachRoom(): boolean {
    const { agentName = "", kind = "room" } = this.#init.options;
    return agentName === "" && kind === "room";
  }

  /** Identifies a job among all workers: by what it is for, not by who was asked. For `sharedJobs`. */
  keyOf(offer: JobOffer): string {
    return sharedKeyOf(offer);
  }

  /**
   * Returns whether a job's room was deleted or has closed, which an agent would make anew, the person for whom
   * it was has left, or the room has the agent already. Called by `sharedJobs`.
   */
  async isOver({ callId: name, original }: JobOffer): Promise<boolean> {
    const { dispatches } = this.#init;
    if ((await dispatches.rooms([name])).length === 0) return true;
    const { dispatchId, participant } = original as Partial<DispatchedJob> | null ?? {};
    if (participant) {
      // For one who has come back the server has a job of its own.
      return (await dispatches.participants(name)).every(({ sid }) => sid !== participant.sid);
    }
    if (!dispatchId || !this.#isForEachRoom) return false;
    return await hasFormerAgent(dispatches, { room: name, dispatchId });
  }

  /**
   * Removes the agents that were in the room for this job, and returns the room with another seat. Called
   * by `sharedJobs`.
   */
  async takeUp(offer: JobOffer, { token }: { token: number }): Promise<Call> {
    const { dispatches, rooms, options: { agentName = "" } } = this.#init;
    const { callId: name, id, original } = offer;
    // Servers keep one that is lost for about 15 s, and the caller would hear two agents.
    const former = (await dispatches.participants(name))
      .filter(({ identity }) => identity === `agent-${id}` || identity.startsWith(`agent-${id}-`));
    await Promise.all(former.map(({ identity }) => rooms.remove(name, identity)));
    const { dispatchId } = original as Partial<DispatchedJob> | null ?? {};
    const seat = {
      identity: `agent-${id}-${token}`,
      attributes: {
        "lk.agent_name": agentName,
        ...(this.#isForEachRoom && dispatchId ? { [DISPATCH_ATTRIBUTE]: dispatchId } : {}),
      },
    };
    return new AssignedCall({ name, original: null }, seat);
  }

  /** Returns the jobs that the server had no worker for. Called by `sharedJobs`. */
  async untaken(): Promise<JobOffer[]> {
    const { edge, dispatches, options } = this.#init;
    const { agentName = "", kind = "room" } = options;
    if (this.#untaken === undefined) {
      const { UntakenJobs } = await import("./untaken_jobs.ts");
      this.#untaken = new UntakenJobs({
        edge,
        dispatches,
        agentName,
        kind,
        serverTime: () => edge.clock.epochMs() + this.#serverAheadMs,
      });
    }
    return await this.#untaken.find();
  }
}
