/**
 * The edge that serves calls itself, on this machine.
 *
 * @module
 */
import type { User } from "../../edge/types.ts";
import type { EdgeAgent } from "../../edge/edge_agent.ts";
import type { Conversation } from "../../edge/conversation.ts";
import type { Server } from "node:http";
import { MediaConnection } from "../../media/parent/media_connection.ts";
import type { MemoryOptions } from "../../media/parent/media_process.ts";
import type { DenoOptions } from "../../media/parent/deno_program.ts";
import type { Call, CreateCallOptions } from "../../edge/call.ts";
import type { CallConnection } from "../../edge/call_connection.ts";
import type { JobFeed, JobSource, JobWorker } from "../../edge/jobs.ts";
import {
  type EdgeOptions,
  EdgeTransport,
  type JoinOptions,
  type OpenDemoOptions,
} from "../../edge/edge_transport.ts";
import { startSecret } from "./wire/auth.ts";
import { checkCallName } from "./call_secrets.ts";
import { callKey } from "./wire/call_key.ts";
import { Invitations, type InviteOptions, type RevokedInvitation } from "./invitations.ts";
import { type HandleOptions, Mount, pageResponse } from "./mount.ts";
import { openBrowser } from "../../edge/toolkit/open_browser.ts";
import { openLocalJobs } from "./jobs.ts";
import { LocalCalls } from "./local_calls.ts";
import { LocalConversation } from "./local_conversation.ts";
import { type LocalServer, RunningServer, type StartPageOptions } from "./server.ts";
import {
  checkSettings,
  isSecureContext,
  type LocalServerOptions,
  SERVER_OPTIONS,
} from "./settings.ts";
import type { LocalSettings } from "./wire/settings.ts";
import { checkMethods, checkOptions } from "../../events/checks.ts";
import { checkCall, checkJoin } from "../../edge/validation.ts";

/** Options for a {@linkcode LocalEdge}. */
export interface LocalEdgeOptions
  extends EdgeOptions, LocalServerOptions, DenoOptions, MemoryOptions {}

const OPTIONS = {
  ...SERVER_OPTIONS,
  denoPath: true,
  memoryLimit: true,
  clock: true,
  logger: true,
} as const;

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
export class LocalEdge extends EdgeTransport implements JobSource {
  readonly #settings: LocalSettings;
  readonly #calls: LocalCalls;
  readonly #invitations: Invitations;
  /** The user id of each connection's agent. */
  readonly #users = new WeakMap<CallConnection, string>();
  #server: RunningServer | undefined;
  #mount: Mount | undefined;
  #page: ((request: Request) => Response) | undefined;

  /** Starts nothing yet. Throws a TypeError or a RangeError for a wrong option. */
  constructor(options: LocalEdgeOptions = {}) {
    super(options);
    const { denoPath, memoryLimit, revoked } = options;
    checkOptions(options, "options", OPTIONS);
    const settings = this.#settings = checkSettings(options);
    this.#invitations = new Invitations(settings.secret, this.clock, revoked);
    this.#calls = new LocalCalls({
      settings,
      denoPath,
      memoryLimit,
      clock: this.clock,
      logger: this.logger,
      events: this.events,
      closing: this.closing,
      revoked: () => this.#invitations.revoked,
      isJoined: (call) => this.#isJoined(call),
      server: () => this.#server,
    });
    if (!isSecureContext(settings)) {
      this.logger.warn(
        "LocalEdge: browsers give no microphone to pages of another machine without TLS: " +
          "pass the option tls (jsr:@ringline/edge/local/certificate creates a certificate)",
      );
    }
  }

  /** One participant alone can hear a track: each page gets a mix of its own. */
  override get supportsDirectedAudio(): boolean {
    return true;
  }

  /**
   * The process id of the media process, while one runs. With `mediaIsolation: "call"` it is that of the
   * start page; see `mediaProcessIdOf`.
   */
  get mediaProcessId(): number | undefined {
    return this.#calls.main.process.pid;
  }

  /** Returns the process id of a call's media process, while one runs. */
  mediaProcessIdOf(call: Call): number | undefined {
    checkCall(call);
    return this.#calls.existingProcessOf(call)?.process.pid;
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
    const known = { callType: true, createdBy: true, signal: true };
    checkOptions(options, "options", known, "an object, or nothing");
    options.signal?.throwIfAborted();
    const { callType = "default" } = options;
    checkCallName(callType, callId);
    return this.#calls.secrets.call(callType, callId);
  }

  /**
   * Joins an agent to a call, and starts the media process if none runs.
   *
   * @throws {EdgeError} `address-in-use`, `cannot-listen` or `too-many-calls`; `permission-denied`:
   *   the program may not start the media process; `spawn-failed`: it cannot; `no-deno`: it found no
   *   Deno; `media-process-not-started`: the process could not load its modules;
   *   `media-process-nested`: a media process cannot start another; `media-process-lost`: it ended
   *   meanwhile, and so did those that took its place
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
    this.#calls.secrets.params(call);
    const begun = this.clock.now();
    const process = this.#calls.processOf(call);
    const lease = await process.acquire({ ...options, timeoutMs });
    try {
      const connection = await MediaConnection.open(this, {
        agent,
        call,
        process: process.process,
        params: this.#calls.secrets.params(call),
        signal: options.signal,
        timeoutMs: Math.max(1, timeoutMs - (this.clock.now() - begun)),
      });
      process.keepPort(connection.joined);
      this.#users.set(connection, agent.user.id);
      // From now on the agent keeps the call open.
      void this.#calls.release(callKey(call));
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
    checkOptions(options, "options", { browser: true, signal: true });
    const link = await this.callLink(call, { signal: options.signal });
    console.log(`Open ${link.href} in a browser`);
    if (options.browser) await openBrowser(link, this.logger);
    return link;
  }

  /** Returns the link to a call, as `openDemo` does, and prints nothing. */
  async callLink(call: Call, options: { signal?: AbortSignal } = {}): Promise<URL> {
    this.assertOpen();
    checkCall(call);
    checkOptions(options, "options", { signal: true });
    return await this.#calls.open(call, options);
  }

  /**
   * Returns a link that admits one user to a call, under their id and with these grants. No page can
   * claim another user's id: a participant without an invitation is a guest, whose user id is their
   * participant id. On each device, and until it expires, the link admits again.
   *
   * A backend that has the edge's `secret` creates the same links itself: `docs/production.md` of the
   * repository says how.
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
    await this.#calls.revoke(invitation.id);
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
  async serve(options: StartPageOptions): Promise<LocalServer> {
    this.assertOpen();
    const known = { accept: true, onCall: true, onDropped: true, signal: true };
    checkOptions(options, "options", known, "an object like { onCall }");
    checkMethods(options, "options", "an object like { onCall }", ["onCall"]);
    if (this.#server) {
      throw new TypeError("this edge already serves calls: close its LocalServer first");
    }
    const server = this.#server = new RunningServer({
      ...options,
      events: this.events,
      clock: this.clock,
      secret: startSecret(this.#settings.secret),
      open: async (params, signal) => {
        const lease = await this.#calls.main.acquire({ signal });
        try {
          const response = await lease.request("serve", params, { signal, idempotent: true });
          return { lease, ...this.#calls.main.keepPort(response) };
        } catch (error) {
          await lease.release();
          throw error;
        }
      },
      endUnanswered: (call) => this.#calls.endUnanswered(call),
      onClosed: () => this.#server = undefined,
    });
    await server.start();
    return server;
  }

  /**
   * Announces the calls that people start on the start page to a worker: pass the edge to
   * `serve({ sources: [edge] })` of `@ringline/edge/serve`. The page's address is `startPage`.
   *
   * @throws as `serve`
   */
  async openJobs(worker: JobWorker, { signal }: { signal: AbortSignal }): Promise<JobFeed> {
    return await openLocalJobs(worker, {
      edge: this,
      signal,
      serve: (options) => this.serve(options),
      endUnanswered: (call) => this.#calls.endUnanswered(call),
    });
  }

  /** The address of the start page, with the secret that admits to it; `undefined` without one. */
  get startPage(): URL | undefined {
    return this.#server?.page;
  }

  /**
   * Mounts the edge in an application's own server of `node:http` or `node:https`: one port for the
   * application and its calls. The server's requests for the page's files, for `/call/TYPE/ID` and for
   * the socket `/signal` are the edge's from now on, all others the application's; closing the edge gives
   * them back. The media process then listens on the loopback only, beside the UDP ports for media.
   *
   * Call it before the first join. The server's own handlers may come before it or later: they get what is
   * not the edge's. `docs/production.md` of the repository has an example.
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
    checkOptions(
      options,
      "options",
      { origin: true },
      'an object like { origin: "https://example.org" }, or nothing',
    );
    if (this.#mount) throw new TypeError("this edge is mounted in a server already");
    if (this.#settings.port !== 0 || this.#settings.tls !== undefined) {
      throw new TypeError("port and tls are the server's own: leave these options of the edge out");
    }
    if (this.#settings.isolated) {
      throw new TypeError(
        'with mediaIsolation "call" each call has a port of its own: leave it out',
      );
    }
    if (this.#calls.main.isRunning) {
      throw new TypeError("the media process runs already: call handle before the first join");
    }
    const mount = this.#mount = new Mount({
      ...options,
      server,
      settings: this.#settings,
      port: () => this.#calls.main.port,
      log: (line) => this.logger.warn(`LocalEdge: ${line}`),
    });
    this.#calls.main.mountedAt(() => mount.origin);
  }

  /**
   * Returns the page's response to a request, for servers such as `Deno.serve`: its files, and a 404 for all
   * else. It serves no sockets: pages connect to the edge's own port, so name your origin in `origins`. Once
   * the edge is closed, it returns a 503.
   */
  // Async, so that a wrong request rejects and does not throw.
  // deno-lint-ignore require-await
  async fetch(request: Request): Promise<Response> {
    if (this.isClosed) {
      return new Response("This server takes no more calls: its edge is closed.", { status: 503 });
    }
    this.#page ??= pageResponse(
      this.#settings.origins,
      (line) => this.logger.warn(`LocalEdge: ${line}`),
    );
    return this.#page(request);
  }

  /** Ends a call for all members: agents with the reason `"call-ended"`, people with a goodbye. */
  override async endCall(call: Call): Promise<void> {
    checkCall(call);
    await this.#calls.end(call);
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
    await this.#calls.releaseAll();
  }

  #isJoined(call: Call): boolean {
    return [...this.connections].some((connection) =>
      connection.state !== "establishing" && callKey(connection.call) === callKey(call)
    );
  }

  #connectionOf(call: Call, user: User): MediaConnection | undefined {
    for (const connection of this.connections) {
      if (
        connection instanceof MediaConnection && this.#users.get(connection) === user.id &&
        callKey(connection.call) === callKey(call)
      ) return connection;
    }
    return undefined;
  }
}
