import type { JsonValue, User } from "../../edge/types.ts";
import type { EdgeAgent } from "../../edge/edge_agent.ts";
import type { Conversation } from "../../edge/conversation.ts";
import * as v from "valibot";
import { MediaConnection } from "../../media/parent/media_connection.ts";
import { type MediaLease, MediaProcess } from "../../media/parent/media_process.ts";
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
import { isSecret, newSecret } from "./wire/auth.ts";
import { openBrowser } from "../../edge/toolkit/open_browser.ts";
import { LocalConversation } from "./local_conversation.ts";
import {
  callMessage,
  type CallParams,
  type ServerAddress,
  serverAddress,
} from "./wire/messages.ts";
import { type LocalServer, RunningServer, type ServeOptions } from "./server.ts";
import {
  checkSettings,
  isSecureContext,
  type LocalServerOptions,
  netPermissions,
} from "./settings.ts";
import { type LocalSettings, settingsToJson } from "./wire/settings.ts";
import { CALL_SIZES, PLAIN_LINE } from "./wire/signalling.ts";
import { checkMethods, checkObject } from "../../events/checks.ts";
import { checkCall, checkJoin } from "../../edge/validation.ts";

/** Options of a {@linkcode LocalEdge}. */
export interface LocalEdgeOptions extends EdgeOptions, LocalServerOptions, DenoOptions {}

/** What `Call.original` is in calls of a {@linkcode LocalEdge}. */
export interface LocalCall {
  /** Whoever has it may join: 128 random bits, the fragment of the call's link. */
  readonly secret: string;
}

/**
 * The process that {@linkcode MediaProcess} starts. Never called: naming the module is enough for
 * `deno install` and a first start to fetch what it needs ahead of the first call.
 */
const _fetchedAhead = (): Promise<unknown> => import("./child/main.ts");

/**
 * An edge of its own: calls that browsers join over a page it serves itself, with no cloud, no
 * account and no key. WebRTC runs in a process that is started with the first join and gone with
 * the last call.
 *
 * It listens on this machine only, unless `host` says otherwise. Whoever has a call's link may join
 * it: its fragment is a secret of 128 bits.
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
  /** Read at each start of the process; its `port` becomes the one that the first start got. */
  readonly #config: { [key: string]: JsonValue };
  readonly #process: MediaProcess;
  readonly #secrets = new Map<string, string>();
  /** What keeps a call open that has a link and no agent yet. */
  readonly #opened = new Map<string, MediaLease>();
  /** Whose connection each is. */
  readonly #users = new WeakMap<CallConnection, string>();
  #serving: RunningServer | undefined;

  /** Starts nothing yet. Throws a TypeError or a RangeError for an option that makes no sense. */
  constructor(options: LocalEdgeOptions = {}) {
    super(options);
    this.#settings = checkSettings(options);
    this.#config = settingsToJson(this.#settings);
    this.#process = new MediaProcess({
      child: new URL("./child/main.ts", import.meta.url),
      config: this.#config,
      permissions: { net: netPermissions(this.#settings) },
      denoPath: options.denoPath,
      clock: this.clock,
      logger: this.logger,
      onMessage: (message) => this.#onMessage(message),
      onLost: (error) => this.#onLost(error),
    });
    if (!isSecureContext(this.#settings)) {
      this.logger.warn(
        "LocalEdge: browsers give no microphone to pages of another machine without TLS; " +
          "see certificate.ts and the option tls",
      );
    }
  }

  /** The process id of the media process, while one runs. */
  get mediaProcessId(): number | undefined {
    return this.#process.pid;
  }

  /** Nobody has to be told: an agent of this program is who it says it is. */
  // Async, so that misuse rejects and does not throw.
  // deno-lint-ignore require-await
  override async authenticate(_user: User): Promise<void> {
    this.assertOpen();
  }

  /** Makes a call, or finds the one of this id and type. It begins with the first join. */
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
   * Brings an agent into a call, and starts the media process if none runs.
   *
   * @throws {EdgeError} `address-in-use`, `cannot-listen`, `too-many-calls`; the media process may
   *   not be started (`permission-denied`) or cannot be (`spawn-failed`), has no Deno to run it
   *   (`no-deno`), could not load its modules (`media-process-not-started`), or would be started by
   *   another (`media-process-nested`); a `TimeoutError`; the signal's reason
   */
  override async join(
    agent: EdgeAgent,
    call: Call,
    options: JoinOptions = {},
  ): Promise<CallConnection> {
    this.assertOpen();
    checkJoin(agent, call, options);
    const { timeoutMs = 10_000 } = options;
    // Misuse is told before a process is started.
    this.#params(call);
    const begun = this.clock.now();
    const lease = await this.#acquire({ ...options, timeoutMs });
    try {
      const connection = await MediaConnection.open(this, {
        agent,
        call,
        process: this.#process,
        params: this.#params(call),
        ...(options.signal ? { signal: options.signal } : {}),
        timeoutMs: Math.max(1, timeoutMs - (this.clock.now() - begun)),
      });
      this.#keepPort(connection.joined);
      this.#users.set(connection, agent.user.id);
      // From now on the agent keeps the call open.
      this.#closeOpened(callKey(call));
      return connection;
    } finally {
      await lease.release();
    }
  }

  /**
   * Gives the link to a call and prints it; `browser: true` opens it too (which needs
   * `--allow-run` for the program that does). A call that no agent has joined yet is opened: people
   * can wait in it.
   */
  override async openDemo(call: Call, options: OpenDemoOptions = {}): Promise<URL> {
    this.assertOpen();
    const link = await this.callLink(call, options);
    console.log(`Open ${link.href} in a browser`);
    if (options.browser) await openBrowser(link, this.logger);
    return link;
  }

  /** Gives the link to a call, as `openDemo` does, and says nothing. */
  async callLink(call: Call, options: { signal?: AbortSignal } = {}): Promise<URL> {
    this.assertOpen();
    checkCall(call);
    const key = callKey(call);
    this.#params(call);
    const lease = await this.#acquire(options);
    let kept = false;
    try {
      const params = this.#params(call);
      const { origin } = this.#keepPort(await lease.request("open", params, options));
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
   * Lets people start calls: serves a start page, and hands each new call to `onCall`, which brings
   * an agent into it. The program runs for as long as it serves.
   *
   * @example
   * ```ts ignore
   * import { Agent, ConnectionStateChangedEvent, untilShutdown } from "@ringline/edge";
   * import { LocalEdge } from "@ringline/edge/local";
   *
   * await untilShutdown(async (signal) => { // Ctrl-C
   *   await using edge = new LocalEdge();
   *   // An agent whose last person has left leaves too.
   *   using idle = edge.events.subscribe(ConnectionStateChangedEvent, ({ connection, state }) => {
   *     if (state === "idle") void connection.close();
   *   });
   *   const serving = await edge.serve({
   *     onCall: async (call) => {
   *       const agent = new Agent({ edge, agentUser: { id: "echo", name: "Echo" } });
   *       await using session = await agent.join(call);
   *       await agent.finish();
   *     },
   *     signal,
   *   });
   *   console.log(serving.url.href);
   *   await serving.closed;
   * });
   * ```
   */
  async serve(options: ServeOptions): Promise<LocalServer> {
    this.assertOpen();
    checkMethods(options, "options", "an object like { onCall }", ["onCall"]);
    if (this.#serving) throw new TypeError("this edge serves already; close that first");
    const serving = this.#serving = new RunningServer({
      ...options,
      events: this.events,
      clock: this.clock,
      open: async (secret, signal) => {
        const lease = await this.#acquire({ signal });
        try {
          return { lease, ...this.#keepPort(await lease.request("serve", { secret }, { signal })) };
        } catch (error) {
          await lease.release();
          throw error;
        }
      },
      unanswered: async (call) => {
        if (this.#process.pid === undefined) return;
        const lease = await this.#acquire({});
        try {
          await lease.request("unanswered", this.#params(call));
        } finally {
          await lease.release();
        }
      },
      onClosed: () => this.#serving = undefined,
    });
    await serving.begin();
    return serving;
  }

  /** Ends a call for everybody: agents with the reason `"call-ended"`, people with a goodbye. */
  async endCall(call: Call): Promise<void> {
    if (this.#process.pid === undefined) return;
    const lease = await this.#acquire({});
    try {
      await lease.request("end", this.#params(call));
    } finally {
      await lease.release();
    }
    this.#closeOpened(callKey(call));
  }

  /** Keeps what is said, and shows it on the page beside the call. */
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

  /** Ends the serving, and lets go of calls that nobody joined. */
  protected override async release(): Promise<void> {
    await this.#serving?.close();
    await Promise.all([...this.#opened.keys()].map((key) => this.#closeOpened(key)));
  }

  /** A share of the process, also when the port it had before is taken now. */
  async #acquire(options: { signal?: AbortSignal; timeoutMs?: number }): Promise<MediaLease> {
    try {
      return await this.#process.acquire(options);
    } catch (error) {
      const moved = this.#config.port !== this.#settings.port;
      if (!moved || !(error instanceof EdgeError) || error.code !== "address-in-use") throw error;
      this.#config.port = this.#settings.port;
      return await this.#process.acquire(options);
    }
  }

  /** Remembers the port, so that links outlive the process that they were made in. */
  #keepPort(response: JsonValue): ServerAddress {
    const { origin } = v.parse(serverAddress, response);
    const { port, protocol } = new URL(origin);
    this.#config.port = Number(port) || (protocol === "https:" ? 443 : 80);
    return { origin };
  }

  #call(type: string, id: string): Call {
    const key = callKey({ type, id });
    const secret = this.#secrets.get(key) ?? newSecret();
    this.#secrets.set(key, secret);
    return new Call({ id, type, original: { secret } satisfies LocalCall });
  }

  #secretOf(call: Call): string {
    const key = callKey(call);
    let secret = this.#secrets.get(key);
    if (secret === undefined) {
      // The call ended and is begun again: its link stays the same.
      const { secret: given = newSecret() } = (call.original ?? {}) as Partial<LocalCall>;
      if (!isSecret(given)) {
        throw new TypeError(
          "a call's original.secret must be 22 characters of base64url, as createCall makes it",
        );
      }
      this.#secrets.set(key, secret = given);
    }
    return secret;
  }

  /** What the media process is told of a call, which may be made by hand. */
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
    const notice = v.parse(callMessage, message);
    const key = callKey({ type: notice.callType, id: notice.callId });
    if (notice.type === "callEnded") {
      this.#secrets.delete(key);
      void this.#closeOpened(key);
      return;
    }
    this.#secrets.set(key, notice.secret);
    this.#serving?.begun(this.#call(notice.callType, notice.callId));
  }

  #onLost(error: EdgeError): void {
    for (const key of [...this.#opened.keys()]) void this.#closeOpened(key);
    this.#serving?.lost(error);
  }
}

/** Throws for what could not stand in a link, or come back from a page. */
function checkCallName(callType: string, callId: string): void {
  for (const [name, value] of Object.entries({ callType, callId })) {
    const most = CALL_SIZES[name as keyof typeof CALL_SIZES];
    const what = typeof value === "string" ? JSON.stringify(value.slice(0, most)) : typeof value;
    if (
      typeof value !== "string" || value === "" || value.length > most ||
      !PLAIN_LINE.test(value) || !value.isWellFormed()
    ) {
      throw new TypeError(
        `${name} must be a text of 1 to ${most} characters without control characters, got ${what}`,
      );
    }
    // A URL's path loses them.
    if (value === "." || value === "..") throw new TypeError(`${name} must not be ${what}`);
  }
}

function callKey(call: { type: string; id: string }): string {
  return JSON.stringify([call.type, call.id]);
}
