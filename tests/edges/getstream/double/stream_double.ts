/**
 * A double of Stream's services for tests: users, calls, chat and the coordinator's socket, and one
 * SFU process that plays several. Written from the protocol's description, and from what Stream's own
 * clients send and accept: tests/world/getstream_official_test.ts joins with one. It has what the tests
 * need and refuses malformed requests.
 *
 * @module
 */
import type { Body } from "./body.ts";
import {
  CAPABILITIES,
  describeCall,
  describeMember,
  describeUser,
  type DoubleCall,
} from "./call_response.ts";
import { Chat } from "./chat.ts";
import { preflight, readable } from "./cors.ts";
import { checkToken, type Claims, signToken } from "./jwt.ts";
import type { Heard } from "./sfu/recorder.ts";
import type { Seen } from "./sfu/seen.ts";
import { SfuProcess } from "./sfu_process.ts";

export const API_KEY = "double-key";
export const API_SECRET = "double-secret-that-must-not-be-seen";

/** A fault of the next requests. */
export interface Fault {
  path: RegExp;
  method?: string;
  status?: number;
  code?: number;
  /** After how many seconds the service takes requests again, as it says. */
  retryAfterS?: number;
  /** Never responds. */
  hangs?: boolean;
  /** Responds with a text that is not JSON. */
  garbage?: boolean;
  times?: number;
}

/** A received request. */
export interface SeenRequest {
  method: string;
  path: string;
  body: unknown;
}

interface Watcher {
  socket: WebSocket;
  userId: string;
  connectionId: string;
  calls: Set<string>;
}

/** What moderators do. */
const MODERATION = ["mute_users", "user_permissions", "kick"];
/** The user of all who watch without a name. */
const ANONYMOUS = "!anon";
const SFU_SECRET = "sfu-secret";

export class StreamDouble implements AsyncDisposable {
  readonly users = new Map<string, Body>();
  readonly calls = new Map<string, DoubleCall>();
  readonly chat = new Chat();
  readonly requests: SeenRequest[] = [];
  /** Pages and scripts for a browser, by path. */
  readonly pages = new Map<string, { type: string; text: string }>();
  /** What each user may do, where that is not the usual. */
  readonly capabilities = new Map<string, string[]>();
  /** The clients' faults; the SFU keeps its own list. */
  readonly faults: string[] = [];
  readonly #failures: Fault[] = [];
  readonly #watchers = new Set<Watcher>();
  readonly #hanging = new Set<PromiseWithResolvers<void>>();
  #server: Deno.HttpServer<Deno.NetAddr> | undefined;
  /** How the coordinator's socket behaves. */
  coordinator: "normal" | "silent" | "garbage" = "normal";
  /** For how long SFU credentials are valid; without limit unless set. */
  sfuTokenSeconds: number | undefined;
  statsIntervalMs = 60_000;
  /** The SFUs in the order of their assignment. */
  edges = ["sfu-1", "sfu-2", "sfu-3"];

  private constructor(readonly sfu: SfuProcess) {}

  static async start(): Promise<StreamDouble> {
    const double = new StreamDouble(await SfuProcess.start(SFU_SECRET));
    double.#server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen: () => {},
    }, async (request) => preflight(request) ?? readable(request, await double.#serve(request)));
    return double;
  }

  /** The value for `basePath`. */
  get url(): string {
    return `http://127.0.0.1:${this.#server!.addr.port}`;
  }

  /** Adds a fault. */
  fail(fault: Fault): void {
    this.#failures.push(fault);
  }

  /** Ends all faults. */
  heal(): void {
    this.#failures.length = 0;
    for (const hanging of this.#hanging) hanging.resolve();
  }

  /** Returns the number of coordinator sockets that watch a call. */
  watchersOf(cid: string): number {
    return [...this.#watchers].filter(({ calls }) => calls.has(cid)).length;
  }

  /** Cuts the coordinator's sockets. */
  dropWatchers(): void {
    for (const { socket } of this.#watchers) socket.close(4000);
  }

  /** Receives every event of a call. */
  onEvent: ((cid: string, event: Body) => void) | undefined;

  /** Sends an event to all clients that watch a call. */
  emit(cid: string, event: Record<string, unknown>): void {
    this.onEvent?.(cid, event);
    for (const { socket, calls } of this.#watchers) {
      if (!calls.has(cid) || socket.readyState !== WebSocket.OPEN) continue;
      socket.send(
        JSON.stringify({ call_cid: cid, created_at: new Date().toISOString(), ...event }),
      );
    }
  }

  /** Adds a person inside the SFU; returns their session. */
  async addPerson(cid: string, userId: string, name = userId): Promise<string> {
    if (!this.users.has(userId)) this.users.set(userId, { id: userId, name, custom: {} });
    return await this.sfu.command<string>("addPerson", { cid, userId, name });
  }

  /** Grants and revokes what a user may do, as a moderator does. */
  async changeRights(
    cid: string,
    userId: string,
    { grant = [], revoke = [] }: { grant?: string[]; revoke?: string[] },
  ): Promise<void> {
    const rights = new Set([...this.#capabilitiesOf(userId), ...grant]);
    for (const right of revoke) rights.delete(right);
    this.capabilities.set(userId, [...rights]);
    await this.sfu.command("grant", { cid, userId, ...this.#rightsOf(userId) });
  }

  /** Returns the SFU's record. */
  async report(): Promise<Seen> {
    return await this.sfu.command<Seen>("report");
  }

  /** Returns a user's audio since then, by the SFU's clock. */
  async heard(cid: string, userId: string, since = 0): Promise<Heard[]> {
    return await this.sfu.command<Heard[]>("heard", { cid, userId, since });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.heal();
    for (const { socket } of this.#watchers) socket.close();
    await this.sfu[Symbol.asyncDispose]();
    await this.#server?.shutdown();
  }

  async #serve(request: Request): Promise<Response> {
    const url = new URL(request.url);
    // Clients in browsers say `/video/...`, servers `/api/v2/video/...`.
    const path = url.pathname.replace(/^\/video\//, "/api/v2/video/");
    if (/^\/api\/v2\/(video\/)?connect$/.test(path)) return this.#connect(request, url);
    // Where a client looks for the name of the nearest location.
    if (path === "/hint") return new Response(null, { headers: { "x-amz-cf-pop": "AMS1-P2" } });
    // Clients report how their joins went, with or without a user.
    if (path === "/api/v2/video/call_client_event") return Response.json({ duration: "1ms" });
    const page = this.pages.get(path);
    if (page) return new Response(page.text, { headers: { "content-type": page.type } });
    const text = await request.text();
    const body: unknown = text ? JSON.parse(text) : undefined;
    this.requests.push({ method: request.method, path, body });
    const fault = this.#fault(request.method, path);
    if (fault?.hangs) {
      const hanging = Promise.withResolvers<void>();
      this.#hanging.add(hanging);
      await hanging.promise;
      this.#hanging.delete(hanging);
      return new Response(null, { status: 504 });
    }
    if (fault?.garbage) return new Response("<html>no JSON</html>");
    if (fault) return faulty(fault);
    const claims = await this.#authorize(request, url);
    if (claims instanceof Response) return claims;
    try {
      const [status, answer] = await this.#route(
        request.method,
        path,
        url.searchParams,
        body,
        claims,
      );
      if (status === 400) this.faults.push(`${path}: ${JSON.stringify(answer)}`);
      return Response.json(answer, { status });
    } catch (error) {
      this.faults.push(`${path}: ${error}`);
      return failure(400, 4, String(error));
    }
  }

  #fault(method: string, path: string): Fault | undefined {
    const index = this.#failures.findIndex((one) =>
      one.path.test(path) && (one.method ?? method) === method
    );
    const fault = this.#failures[index];
    if (!fault) return undefined;
    fault.times = (fault.times ?? 1) - 1;
    if (fault.times <= 0) this.#failures.splice(index, 1);
    return fault;
  }

  async #authorize(request: Request, url: URL): Promise<Claims | Response> {
    if (url.searchParams.get("api_key") !== API_KEY) {
      return failure(401, 2, "the api_key is not valid");
    }
    if (!request.headers.get("x-stream-client")) this.faults.push(`${url.pathname}: no client`);
    if (request.headers.get("stream-auth-type") === "anonymous") return { user_id: ANONYMOUS };
    if (request.headers.get("stream-auth-type") !== "jwt") {
      return failure(401, 5, "stream-auth-type is missing");
    }
    const token = request.headers.get("authorization") ?? "";
    if (/^Bearer /.test(token)) return failure(401, 5, "a token without Bearer is expected");
    return await this.#checkToken(token);
  }

  async #checkToken(token: string): Promise<Claims | Response> {
    const checked = await checkToken(token, API_SECRET);
    if ("claims" in checked) return checked.claims;
    const codes = { expired: 40, "not-yet": 41, signature: 43, malformed: 5 };
    return failure(401, codes[checked.fault], `the token: ${checked.fault}`);
  }

  async #route(
    method: string,
    path: string,
    query: URLSearchParams,
    body: unknown,
    claims: Claims,
  ): Promise<[number, unknown]> {
    const b = (body ?? {}) as Body;
    const chat = /^\/api\/v2\/chat\/(.+)$/.exec(path)?.[1];
    if (chat !== undefined) {
      return this.chat.handle({ method, path: chat, query, body, userId: claims.user_id });
    }
    if (path === "/api/v2/users") return this.#users(method, query, b, claims);
    const [, type, id, action = ""] = /^\/api\/v2\/video\/call\/([^/]+)\/([^/]+)(?:\/(\w+))?$/
      .exec(path) ?? [];
    const isKnown = method === "POST" || (method === "GET" && action === "");
    if (!type || !isKnown) return [404, { code: 16, message: "no such path" }];
    const cid = `${type}:${id}`;
    const userId = String(claims.user_id ?? b.data?.created_by_id ?? b.user_id ?? "");
    if (action === "") {
      if (userId !== ANONYMOUS && !this.users.has(userId)) {
        return [400, { code: 4, message: `an unknown user ${userId}` }];
      }
      this.#open(cid, userId, b.data ?? {});
      if (!this.#watch(query.get("connection_id"), userId, cid)) {
        return [400, { code: 4, message: "no such connection" }];
      }
      return [201, this.#callAnswer(cid, userId)];
    }
    const call = this.calls.get(cid);
    if (action === "join") {
      if (!claims.user_id) return [401, { code: 5, message: "a user's token is needed" }];
      if (!call && !b.create) return [404, { code: 16, message: "no such call" }];
      if (typeof b.location !== "string") return [400, { code: 4, message: "location is missing" }];
      if (call?.ended) return [403, { code: 17, message: "the call has ended" }];
      this.#open(cid, userId, b.data ?? {});
      this.#watch(query.get("connection_id"), userId, cid);
      return [201, {
        ...this.#callAnswer(cid, userId),
        ...await this.#credentials(cid, userId, b),
      }];
    }
    if (!call) return [404, { code: 16, message: "no such call" }];
    if (action === "event") {
      const size = new TextEncoder().encode(JSON.stringify(b.custom ?? {})).length;
      if (size > 5 * 1024) return [400, { code: 4, message: `an event of ${size} bytes` }];
      if (typeof b.custom !== "object" || Array.isArray(b.custom)) {
        return [400, { code: 4, message: "custom is no object" }];
      }
      this.emit(cid, { type: "custom", custom: b.custom, user: { id: userId } });
      return [201, { duration: "1ms" }];
    }
    if (action === "go_live" || action === "stop_live") {
      call.backstage = action === "stop_live";
      return [201, { call: this.#callAnswer(cid, userId).call, duration: "1ms" }];
    }
    if (MODERATION.includes(action)) {
      if (!claims.server) return [403, { code: 17, message: "for servers, here" }];
      await this.#moderate(cid, action, b);
      return [201, { duration: "1ms" }];
    }
    if (action === "mark_ended") {
      call.ended = true;
      this.emit(cid, {
        type: "call.ended",
        call: this.#callAnswer(cid, userId).call,
        ...(claims.server ? {} : { user: describeUser(this.#find(userId)) }),
      });
      return [201, { duration: "1ms" }];
    }
    return [404, { code: 16, message: "no such action" }];
  }

  async #moderate(cid: string, action: string, b: Body): Promise<void> {
    if (action === "kick") return await this.sfu.command("kick", { cid, userId: b.user_id });
    if (action === "user_permissions") {
      const { grant_permissions: grant, revoke_permissions: revoke } = b;
      return await this.changeRights(cid, b.user_id, { grant, revoke });
    }
    for (const userId of b.audio ? b.user_ids : []) {
      await this.sfu.command("moderate", { cid, userId });
    }
  }

  #users(
    method: string,
    query: URLSearchParams,
    b: Body,
    claims: Claims,
  ): [number, unknown] {
    if (!claims.server) return [403, { code: 17, message: "for servers" }];
    if (method === "GET") {
      const ids: string[] = JSON.parse(query.get("payload") ?? "{}").filter_conditions?.id?.$in ??
        [];
      const users = ids.map((id) => this.users.get(id)).filter((user) => user !== undefined);
      return [200, { users, duration: "1ms" }];
    }
    if (method === "POST") {
      for (const [id, user] of Object.entries(b.users as Body)) {
        this.users.set(id, { custom: {}, ...user, id });
      }
      return [201, { users: {}, duration: "1ms" }];
    }
    for (const { id, set } of b.users as { id: string; set: Body }[]) {
      const user = this.users.get(id);
      if (!user) return [404, { code: 16, message: `user ${id} does not exist` }];
      const { name, image, ...custom } = set;
      if (name !== undefined) user.name = name;
      if (image !== undefined) user.image = image;
      user.custom = { ...user.custom, ...custom };
    }
    return [200, { users: {}, duration: "1ms" }];
  }

  #open(cid: string, createdBy: string, data: Body): DoubleCall {
    let call = this.calls.get(cid);
    if (!call) {
      const { custom = {}, settings_override: settings = {}, members = [] } = data;
      const backstage = settings.backstage?.enabled === true;
      call = { createdBy, ended: false, custom, settings, members, backstage };
      this.calls.set(cid, call);
    }
    return call;
  }

  /** Has a client's connection receive a call's events. Returns false where there is none such. */
  #watch(connectionId: string | null, userId: string, cid: string): boolean {
    if (!connectionId) return true;
    const watcher = [...this.#watchers].find((one) => one.connectionId === connectionId);
    if (watcher?.userId !== userId) return false;
    watcher.calls.add(cid);
    return true;
  }

  #capabilitiesOf(userId: string): readonly string[] {
    return this.capabilities.get(userId) ?? CAPABILITIES;
  }

  /** What a user may publish. */
  #rightsOf(userId: string): { audio: boolean; video: boolean } {
    const capabilities = this.#capabilitiesOf(userId);
    return {
      audio: capabilities.includes("send-audio"),
      video: capabilities.includes("send-video"),
    };
  }

  #find(id: string): Body {
    return this.users.get(id) ?? { id, name: id };
  }

  #callAnswer(cid: string, userId: string) {
    const call = this.calls.get(cid)!;
    return {
      call: describeCall(cid, call, this.#find(call.createdBy)),
      members: call.members.map((member) => describeMember(member, this.#find(member.user_id))),
      own_capabilities: this.#capabilitiesOf(userId),
      duration: "1ms",
    };
  }

  async #credentials(cid: string, userId: string, body: Body) {
    const leaving: string[] = body.migrating_from_list ?? [];
    if (body.migrating_from !== undefined && leaving[0] !== body.migrating_from) {
      throw new Error("migrating_from and its list contradict each other");
    }
    const edge = this.edges.find((name) => !leaving.includes(name)) ?? this.edges[0]!;
    const exp = this.sfuTokenSeconds === undefined
      ? {}
      : { exp: Math.floor(Date.now() / 1000) + this.sfuTokenSeconds };
    const isAnonymous = userId === ANONYMOUS;
    const address = `127.0.0.1:${this.sfu.port}/${edge}`;
    const name = this.users.get(userId)?.name ?? userId;
    return {
      stats_options: { enable_rtc_stats: true, reporting_interval_ms: this.statsIntervalMs },
      credentials: {
        server: {
          edge_name: edge,
          url: `http://${address}/twirp`,
          ws_endpoint: `ws://${address}/ws`,
        },
        token: await signToken(
          { user_id: userId, cid, edge, name, isAnonymous, rights: this.#rightsOf(userId), ...exp },
          SFU_SECRET,
        ),
        ice_servers: [],
      },
    };
  }

  #connect(request: Request, url: URL): Response {
    if (url.searchParams.get("api_key") !== API_KEY) return failure(401, 2, "the api_key");
    if (!url.searchParams.get("X-Stream-Client")) this.faults.push("a socket of no client");
    const { socket, response } = Deno.upgradeWebSocket(request);
    let watcher: Watcher | undefined;
    socket.onmessage = async ({ data }) => {
      if (this.coordinator === "silent") return;
      if (this.coordinator === "garbage") return socket.send("this is no JSON {");
      const message = JSON.parse(String(data));
      if (watcher) {
        if (message[0]?.type === "health.check") socket.send('{"type":"health.check"}');
        else this.faults.push(`the coordinator's socket: ${data}`);
        return;
      }
      const claims = await this.#checkToken(String(message.token));
      const userId = String(message.user_details?.id);
      const isRight = !(claims instanceof Response) && claims.user_id === userId &&
        message.products?.[0] === "video";
      if (!isRight) {
        const error = claims instanceof Response ? await claims.json() : { code: 5, message: "no" };
        socket.send(JSON.stringify({ type: "connection.error", error }));
        return socket.close(4001);
      }
      const { name, image, custom } = message.user_details;
      if (name !== undefined) {
        const known = this.users.get(userId);
        const all = { ...known?.custom, ...custom };
        this.users.set(userId, { ...known, id: userId, name, ...image && { image }, custom: all });
      }
      const connectionId = crypto.randomUUID();
      watcher = { socket, userId, connectionId, calls: new Set() };
      this.#watchers.add(watcher);
      const me = describeUser(this.users.get(userId) ?? { id: userId });
      socket.send(JSON.stringify({ type: "connection.ok", connection_id: connectionId, me }));
    };
    socket.onclose = () => {
      if (watcher) this.#watchers.delete(watcher);
    };
    socket.onerror = (event) => event.preventDefault();
    return response;
  }
}

/** Returns what a fault answers, with the headers of a limit of rate where it has one. */
function faulty({ status = 500, code = 0, retryAfterS }: Fault): Response {
  const response = failure(status, code, "failed on command");
  if (retryAfterS === undefined) return response;
  const reset = Math.ceil(Date.now() / 1000) + retryAfterS;
  const limit = { limit: "1", remaining: "0", reset: String(reset) };
  for (const [name, value] of Object.entries(limit)) {
    response.headers.set(`x-ratelimit-${name}`, value);
  }
  response.headers.set("retry-after", String(retryAfterS));
  return response;
}

function failure(status: number, code: number, message: string): Response {
  return Response.json({ code, message, StatusCode: status, duration: "1ms" }, { status });
}
