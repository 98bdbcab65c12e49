/**
 * The edge that serves calls itself, on this machine.
 *
 * @module
 */
import type { JsonValue, User } from "../../edge/types.ts";
import type { EdgeAgent } from "../../edge/edge_agent.ts";
import type { Conversation } from "../../edge/conversation.ts";
import type { Server } from "node:http";
import * as v from "valibot";
import { MediaConnection } from "../../media/parent/media_connection.ts";
import type { MediaLease } from "../../media/parent/media_lease.ts";
import type { Suspect } from "../../media/parent/restarts.ts";
import type { MemoryOptions } from "../../media/parent/media_process.ts";
import type { DenoOptions } from "../../media/parent/deno_program.ts";
import { Call, type CreateCallOptions } from "../../edge/call.ts";
import type { CallConnection } from "../../edge/call_connection.ts";
import {
  type EdgeOptions,
  EdgeTransport,
  type JoinOptions,
  type OpenDemoOptions,
} from "../../edge/edge_transport.ts";
import { EdgeError } from "../../edge/errors.ts";
import { ErrorEvent } from "../../edge/events.ts";
import { callSecret, isSecret, startSecret } from "./wire/auth.ts";
import { Invitations, type InviteOptions, type RevokedInvitation } from "./invitations.ts";
import { type HandleOptions, Mount, pageResponse } from "./mount.ts";
import { openBrowser } from "../../edge/toolkit/open_browser.ts";
import { LocalConversation } from "./local_conversation.ts";
import { MediaHost } from "./media_host.ts";
import { type CallParams, childMessage } from "./wire/messages.ts";
import { type LocalServer, RunningServer, type ServeOptions } from "./server.ts";
import { checkSettings, isSecureContext, type LocalServerOptions } from "./settings.ts";
import type { LocalSettings } from "./wire/settings.ts";
import { CALL_SIZES } from "./wire/signalling.ts";
import { checkMethods, checkObject } from "../../events/checks.ts";
import { checkCall, checkJoin, hasControlCharacters } from "../../edge/validation.ts";

/** Options for a {@linkcode LocalEdge}. */
export interface LocalEdgeOptions
  extends EdgeOptions, LocalServerOptions, DenoOptions, MemoryOptions {}

/** `Call.original` of the calls of a {@linkcode LocalEdge}. */
export interface LocalCall {
  /** Admits to the call: 128 random bits, the fragment of the call's link. */
  readonly secret: string;
}

/**
 * The program of the media process. Never called: the import puts its modules into the static graph,
 * so that `deno install` and a first start fetch them before the first call.
 */
const _fetchedAhead = (): Promise<unknown> => import("./child/main.ts");

/**
 * An edge without a cloud, an account or a key: browsers join its calls over a page that it serves
 * itself. WebRTC runs in a process of its own, which starts with the first join and ends with the last
 * call.
 *
 * It listens on this machine only, unless `host` says otherwise. A call's link admits guests: its
 * fragment is a secret of 128 bits. An invitation admits one user, with a name and grants.
 *
 * Needs `--allow-run` for that process, which itself runs with `--allow-ffi`: see the README for
 * what that means.
 *
 * @example
 * ```ts ignore
 * import { Agent, untilShutdown } from "@ringline/edge";
 * import { LocalEdge } from "@ringline/edge/local";
 *
 * await untilShutdown(async (signal) => { // Ctrl-C
 *   await using edge = new LocalEdge();
 *   const agent = new Agent({
 *     edge,
 *     agentUser: { id: "echo", name: "Echo" },
 *     audioMode: "live",
 *     onAudio: ({ pcm }, { audio }) => audio.write(pcm),
 *   });
 *   const call = await agent.createCall("default", "kitchen");
 *   await using session = await agent.join(call, { participantWaitTimeoutMs: 0, signal });
 *   await edge.openDemo(call, { signal }); // prints the link
 *   await agent.finish({ signal }); // until the call ends
 * });
 * ```
 */
export class LocalEdge extends EdgeTransport {
  readonly #settings: LocalSettings;
  readonly #options: LocalEdgeOptions;
  /** Serves the start page, and all calls unless each has a media process of its own. */
  readonly #main: MediaHost;
  /** With `mediaIsolation: "call"`, by call. */
  readonly #hosts = new Map<string, MediaHost>();
  readonly #invitations: Invitations;
  readonly #secrets = new Map<string, string>();
  /** Keeps a call open that has a link and no agent yet. */
  readonly #opened = new Map<string, MediaLease>();
  /** The user id of each connection's agent. */
  readonly #users = new WeakMap<CallConnection, string>();
  #server: RunningServer | undefined;
  #mount: Mount | undefined;
  #page: ((request: Request) => Promise<Response>) | undefined;

  /** Starts nothing yet. Throws a TypeError or a RangeError for a wrong option. */
  constructor(options: LocalEdgeOptions = {}) {
    super(options);
    this.#settings = checkSettings(options);
    this.#options = options;
    this.#invitations = new Invitations(this.#settings.secret, this.clock, options.revoked);
    this.#main = this.#createHost(() => {});
    if (!isSecureContext(this.#settings)) {
      this.logger.warn(
        "LocalEdge: browsers give no microphone to pages of another machine without TLS: " +
          "pass the option tls (jsr:@ringline/edge/local/certificate creates a certificate)",
      );
    }
  }

  /**
   * The process id of the media process, while one runs. With `mediaIsolation: "call"` it is that of the
   * start page; see `mediaProcessIdOf`.
   */
  get mediaProcessId(): number | undefined {
    return this.#main.process.pid;
  }

  /** Returns the process id of a call's media process, while one runs. */
  mediaProcessIdOf(call: Call): number | undefined {
    checkCall(call);
    return this.#existingHostOf(call)?.process.pid;
  }

  /** Accepts any user: an agent of this program needs no proof. */
  // Async, so that misuse rejects and does not throw.
  // deno-lint-ignore require-await
  override async authenticate(_user: User): Promise<void> {
    this.assertOpen();
  }

  /** Creates a call, or returns the one of this id and type. It begins with the first join. */
  // deno-lint-ignore require-await
  override async createCall(callId: string, options: CreateCallOptions = {}): Promise<Call> {
    this.assertOpen();
    checkObject(options, "options", "an object, or nothing");
    options.signal?.throwIfAborted();
    const { callType = "default" } = options;
    checkCallName(callType, callId);
    return this.#call(callType, callId);
  }

  /**
   * Joins an agent to a call, and starts the media process if none runs.
   *
   * @throws {EdgeError} `address-in-use`, `cannot-listen` or `too-many-calls`; `permission-denied`:
   *   the program may not start the media process; `spawn-failed`: it cannot; `no-deno`: it found no
   *   Deno; `media-process-not-started`: the process could not load its modules;
   *   `media-process-nested`: a media process cannot start another
   * @throws {DOMException} a `TimeoutError`, or the signal's reason
   */
  override async join(
    agent: EdgeAgent,
    call: Call,
    options: JoinOptions = {},
  ): Promise<CallConnection> {
    this.assertOpen();
    checkJoin(agent, call, options);
    const { timeoutMs = 10_000 } = options;
    // Wrong arguments reject before a process starts.
    this.#params(call);
    const begun = this.clock.now();
    const host = this.#hostOf(call);
    const lease = await host.acquire({ ...options, timeoutMs });
    try {
      const connection = await MediaConnection.open(this, {
        agent,
        call,
        process: host.process,
        params: this.#params(call),
        ...(options.signal ? { signal: options.signal } : {}),
        timeoutMs: Math.max(1, timeoutMs - (this.clock.now() - begun)),
      });
      host.keepPort(connection.joined);
      this.#users.set(connection, agent.user.id);
      // From now on the agent keeps the call open.
      this.#closeOpened(callKey(call));
      return connection;
    } finally {
      await lease.release();
    }
  }

  /**
   * Returns the link to a call and prints it; `browser: true` opens it too (which needs `--allow-run`
   * for the program that does). Opens a call that no agent has joined yet: people can wait in it.
   */
  override async openDemo(call: Call, options: OpenDemoOptions = {}): Promise<URL> {
    this.assertOpen();
    const link = await this.callLink(call, options);
    console.log(`Open ${link.href} in a browser`);
    if (options.browser) await openBrowser(link, this.logger);
    return link;
  }

  /** Returns the link to a call, as `openDemo` does, and prints nothing. */
  async callLink(call: Call, options: { signal?: AbortSignal } = {}): Promise<URL> {
    this.assertOpen();
    checkCall(call);
    return await this.#openLink(call, options);
  }

  /** Opens a call, and keeps it open while no agent has joined it. */
  async #openLink(
    call: Call,
    options: { signal?: AbortSignal; isAwaited?: boolean },
  ): Promise<URL> {
    const key = callKey(call);
    this.#params(call);
    const host = this.#hostOf(call);
    const { isAwaited = false } = options;
    const signal = AbortSignal.any([this.closing, ...(options.signal ? [options.signal] : [])]);
    const lease = await host.acquire({ signal });
    let kept = false;
    try {
      const params = this.#params(call);
      const { origin } = host.keepPort(
        await lease.request("open", { ...params, isAwaited }, { signal, idempotent: true }),
      );
      if (!this.#isJoined(call) && !this.#opened.has(key)) {
        this.#opened.set(key, lease);
        kept = true;
      }
      const path = [call.type, call.id].map(encodeURIComponent).join("/");
      return new URL(`/call/${path}#${params.secret}`, origin);
    } finally {
      if (!kept) await lease.release();
    }
  }

  /**
   * Returns a link that admits one user to a call, under their id and with these grants. No page can
   * claim another user's id: a participant without an invitation is a guest, whose user id is their
   * participant id. On each device, and until it expires, the link admits again.
   *
   * A backend that has the edge's `secret` creates the same links itself: see docs/production.md.
   *
   * @throws {TypeError | RangeError} the user, a grant or the time is wrong
   * @throws {EdgeError} as `join`
   * @example
   * ```ts ignore
   * const link = await edge.invite(call, { user: { id: "anna", name: "Anna" } });
   * ```
   */
  async invite(call: Call, options: InviteOptions): Promise<URL> {
    this.assertOpen();
    checkCall(call);
    const token = await this.#invitations.create(call, options);
    const link = await this.callLink(call, { signal: options.signal });
    link.hash = token;
    return link;
  }

  /**
   * Revokes an invitation: it admits no more participants, and those whom it admitted are removed. The
   * edge forgets this when it is closed: keep what this returns until its time is up, and pass it to
   * the next edge as the option `revoked`.
   *
   * @param link an invitation's link, or its token
   * @throws {TypeError} it is none, is malformed, or was signed with another secret
   */
  async revoke(link: URL | string): Promise<RevokedInvitation> {
    this.assertOpen();
    const invitation = await this.#invitations.revoke(link);
    const { revoked } = this.#invitations;
    const hosts = [this.#main, ...this.#hosts.values()];
    await Promise.all(hosts.map((host) => host.revoke(revoked, invitation.id)));
    return invitation;
  }

  /**
   * Lets people start calls: serves a start page, and passes each new call to `onCall`, which joins
   * an agent to it. The program runs while the server does.
   *
   * @example
   * ```ts ignore
   * import { Agent, ConnectionStateChangedEvent, untilShutdown } from "@ringline/edge";
   * import { LocalEdge } from "@ringline/edge/local";
   *
   * await untilShutdown(async (signal) => { // Ctrl-C
   *   await using edge = new LocalEdge();
   *   // An agent leaves when the last person has left.
   *   using idle = edge.events.subscribe(ConnectionStateChangedEvent, ({ connection, state }) => {
   *     if (state === "idle") void connection.close();
   *   });
   *   const server = await edge.serve({
   *     onCall: async (call) => {
   *       const agent = new Agent({ edge, agentUser: { id: "echo", name: "Echo" } });
   *       await using session = await agent.join(call);
   *       await agent.finish();
   *     },
   *     signal,
   *   });
   *   console.log(server.url.href);
   *   await server.closed;
   * });
   * ```
   */
  async serve(options: ServeOptions): Promise<LocalServer> {
    this.assertOpen();
    checkMethods(options, "options", "an object like { onCall }", ["onCall"]);
    if (this.#server) {
      throw new TypeError("this edge already serves calls: close its LocalServer first");
    }
    const server = this.#server = new RunningServer({
      ...options,
      events: this.events,
      clock: this.clock,
      secret: startSecret(this.#settings.secret),
      open: async (secret, signal) => {
        const lease = await this.#main.acquire({ signal });
        try {
          const response = await lease.request("serve", { secret }, { signal, idempotent: true });
          return { lease, ...this.#main.keepPort(response) };
        } catch (error) {
          await lease.release();
          throw error;
        }
      },
      endUnanswered: async (call) => {
        await this.#existingHostOf(call)?.request("endUnanswered", this.#params(call));
      },
      onClosed: () => this.#server = undefined,
    });
    await server.start();
    return server;
  }

  /**
   * Mounts the edge in an application's own server of `node:http` or `node:https`: one port for the
   * application and its calls. The server's requests for the page's files, for `/call/TYPE/ID` and for
   * the socket `/signal` are the edge's from now on, all others the application's; closing the edge gives
   * them back. The media process then listens on the loopback only, beside the UDP ports for media.
   *
   * Call it before the first join. The server's own handlers may come before it or later: they get what is
   * not the edge's. See docs/production.md.
   *
   * @throws {TypeError} the media process runs already; the server is none, or has an edge already; this
   *   edge is mounted already; or it has a `port`, `tls` or `mediaIsolation: "call"`
   * @example
   * ```ts ignore
   * import { createServer } from "node:http";
   * import { LocalEdge } from "@ringline/edge/local";
   *
   * const server = createServer((_request, response) => response.end("my application"));
   * const edge = new LocalEdge();
   * edge.handle(server);
   * server.listen(8080, "127.0.0.1");
   * ```
   */
  handle(server: Server, options: HandleOptions = {}): void {
    this.assertOpen();
    checkObject(options, "options", 'an object like { origin: "https://example.org" }, or nothing');
    if (this.#mount) throw new TypeError("this edge is mounted in a server already");
    if (this.#settings.port !== 0 || this.#settings.tls !== undefined) {
      throw new TypeError("port and tls are the server's own: leave these options of the edge out");
    }
    if (this.#isIsolated) {
      throw new TypeError(
        'with mediaIsolation "call" each call has a port of its own: leave it out',
      );
    }
    if (this.#main.isRunning) {
      throw new TypeError("the media process runs already: call handle before the first join");
    }
    const mount = this.#mount = new Mount({
      ...options,
      server,
      settings: this.#settings,
      port: () => this.#main.port,
      log: (line) => this.logger.warn(`LocalEdge: ${line}`),
    });
    this.#main.mountedAt(() => mount.origin);
  }

  /**
   * Returns the page's answer to a request, for servers such as `Deno.serve`: its files, and a 404 for all
   * else. It serves no sockets: pages connect to the edge's own port, so name your origin in `origins`. Once
   * the edge is closed, it returns a 503.
   */
  async fetch(request: Request): Promise<Response> {
    if (this.isClosed) {
      return new Response("This server takes no more calls: its edge is closed.", { status: 503 });
    }
    this.#page ??= pageResponse(
      this.#settings.origins,
      (line) => this.logger.warn(`LocalEdge: ${line}`),
    );
    return await this.#page(request);
  }

  /** Ends a call for all members: agents with the reason `"call-ended"`, people with a goodbye. */
  override async endCall(call: Call): Promise<void> {
    checkCall(call);
    const ended = this.#existingHostOf(call)?.request("end", this.#params(call));
    // What is not open any more is not opened again either, should the process be replaced meanwhile.
    await Promise.all([ended, this.#closeOpened(callKey(call))]);
  }

  /** Creates a conversation that the page shows beside the call. */
  // Async, so that misuse rejects and does not throw.
  // deno-lint-ignore require-await
  override async createConversation(
    call: Call,
    user: User,
    instructions: string,
  ): Promise<Conversation> {
    checkCall(call);
    return new LocalConversation({
      id: `${call.type}:${call.id}`,
      instructions,
      clock: this.clock,
      user,
      connection: () => this.#connectionOf(call, user),
    });
  }

  /** Closes the server, and releases calls that no agent joined. */
  protected override async release(): Promise<void> {
    this.#mount?.close();
    await this.#server?.close();
    await Promise.all([...this.#opened.keys()].map((key) => this.#closeOpened(key)));
  }

  get #isIsolated(): boolean {
    return this.#options.mediaIsolation === "call";
  }

  #createHost(onIdle: () => void): MediaHost {
    const { denoPath, memoryLimit } = this.#options;
    const host: MediaHost = new MediaHost({
      settings: { ...this.#settings, revoked: this.#invitations.revoked },
      closing: this.closing,
      denoPath,
      memoryLimit,
      clock: this.clock,
      logger: this.logger,
      onMessage: (message) => this.#onMessage(message),
      onReplaced: (request) => this.#reopen(host, request),
      onRefused: (refused) => this.#onRefused(host, refused),
      onLost: (error) => this.#onLost(host, error),
      onIdle,
    });
    return host;
  }

  /** The media process of a call, which is about to be acquired. */
  #hostOf(call: Call): MediaHost {
    if (!this.#isIsolated) return this.#main;
    // Not forgotten when the call ends: the next agent may be joining it in that moment.
    return this.#hosts.getOrInsertComputed(
      callKey(call),
      (key) => this.#createHost(() => this.#hosts.delete(key)),
    );
  }

  /** The media process of a call, unless the call has none. */
  #existingHostOf(call: Call): MediaHost | undefined {
    return this.#isIsolated ? this.#hosts.get(callKey(call)) : this.#main;
  }

  #call(type: string, id: string): Call {
    const key = callKey({ type, id });
    const secret = this.#secrets.get(key) ?? callSecret(this.#settings.secret, type, id);
    this.#secrets.set(key, secret);
    return new Call({ id, type, original: { secret } satisfies LocalCall });
  }

  #secretOf(call: Call): string {
    const key = callKey(call);
    let secret = this.#secrets.get(key);
    if (secret === undefined) {
      // The call ended and begins again: its link stays the same.
      const { secret: given = callSecret(this.#settings.secret, call.type, call.id) } =
        (call.original ?? {}) as Partial<LocalCall>;
      if (!isSecret(given)) {
        throw new TypeError(
          "call.original.secret must be 22 characters of base64url: use a call of createCall",
        );
      }
      this.#secrets.set(key, secret = given);
    }
    return secret;
  }

  /** Returns a call as the media process receives it; checks it, since a program may construct one. */
  #params(call: Call): CallParams {
    checkCallName(call.type, call.id);
    return { callType: call.type, callId: call.id, secret: this.#secretOf(call) };
  }

  #isJoined(call: Call): boolean {
    return [...this.connections].some((connection) =>
      connection.state !== "establishing" && callKey(connection.call) === callKey(call)
    );
  }

  #connectionOf(call: Call, user: User): CallConnection | undefined {
    for (const connection of this.connections) {
      if (
        this.#users.get(connection) === user.id &&
        callKey(connection.call) === callKey(call)
      ) return connection;
    }
    return undefined;
  }

  async #closeOpened(key: string): Promise<void> {
    const lease = this.#opened.get(key);
    this.#opened.delete(key);
    await lease?.release();
  }

  #onMessage(message: JsonValue): void {
    const parsed = v.parse(childMessage, message);
    if (parsed.type === "listenerLost") {
      const error = new EdgeError(parsed.message, { code: "listener-lost", retryable: true });
      return this.events.emit(new ErrorEvent({ error, context: "listening for pages" }));
    }
    const { type, callType, callId, secret } = parsed;
    const key = callKey({ type: callType, id: callId });
    if (type === "callEnded") {
      this.#secrets.delete(key);
      void this.#closeOpened(key);
      return;
    }
    this.#secrets.set(key, secret);
    const call = this.#call(callType, callId);
    if (this.#isIsolated) void this.#startElsewhere(call);
    else this.#server?.handleCall(call);
  }

  /** Opens a call that a page has started in a process of its own, and sends the page there. */
  async #startElsewhere(call: Call): Promise<void> {
    const { callId } = this.#params(call);
    let origin: string | null = null;
    try {
      ({ origin } = await this.#openLink(call, { isAwaited: true }));
      this.#server?.handleCall(call);
    } catch (error) {
      this.events.emit(new ErrorEvent({ error, context: `starting ${call.id}` }));
    }
    await this.#main.request("started", { callId, origin }).catch(() => {});
  }

  /** Opens in another process what was open in the last one, beside the calls of agents. */
  async #reopen(host: MediaHost, request: MediaLease["request"]): Promise<void> {
    try {
      for (const call of this.#openedOn(host)) {
        if (this.#opened.has(callKey(call))) await request("open", this.#params(call));
      }
      if (this.#server && host === this.#main) {
        await request("serve", { secret: this.#server.secret });
      }
    } finally {
      // Pages that come back wait for this.
      await request("reopened", null);
    }
  }

  /** The calls that are open in a process although no agent has joined them. */
  #openedOn(host: MediaHost): Call[] {
    const calls = [...this.#opened.keys()].map((key) => {
      const [type, id] = JSON.parse(key);
      return this.#call(type, id);
    });
    return calls.filter((call) => this.#existingHostOf(call) === host);
  }

  /** A user's messages, or those of several of a call, ended a media process twice. */
  #onRefused(host: MediaHost, { type, id, userId }: Suspect): void {
    if (userId === undefined) return void this.#closeOpened(callKey({ type, id }));
    host.refuse({ type, id, userId });
    const error = new EdgeError(
      `what the user ${userId} sent ended the media process twice: they are refused in ${type}:${id}`,
      { code: "participant-refused" },
    );
    this.events.emit(new ErrorEvent({ error, context: "replacing the media process" }));
  }

  #onLost(host: MediaHost, error: EdgeError): void {
    for (const call of this.#openedOn(host)) void this.#closeOpened(callKey(call));
    if (host === this.#main) this.#server?.restart(error);
  }
}

/** Throws for a type or id that a link or a page could not carry. */
function checkCallName(callType: string, callId: string): void {
  for (const [name, value] of Object.entries({ callType, callId })) {
    const size = CALL_SIZES[name as keyof typeof CALL_SIZES];
    const what = typeof value === "string" ? JSON.stringify(value.slice(0, size)) : typeof value;
    if (
      typeof value !== "string" || value === "" || value.length > size ||
      hasControlCharacters(value) || !value.isWellFormed()
    ) {
      throw new TypeError(
        `${name} must be a string of 1 to ${size} characters without control characters, got ${what}`,
      );
    }
    // A URL's path drops them.
    if (value === "." || value === "..") throw new TypeError(`${name} must not be ${what}`);
  }
}

function callKey(call: { type: string; id: string }): string {
  return JSON.stringify([call.type, call.id]);
}
