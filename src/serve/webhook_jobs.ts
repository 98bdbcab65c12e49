/** Jobs that a service announces by webhooks: one of Stream's, of a telephony service, of your own. @module */
import type { IncomingMessage, ServerResponse } from "node:http";
import { AuthenticationError, type EdgeError, ProtocolError } from "../edge/errors.ts";
import type {
  AcceptedJob,
  DeclinedJob,
  JobFeed,
  JobOffer,
  JobSource,
  JobWorker,
} from "../edge/jobs.ts";
import { checkCount } from "../edge/validation.ts";
import { checkOptions, shown } from "../events/checks.ts";
import { checkClock, type Clock, systemClock } from "../events/clock.ts";
import { readBody } from "./http/body.ts";
import { answerNode } from "./http/node_request.ts";
import { errorResponse, HttpError, json } from "./http/responses.ts";

/** How many jobs are remembered, so that a delivery that is repeated starts none. */
const REMEMBERED = 1000;

/** A webhook's request, its body read. */
export interface WebhookRequest {
  /** Its address. */
  readonly url: URL;
  /** Its headers. */
  readonly headers: Headers;
  /** Its body as it was signed. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Options for {@linkcode WebhookJobs}. */
export interface WebhookJobsOptions {
  /**
   * Verifies a request and returns its job; `undefined` for one that announces none. The job's id names
   * the call's session: a job of the same id is started once, however often it is delivered.
   *
   * An `AuthenticationError` is answered with 401, a `ProtocolError` with 400; anything else that it
   * throws is reported, and answered with 500.
   */
  read(request: WebhookRequest): JobOffer | undefined | Promise<JobOffer | undefined>;
  /**
   * Returns the answer to a job, for services that expect more than a status, such as telephony's.
   * Default: 200 for one that was accepted or is known, else 503, so that the service tries again, and
   * perhaps reaches another worker.
   */
  respond?(answer: AcceptedJob | DeclinedJob, offer: JobOffer): Response | Promise<Response>;
  /** The path that `handle` answers. Default `"/webhook"`. */
  path?: string;
  /** The most bytes of a request's body. Default 1 MiB. */
  maxBodyBytes?: number;
  /** The source of time. Default: the machine's clock. */
  clock?: Clock;
}

/**
 * A source of jobs that a service announces over HTTP. The application serves it, beside its own pages
 * or alone.
 *
 * @example Calls of Stream's cloud
 * ```ts ignore
 * import { serve, WebhookJobs } from "@ringline/edge/serve";
 * import { GetStreamEdge } from "@ringline/getstream";
 *
 * await using edge = new GetStreamEdge();
 * const webhooks = new WebhookJobs({ read: (request) => edge.readWebhook(request) });
 * // `using`: a server that cannot be opened ends the worker, too.
 * await using worker = await serve({ agent, sources: [webhooks], isProgram: true });
 * const server = Deno.serve({ port: 8080 }, webhooks.fetch);
 * await worker.closed;
 * await server.shutdown();
 * ```
 */
export class WebhookJobs implements JobSource {
  readonly #options: WebhookJobsOptions;
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #clock: Clock;
  /** The ids of the jobs that were accepted, the latest last. */
  readonly #known = new Set<string>();
  #worker: JobWorker | undefined;

  /**
   * Creates a source.
   *
   * @throws {TypeError | RangeError} an option is wrong.
   */
  constructor(options: WebhookJobsOptions) {
    checkOptions(options, "options", {
      path: true,
      maxBodyBytes: true,
      clock: true,
      read: true,
      respond: true,
    }, "an object like { read }");
    const { read, respond, path = "/webhook", maxBodyBytes = 1 << 20, clock } = options;
    if (typeof read !== "function") {
      throw new TypeError(`read: expected a function, got ${shown(read)}`);
    }
    if (respond !== undefined && typeof respond !== "function") {
      throw new TypeError(`respond: expected a function, got ${shown(respond)}`);
    }
    if (typeof path !== "string" || !path.startsWith("/")) {
      throw new TypeError(`path: expected a path like "/webhook", got ${shown(path)}`);
    }
    checkCount(maxBodyBytes, "maxBodyBytes");
    if (clock !== undefined) checkClock(clock);
    this.#options = options;
    this.#path = path;
    this.#maxBytes = maxBodyBytes;
    this.#clock = clock ?? systemClock;
  }

  /** For `serve`. A source serves one worker. */
  openJobs(worker: JobWorker): Promise<JobFeed> {
    if (this.#worker) {
      return Promise.reject(new TypeError("these webhooks serve another worker: create others"));
    }
    this.#worker = worker;
    return Promise.resolve({ close: () => void (this.#worker = undefined) });
  }

  /** Answers a webhook, for `Deno.serve` and the like. */
  readonly fetch = async (request: Request): Promise<Response> => {
    try {
      return await this.#answer(request);
    } catch (error) {
      return errorResponse(this.#toHttpError(error));
    }
  };

  /** Answers a request of `node:http` if its path is that of the webhooks. Returns whether it was. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    if (URL.parse(request.url ?? "/", "http://worker")?.pathname !== this.#path) return false;
    await answerNode(request, response, this.fetch);
    return true;
  }

  async #answer(request: Request): Promise<Response> {
    if (request.method !== "POST") {
      throw new HttpError(405, "wrong-method", "expected POST", { allow: "POST" });
    }
    const body = await readBody(request, { maxBytes: this.#maxBytes, clock: this.#clock });
    const { headers, url } = request;
    const offer = await this.#options.read({ url: new URL(url), headers, body });
    if (offer === undefined) return json(200, { status: "ignored" });
    const answer = await this.#offer(offer);
    const isDone = answer.accepted || answer.reason === "duplicate";
    try {
      if (this.#options.respond) return await this.#options.respond(answer, offer);
      return isDone
        ? json(200, { status: answer.accepted ? "accepted" : answer.reason })
        : json(503, { status: answer.reason }, { "retry-after": "5" });
    } finally {
      // The agent joins when the answer is on its way, if there is one.
      if (answer.accepted) this.#start(answer, offer.id);
    }
  }

  /** Starts a job; one whose answer took so long that its place is gone may come again. */
  #start(place: AcceptedJob, id: string): void {
    void place.start().ended.then((outcome) => {
      if (outcome.status === "finished") return;
      const { code } = outcome.error as Partial<EdgeError>;
      if (code === "worker-released") this.#known.delete(id);
    });
  }

  async #offer(offer: JobOffer): Promise<AcceptedJob | DeclinedJob> {
    if (!this.#worker) {
      const message = "the worker is not running";
      return { accepted: false, reason: "draining", message };
    }
    if (this.#known.has(offer.id)) {
      const message = `the job ${shown(offer.id)} was accepted before`;
      return { accepted: false, reason: "duplicate", message };
    }
    const answer = await this.#worker.offer(offer);
    if (!answer.accepted) return answer;
    this.#known.add(offer.id);
    const [oldest] = this.#known;
    if (this.#known.size > REMEMBERED) this.#known.delete(oldest!);
    return answer;
  }

  #toHttpError(error: unknown): HttpError {
    if (error instanceof HttpError) return error;
    if (error instanceof AuthenticationError) {
      return new HttpError(401, "unauthorized", error.message);
    }
    if (error instanceof ProtocolError) return new HttpError(400, "bad-request", error.message);
    this.#worker?.report(error, "a webhook");
    return new HttpError(500, "failed", "the webhook could not be answered");
  }
}
