/** A worker's registration on a server, and the jobs that come by it. @module */
import {
  AvailabilityResponse,
  type Job,
  type JobAssignment,
  JobStatus,
  JobType,
  ParticipantPermission,
  RegisterWorkerRequest,
  UpdateJobStatus,
  UpdateWorkerStatus,
  WorkerStatus,
} from "@livekit/protocol";
import {
  type AcceptedJob,
  backOffMs,
  ConnectionError,
  type DeclinedJob,
  type EdgeError,
  type EdgeTransport,
  type JobFeed,
  type JobOffer,
  type JobWorker,
  type JsonValue,
  messageOf,
  ProtocolError,
  retry,
  type RunningJob,
  type SocketEnd,
  type SocketPort,
  waitFor,
  type WorkerLoad,
} from "@ringline/edge/toolkit";
import type { DispatchService } from "../service/dispatch_service.ts";
import { VERSION } from "../wire/client.ts";
import { AssignedCall } from "./assigned_call.ts";
import { hasFormerAgent } from "./former_agent.ts";
import { isForEachRoom, offerOf, seatOf } from "./job_offer.ts";
import type { LiveKitJobKind } from "./job_kind.ts";
import { type FromServer, type FromWorker, WorkerSocket } from "./worker_socket.ts";

/** A server waits 10 s for an answer, and gives the job to no other worker then. */
const ANSWER_MS = 8000;
/** How long a place is kept for a job that the server does not confirm. */
const ASSIGNMENT_MS = 5000;
/**
 * From this load on a server gives a worker nothing, unless it is configured otherwise: a worker that
 * has reached its limits has this load.
 */
const TARGET_LOAD = 0.7;
const CONTEXT = "LiveKit's jobs";

const TYPES: Record<LiveKitJobKind, JobType> = {
  room: JobType.JT_ROOM,
  participant: JobType.JT_PARTICIPANT,
  publisher: JobType.JT_PUBLISHER,
};

/** Options for {@linkcode LiveKitJobFeed.open}. */
export interface JobFeedInit {
  worker: JobWorker;
  edge: EdgeTransport;
  dispatches: Pick<DispatchService, "list" | "participants">;
  agentName: string;
  kind: LiveKitJobKind;
  /** The nodes. */
  urls: readonly string[];
  createToken: () => Promise<string>;
  /** The server has said what time it has, in milliseconds since 1970. */
  onServerTime: (epochMs: number) => void;
  /** Aborted when the worker is closed. */
  signal: AbortSignal;
  connect?: (url: string, token: string) => SocketPort;
  fetch?: typeof fetch;
  random?: () => number;
}

/** A place for a job, until the server confirms that the worker has it. */
interface Place {
  readonly accepted: AcceptedJob;
  readonly timer: Disposable;
}

/** A job whose agent is in its room, or on its way there. */
interface HeldJob {
  readonly job: Job;
  readonly running: RunningJob;
}

/** The jobs of a server, while a worker takes them. */
export class LiveKitJobFeed implements JobFeed {
  readonly #init: JobFeedInit;
  readonly #places = new Map<string, Place>();
  readonly #held = new Map<string, HeldJob>();
  readonly #stop = new AbortController();
  #socket: WorkerSocket | undefined;
  /** The node's place in the list. */
  #node = 0;
  #reopening: Promise<void> = Promise.resolve();

  private constructor(init: JobFeedInit) {
    this.#init = init;
  }

  /** Registers the worker on the first node that takes it. */
  static async open(init: JobFeedInit): Promise<LiveKitJobFeed> {
    const feed = new LiveKitJobFeed(init);
    await feed.#openNext(0, init.signal);
    return feed;
  }

  update(load: WorkerLoad): void {
    const { declines, calls } = load;
    this.#send({
      case: "updateWorker",
      value: new UpdateWorkerStatus({
        status: declines ? WorkerStatus.WS_FULL : WorkerStatus.WS_AVAILABLE,
        load: TARGET_LOAD * load.load,
        jobCount: calls,
      }),
    });
  }

  drain(): void {
    this.update(this.#init.worker.load);
  }

  async close(): Promise<void> {
    this.#stop.abort(new DOMException("the worker was closed", "AbortError"));
    for (const id of [...this.#places.keys()]) this.#release(id);
    await this.#reopening;
    await this.#socket?.close();
  }

  /** Registers on the first node that takes the worker, and throws the last one's reason. */
  async #openNext(first: number, signal: AbortSignal): Promise<void> {
    const { urls } = this.#init;
    for (let at = 0;; at++) {
      try {
        return await this.#open((first + at) % urls.length, signal);
      } catch (error) {
        if (signal.aborted || at === urls.length - 1) throw error;
      }
    }
  }

  async #open(node: number, signal: AbortSignal): Promise<void> {
    const { urls, agentName, kind, worker, createToken, onServerTime, connect, fetch } = this.#init;
    const socket = await WorkerSocket.open({
      url: urls[node]!,
      token: await createToken(),
      register: {
        case: "register",
        value: new RegisterWorkerRequest({
          type: TYPES[kind],
          agentName,
          version: VERSION,
          pingInterval: 5,
          allowedPermissions: new ParticipantPermission({
            canPublish: true,
            canSubscribe: true,
            canPublishData: true,
            canUpdateMetadata: true,
            agent: true,
          }),
        }),
      },
      onMessage: (message) => this.#onMessage(message),
      onServerTime,
      onEnd: (end) => this.#onEnd(end),
      onGarbage: (dropped) => {
        const text = `dropped ${dropped} malformed messages of the server`;
        worker.report(new ProtocolError(text, { code: "bad-message" }), CONTEXT);
      },
      signal,
      connect,
      fetch,
      clock: this.#init.edge.clock,
    });
    if (this.#stop.signal.aborted) return await socket.close();
    this.#socket = socket;
    this.#node = node;
    this.update(worker.load);
  }

  #onMessage(message: FromServer): void {
    switch (message.case) {
      case "availability":
        if (message.value.job) void this.#answer(message.value.job);
        return;
      case "assignment":
        return this.#onAssignment(message.value);
      case "termination":
        return void this.#onTermination(message.value.jobId);
    }
  }

  /** Jobs in progress go on; what has been announced and not confirmed is lost. */
  #onEnd({ kind }: SocketEnd): void {
    this.#socket = undefined;
    for (const id of [...this.#places.keys()]) this.#release(id);
    const text = `the server's socket for workers is ${kind}: it is opened again`;
    const error = new ConnectionError(text, { code: "lost", retryable: true });
    this.#init.worker.report(error, CONTEXT);
    this.#reopening = this.#reopen();
  }

  /** Registers again, and goes on trying until the worker is closed. */
  async #reopen(): Promise<void> {
    const { worker, edge: { clock }, random = Math.random } = this.#init;
    const { signal } = this.#stop;
    let last: string | undefined;
    await retry(() => this.#openNext(this.#node + 1, signal), {
      waitMs: (error, tries) => {
        // What goes on failing for the same reason is said once.
        const { code = messageOf(error) } = error as Partial<EdgeError>;
        if (code !== last) worker.report(error, CONTEXT);
        last = code;
        return backOffMs(tries, { firstMs: 250, maxMs: 5000, random });
      },
      signal,
      clock,
    }).catch(() => {}); // it was closed
  }

  async #answer(job: Job): Promise<void> {
    const { worker, edge } = this.#init;
    const socket = this.#socket;
    const { id: jobId } = job;
    const offer = offerOf(job, edge);
    if (!offer) {
      const text = "the server announced a job without a room";
      worker.report(new ProtocolError(text, { code: "bad-message" }), CONTEXT);
      return this.#send({ case: "availability", value: new AvailabilityResponse({ jobId }) });
    }
    const answer = this.#offer(job, offer);
    const limit = { timeoutMs: ANSWER_MS, clock: edge.clock };
    const accepted = await waitFor(answer, "the worker's answer", limit).catch(() => undefined);
    if (!accepted?.accepted || this.#socket !== socket) {
      void answer.then((late) => late.accepted && late.release());
      // Said in any case: a server that waits asks no other worker meanwhile.
      return this.#send({ case: "availability", value: new AvailabilityResponse({ jobId }) });
    }
    const timer = edge.clock.schedule(() => this.#release(jobId), ASSIGNMENT_MS);
    this.#places.set(jobId, { accepted, timer });
    const { identity, attributes } = seatOf(job);
    const value = new AvailabilityResponse({
      jobId,
      available: true,
      participantIdentity: identity,
      participantAttributes: { ...attributes },
    });
    this.#send({ case: "availability", value });
  }

  async #offer(job: Job, offer: JobOffer): Promise<AcceptedJob | DeclinedJob> {
    const { worker, dispatches } = this.#init;
    if (isForEachRoom(job)) {
      const { callId: room } = offer;
      // A server that cannot say it has no other agent for the caller.
      const isThere = hasFormerAgent(dispatches, { room, dispatchId: job.dispatchId });
      if (await isThere.catch(() => false)) {
        const message = `the agent of the room ${room} has come back to it`;
        return { accepted: false, reason: "duplicate", message };
      }
    }
    return await worker.offer(offer);
  }

  #onAssignment({ job }: JobAssignment): void {
    if (!job?.room) return;
    const place = this.#take(job.id);
    if (!place) {
      return this.#sendStatus(job.id, JobStatus.JS_FAILED, "the worker has no place for it");
    }
    const room = { name: job.room.name, original: job.room.toJson() as JsonValue };
    const running = place.start({ call: new AssignedCall(room, seatOf(job)) });
    this.#held.set(job.id, { job, running });
    this.#sendStatus(job.id, JobStatus.JS_RUNNING);
    void running.ended.then((outcome) => {
      this.#held.delete(job.id);
      if (outcome.status === "finished") this.#sendStatus(job.id, JobStatus.JS_SUCCESS);
      else this.#sendStatus(job.id, JobStatus.JS_FAILED, messageOf(outcome.error));
    });
  }

  /**
   * The server ends a job. It does so, too, when the agent's participant is lost, or has just joined
   * anew: that is no reason to leave, since the room itself says when the call is over. Only where the
   * dispatch was taken back the agent leaves.
   */
  async #onTermination(jobId: string): Promise<void> {
    const held = this.#held.get(jobId);
    if (!held?.job.room) return;
    const { worker, dispatches } = this.#init;
    const { job: { dispatchId, room }, running } = held;
    try {
      const found = await dispatches.list(room.name);
      // A room that is gone says so itself, too.
      if (!found.some(({ id }) => id === dispatchId)) await running.end();
    } catch (error) {
      worker.report(error, CONTEXT);
    }
  }

  #release(jobId: string): void {
    this.#take(jobId)?.release();
  }

  #take(jobId: string): AcceptedJob | undefined {
    const place = this.#places.get(jobId);
    place?.timer[Symbol.dispose]();
    this.#places.delete(jobId);
    return place?.accepted;
  }

  #sendStatus(jobId: string, status: JobStatus, error = ""): void {
    this.#send({ case: "updateJob", value: new UpdateJobStatus({ jobId, status, error }) });
  }

  #send(message: FromWorker): void {
    this.#socket?.send(message);
  }
}
