/** A worker's control and health over HTTP. @module */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { EdgeTransport } from "../../edge/edge_transport.ts";
import { checkMethods, checkOptions, shown } from "../../events/checks.ts";
import { type Clock, systemClock } from "../../events/clock.ts";
import type { AgentWorker } from "../agent_worker.ts";
import type { Job } from "../job.ts";
import { WorkerMetrics } from "./metrics.ts";
import { answerNode } from "../http/node_request.ts";
import { hasToken, readStart } from "./requests.ts";
import { startCall } from "./start.ts";
import { errorResponse, HttpError, json, respond } from "../http/responses.ts";

/** Options for a {@linkcode WorkerControl}. */
export interface WorkerControlOptions {
  /**
   * Admits to everything but `/healthz` and `/readyz`, as `Authorization: Bearer TOKEN`. At least 32
   * random characters. Default: nothing else is answered.
   */
  token?: string;
  /** The edge that `POST /calls` starts calls on. Default: it starts none. */
  edge?: EdgeTransport;
  /** Whether `/metrics` needs no token. Default `false`. */
  publicMetrics?: boolean;
  /**
   * Origins whose pages may read the answers, e.g. `"https://admin.example.org"`; they need the token,
   * too. Default: none, and requests from pages are turned away.
   */
  origins?: readonly string[];
  /** The source of time. Default: the machine's clock. */
  clock?: Clock;
}

/**
 * A worker's control and health over HTTP: for probes, Prometheus and an operator.
 *
 * - `GET /healthz`: 200 while the worker lives. `GET /readyz`: 200 while it takes jobs, else 503.
 * - `GET /metrics`: figures as Prometheus reads them.
 * - `GET /calls`, `GET /calls/ID`: the calls that run. `POST /calls` with
 *   `{ "callId": "kitchen", "callType", "metadata", "user" }` starts one; its answer has a `url` where the
 *   edge has links for people. 409 where the application does not take it, 503 where it may be tried
 *   again. `DELETE /calls/ID` ends one.
 *
 * What is denied or wrong is answered with `{ "error": { "code", "message" } }`.
 *
 * @example Served by itself
 * ```ts ignore
 * import { serve, WorkerControl } from "@ringline/edge/serve";
 *
 * // `using`: a control that cannot be opened ends the worker, too.
 * await using worker = await serve({ agent, sources: [edge], isProgram: true });
 * const control = new WorkerControl(worker, { token: Deno.env.get("CONTROL_TOKEN"), edge });
 * const server = Deno.serve({ hostname: "127.0.0.1", port: 8081 }, control.fetch);
 * await worker.closed;
 * await server.shutdown();
 * ```
 */
export class WorkerControl {
  readonly #worker: AgentWorker;
  readonly #options: WorkerControlOptions;
  readonly #clock: Clock;
  readonly #metrics: WorkerMetrics;
  readonly #origins: ReadonlySet<string>;

  /**
   * Creates a control.
   *
   * @throws {TypeError} an option is wrong.
   */
  constructor(worker: AgentWorker, options: WorkerControlOptions = {}) {
    checkMethods(worker, "worker", "an AgentWorker, as serve returns it", ["start", "drain"]);
    checkOptions(options, "options", {
      token: true,
      edge: true,
      publicMetrics: true,
      origins: true,
      clock: true,
    }, "an object like { token }, or nothing");
    const { token, edge, origins = [], clock = systemClock } = options;
    if (token !== undefined && (typeof token !== "string" || !/^[\x21-\x7e]{32,}$/.test(token))) {
      throw new TypeError("token: expected at least 32 random characters without spaces");
    }
    if (edge !== undefined) checkMethods(edge, "edge", "an EdgeTransport", ["createCall", "join"]);
    for (const origin of origins) {
      if (URL.parse(origin)?.origin === origin) continue;
      throw new TypeError(`origins: expected one like "https://example.org", got ${shown(origin)}`);
    }
    this.#worker = worker;
    this.#options = options;
    this.#clock = clock;
    this.#origins = new Set(origins);
    this.#metrics = new WorkerMetrics(worker);
  }

  /** Answers a request, for `Deno.serve` and the like; with 404 where the path is not the control's. */
  readonly fetch = async (request: Request): Promise<Response> => {
    const origin = request.headers.get("origin");
    const isFriend = origin !== null && this.#origins.has(origin);
    const answer = await this.#answer(request, { isForeign: origin !== null && !isFriend })
      .catch((error) => {
        if (error instanceof HttpError) return errorResponse(error);
        this.#worker.report(error, "a request to the worker's control");
        return errorResponse(new HttpError(500, "failed", "the request could not be answered"));
      });
    if (isFriend) {
      answer.headers.set("access-control-allow-origin", origin);
      answer.headers.set("vary", "origin");
    }
    return answer;
  };

  /**
   * Answers a request of `node:http` if its path is the control's, so that it can be mounted in a server
   * beside others. Returns whether it was.
   *
   * @example
   * ```ts ignore
   * createServer(async (request, response) => {
   *   if (await control.handle(request, response)) return;
   *   response.end("my application");
   * });
   * ```
   */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const path = URL.parse(request.url ?? "/", "http://control")?.pathname ?? "";
    if (!isControlPath(path)) return false;
    await answerNode(request, response, this.fetch);
    return true;
  }

  async #answer(request: Request, { isForeign }: { isForeign: boolean }): Promise<Response> {
    if (isForeign) throw new HttpError(403, "foreign-origin", "pages of that origin may not ask");
    if (request.method !== "OPTIONS" || !request.headers.has("origin")) {
      return await this.#route(request);
    }
    return respond(204, "", {
      "access-control-allow-methods": "GET, POST, DELETE",
      "access-control-allow-headers": "authorization, content-type",
    });
  }

  async #route(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const method = request.method === "HEAD" ? "GET" : request.method;
    if (pathname === "/healthz" || pathname === "/readyz") {
      allow(method, ["GET"]);
      return pathname === "/healthz" ? this.#health() : this.#readiness();
    }
    if (!isControlPath(pathname)) {
      throw new HttpError(404, "not-found", "there is nothing at this address");
    }
    const isPublic = pathname === "/metrics" && this.#options.publicMetrics === true;
    if (!isPublic) this.#checkToken(request);
    if (pathname === "/metrics") {
      allow(method, ["GET"]);
      const { type, text } = await this.#metrics.read();
      return respond(200, text, { "content-type": type });
    }
    if (pathname === "/calls") {
      allow(method, ["GET", "POST"]);
      return method === "GET" ? this.#list() : await this.#start(request);
    }
    allow(method, ["GET", "DELETE"]);
    const job = this.#jobOf(pathname);
    if (method === "GET") return json(200, this.#describe(job));
    const outcome = await this.#worker.end(job.id);
    return json(200, { id: job.id, status: outcome?.status ?? "finished" });
  }

  #checkToken(request: Request): void {
    const { token } = this.#options;
    if (token === undefined) {
      throw new HttpError(403, "no-token", "this worker has no token: pass the option token");
    }
    if (hasToken(request, token)) return;
    throw new HttpError(401, "unauthorized", "expected Authorization: Bearer with the token", {
      "www-authenticate": "Bearer",
    });
  }

  #health(): Response {
    const isAlive = this.#worker.state !== "closed";
    return json(isAlive ? 200 : 503, { status: isAlive ? "ok" : "closed" });
  }

  #readiness(): Response {
    const { declines } = this.#worker.load;
    return json(declines ? 503 : 200, { status: declines ?? "ready" });
  }

  #list(): Response {
    const { load } = this.#worker;
    const calls = [...this.#worker.jobs.values()].map((job) => this.#describe(job));
    return json(200, { load, calls });
  }

  #describe({ id, callId, callType, user, metadata, startedAtMs }: Job): unknown {
    const status = this.#worker.statusOf(id);
    return {
      id,
      callId,
      callType,
      user,
      metadata,
      startedAt: new Date(startedAtMs).toISOString(),
      state: status?.state ?? "establishing",
      participants: status?.participants ?? 0,
    };
  }

  async #start(request: Request): Promise<Response> {
    const { edge } = this.#options;
    if (!edge) {
      throw new HttpError(403, "no-edge", "calls are not started here: pass the option edge");
    }
    const start = await readStart(request, this.#clock);
    const { id, url } = await startCall(this.#worker, edge, start);
    const { callId, callType = "default" } = start;
    const location = { location: `/calls/${id}` };
    return json(201, { id, callId, callType, ...url === undefined ? {} : { url } }, location);
  }

  #jobOf(pathname: string): Job {
    let id = "";
    try {
      id = decodeURIComponent(pathname.slice("/calls/".length));
    } catch {
      // Names no job.
    }
    const job = this.#worker.jobs.get(id);
    if (job) return job;
    throw new HttpError(404, "no-such-call", "this worker has no call of this id");
  }
}

/** Whether a path is the control's. */
function isControlPath(path: string): boolean {
  return /^\/(healthz|readyz|metrics|calls(\/[^/]+)?)$/.test(path);
}

function allow(method: string, methods: string[]): void {
  if (methods.includes(method)) return;
  throw new HttpError(405, "wrong-method", `expected ${methods.join(" or ")}`, {
    allow: methods.join(", "),
  });
}
