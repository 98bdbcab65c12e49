/** The edge for calls of Stream's cloud. @module */
import { KeptMedia, MediaConnection, type MediaLease, MediaProcess } from "@ringline/edge/media";
import {
  Call,
  type CallConnection,
  checkCall,
  checkJoin,
  checkObject,
  checkOptions,
  ClosedError,
  type Conversation,
  type EdgeAgent,
  EdgeTransport,
  ErrorEvent,
  type JobOffer,
  type JoinOptions,
  type JsonValue,
  limitTime,
  openBrowser,
  type OpenDemoOptions,
  ReconnectedEvent,
  type User,
  waitFor,
} from "@ringline/edge/toolkit";
import { CallBroker } from "./call_broker.ts";
import { CALL_OPTIONS, type GetStreamCallOptions, toRequest } from "./call_options.ts";
import { ChatConversation } from "./chat_conversation.ts";
import { DEMO_USER, DEMO_VALIDITY_MS, demoUrl } from "./demo.ts";
import {
  AudioLevelsEvent,
  ConnectionQualityEvent,
  DominantSpeakerEvent,
  type ReconnectStrategy,
  StreamCallEvent,
} from "./events.ts";
import type { CallParams } from "./wire/ipc.ts";
import { type GetStreamEdgeOptions, type GetStreamSettings, readSettings } from "./settings.ts";
import { jobOf, type ReadWebhookOptions, type StreamWebhook } from "./webhooks.ts";
import { AppService } from "./service/app_service.ts";
import type { StreamService } from "./service/stream_service.ts";
import { UserService } from "./service/user_service.ts";

/** How long a join waits for events, once its media is connected. */
const EVENTS_MS = 2000;
/**
 * Shared screens are subscribed to at their full size, so that their text can be read, upright ones, too:
 * a picture of this size is within the limit of pictures from the media process.
 */
const SCREEN = { maxWidth: 3840, maxHeight: 3840 } as const;
/** How long closing waits for unwritten messages of the chat. */
const WRITE_MS = 3000;

/**
 * Never called: the import puts the media process's modules into the static graph, so that
 * `deno install` fetches them ahead of the first call.
 */
const _fetchedAhead = (): Promise<unknown> => import("./child/main.ts");

/**
 * An edge for calls of Stream's cloud ("GetStream"): the calls of one app, which people join with any
 * of Stream's own clients. WebRTC runs in a media process that starts with the first join and ends
 * with the last call; the secret stays in the agent's process.
 *
 * The edge reconnects a lost call by Stream's strategies: a new socket, a new join or another server.
 * Media flows meanwhile where that is possible. See {@linkcode ReconnectedEvent}.
 *
 * Needs `--allow-net`, `--allow-env` for the key and the secret unless the options have them, and
 * `--allow-run` for the media process, which itself runs with `--allow-ffi`.
 *
 * @example
 * ```ts ignore
 * import { Agent, untilShutdown } from "@ringline/edge";
 * import { GetStreamEdge } from "@ringline/getstream";
 *
 * await untilShutdown(async (signal) => { // Ctrl-C
 *   await using edge = new GetStreamEdge(); // STREAM_API_KEY, STREAM_API_SECRET
 *   const agent = new Agent({
 *     edge,
 *     agentUser: { id: "echo", name: "Echo" },
 *     audioMode: "live",
 *     onAudio: ({ pcm }, { audio }) => audio.write(pcm),
 *   });
 *   const call = await agent.createCall("default", "kitchen");
 *   await using session = await agent.join(call, { participantWaitTimeoutMs: 0, signal });
 *   await edge.openDemo(call, { browser: true, signal });
 *   await agent.finish({ signal }); // until the call ends
 * });
 * ```
 */
export class GetStreamEdge extends EdgeTransport {
  readonly #settings: GetStreamSettings;
  readonly #service: StreamService;
  readonly #process: MediaProcess;
  readonly #kept: KeptMedia;
  /** The agents that this edge has authenticated, by their user ids. */
  readonly #agents = new Map<string, Promise<void>>();
  /** Work beside a call or after it, which closing the edge awaits. */
  readonly #pending = new Set<Promise<unknown>>();
  readonly #closed = new AbortController();
  readonly #brokers = new WeakMap<CallConnection, CallBroker>();
  #lastUser: User | undefined;

  /**
   * Creates an edge, without connecting yet.
   *
   * @throws {TypeError} the key or the secret is missing, or an option is not valid.
   * @throws {RangeError} a duration is not valid.
   */
  constructor(options: GetStreamEdgeOptions = {}) {
    super(options);
    this.events.register(
      ...[AudioLevelsEvent, ConnectionQualityEvent, DominantSpeakerEvent, StreamCallEvent],
    );
    this.#settings = readSettings(options);
    const { apiSecret = "", userToken } = this.#settings;
    const service = { clock: this.clock, signal: this.#closed.signal };
    this.#service = userToken === undefined
      ? new AppService(this.#settings, apiSecret, service)
      : new UserService(this.#settings, userToken, service);
    this.#process = new MediaProcess({
      child: new URL("./child/main.ts", import.meta.url),
      config: null,
      permissions: { net: true },
      denoPath: options.denoPath,
      memoryLimit: options.memoryLimit,
      clock: this.clock,
      logger: this.logger,
    });
    this.#kept = new KeptMedia(this.#process);
  }

  /** The process id of the media process, while it runs. */
  get mediaProcessId(): number | undefined {
    return this.#process.pid;
  }

  /**
   * Creates or updates the agent's user in the app: its name, its image and `custom`. Other fields of
   * the user keep their values.
   *
   * @throws {AuthenticationError} the key or the secret is wrong: `unauthorized`, `forbidden`.
   * @throws {ConnectionError} the service cannot be reached, or fails, after three tries: `retryable`
   *   says whether a later try can succeed.
   */
  override async authenticate(user: User): Promise<void> {
    await this.#authenticate(user);
  }

  async #authenticate(user: User, deadline?: number): Promise<void> {
    this.assertOpen();
    checkObject(user, "user", "a user with an id and a name");
    checkUserId(user.id);
    const known = this.#service.upsertUser(user, { agent: true, deadline });
    this.#agents.set(user.id, known);
    try {
      await known;
      this.#lastUser = user;
    } catch (error) {
      if (this.#agents.get(user.id) === known) this.#agents.delete(user.id);
      throw error;
    }
  }

  /** Starts the media process. */
  override keepReady(options: { signal?: AbortSignal } = {}): Promise<AsyncDisposable> {
    return this.#kept.keep(options);
  }

  /** Calls are in Stream's cloud. */
  override get hasRemoteCalls(): boolean {
    return true;
  }

  /**
   * Creates a call, or finds the one of this id and type; `Call.original` is the service's
   * description of it.
   *
   * @throws {TypeError} an id has other characters than letters, digits, `-` and `_`; or there is no
   *   user who creates it: neither `createdBy` nor a user authenticated before.
   */
  override async createCall(callId: string, options: GetStreamCallOptions = {}): Promise<Call> {
    this.assertOpen();
    checkOptions(options, "options", CALL_OPTIONS, "an object, or nothing");
    const { callType = "default", createdBy, signal } = options;
    checkId("callId", callId);
    checkId("callType", callType);
    const user = createdBy ?? this.#lastUser;
    if (!user) {
      throw new TypeError(
        "createCall has no creator: pass createdBy, or authenticate a user first",
      );
    }
    if (!this.#agents.has(user.id)) await this.#service.upsertUser(user, { agent: false, signal });
    const name = { type: callType, id: callId };
    const request = toRequest(options, user.id);
    const original = await this.#service.getOrCreateCall(name, request, signal);
    return new Call({ ...name, original });
  }

  /**
   * Joins an agent to a call, and starts the media process if it does not run.
   *
   * @throws {AuthenticationError} the app's key, secret or rights are wrong: `unauthorized`,
   *   `forbidden`.
   * @throws {ConnectionError} the join failed three times, e.g. with `sfu-full`, `service-failed`,
   *   `timeout`, `unreachable`; or the service takes requests again only after `timeoutMs`:
   *   `rate-limited`; or a `TimeoutError`, or the signal's reason.
   * @throws {EdgeError} the media process may not be started (`permission-denied`) or cannot be
   *   (`spawn-failed`), has no Deno to run it (`no-deno`), could not load its modules
   *   (`media-process-not-started`), or would be started by another (`media-process-nested`).
   */
  override async join(
    agent: EdgeAgent,
    call: Call,
    options: JoinOptions = {},
  ): Promise<CallConnection> {
    this.assertOpen();
    checkJoin(agent, call, options);
    const { timeoutMs = 10_000 } = options;
    using limit = limitTime("joining the call", {
      timeoutMs,
      signals: options.signal ? [options.signal] : [],
      clock: this.clock,
    });
    const { signal } = limit;
    signal.throwIfAborted();
    return await this.#join(agent, call, { signal, deadline: this.clock.now() + timeoutMs });
  }

  /**
   * Reconnects a call by a strategy, as if Stream had asked for it or the network had been lost, to
   * test what that does to the call. Resolves when the call is reconnected.
   *
   * @throws {TypeError} the connection is not one of this edge's.
   * @throws {ClosedError} the connection closed instead.
   */
  async reconnect(
    connection: CallConnection,
    strategy: ReconnectStrategy,
    options: { signal?: AbortSignal } = {},
  ): Promise<ReconnectedEvent> {
    checkOptions(options, "options", { signal: true });
    const broker = this.#brokers.get(connection);
    if (!broker) {
      throw new TypeError("reconnect expects a connection of this edge, got another one");
    }
    const done = Promise.withResolvers<ReconnectedEvent>();
    using _subscription = this.events.subscribe(ReconnectedEvent, (event) => {
      if (event.connection === connection) done.resolve(event);
    });
    // A promise that outlives this call, but with at most one reaction for each call.
    connection.closed.then(() => done.reject(new ClosedError("the connection")));
    done.promise.catch(() => {});
    await broker.reconnect(strategy);
    return await waitFor(done.promise, "reconnecting", {
      clock: this.clock,
      ...(options.signal ? { signal: options.signal } : {}),
    });
  }

  /**
   * Returns the address of Stream's demo page and prints it; `browser: true` also opens it, which
   * needs `--allow-run` for the browser. The link carries a token: for an hour, a person who has the
   * link is "Human User" in this app.
   */
  override async openDemo(call: Call, options: OpenDemoOptions = {}): Promise<URL> {
    this.assertOpen();
    checkCall(call);
    checkOptions(options, "options", { browser: true, signal: true });
    const { signal } = options;
    await this.#service.upsertUser(DEMO_USER, { agent: false, signal });
    options.signal?.throwIfAborted();
    await this.#service.openChannel(call.id, DEMO_USER.id, [DEMO_USER.id]);
    await this.#service.addMember(call.id, DEMO_USER.id);
    options.signal?.throwIfAborted();
    const url = demoUrl({
      baseUrl: this.#settings.demoBaseUrl,
      callId: call.id,
      apiKey: this.#settings.apiKey,
      token: this.#service.createToken(DEMO_USER.id, DEMO_VALIDITY_MS),
    });
    console.log(`Open ${url.href} in a browser`);
    if (options.browser) await openBrowser(url, this.logger);
    return url;
  }

  /**
   * Lets people join a call that was created backstage, until {@linkcode GetStreamEdge.stopLive}.
   *
   * @throws {AuthenticationError | ConnectionError} the service refused, or cannot be reached.
   */
  async goLive(call: Call): Promise<void> {
    checkCall(call);
    await this.#service.goLive(call, this.#lastUser?.id);
  }

  /**
   * Puts a call backstage again: those who may not be there leave it.
   *
   * @throws {AuthenticationError | ConnectionError} the service refused, or cannot be reached.
   */
  async stopLive(call: Call): Promise<void> {
    checkCall(call);
    await this.#service.stopLive(call, this.#lastUser?.id);
  }

  /**
   * Returns what an agent may do in its call, by Stream's names, e.g. `"send-audio"`, as the service
   * said when it joined, or joined again.
   *
   * @throws {TypeError} the connection is not one of this edge's.
   */
  capabilitiesOf(connection: CallConnection): readonly string[] {
    const broker = this.#brokers.get(connection);
    if (broker) return broker.capabilities;
    throw new TypeError("capabilitiesOf expects a connection of this edge, got another one");
  }

  /**
   * Ends a call for all participants: agents with the reason `"call-ended"`. Stream lets no user join it
   * again until it is created anew.
   *
   * @throws {AuthenticationError | ConnectionError} the service refused, or cannot be reached.
   */
  override async endCall(call: Call): Promise<void> {
    checkCall(call);
    await this.#service.endCall(call, this.#lastUser?.id);
  }

  /**
   * Creates a conversation on the call's channel of Stream's chat, `messaging:<call id>`. Messages are
   * written in the background; a message that cannot be written is an `ErrorEvent`.
   */
  // Async, so that misuse rejects and does not throw.
  // deno-lint-ignore require-await
  override async createConversation(
    call: Call,
    user: User,
    instructions: string,
  ): Promise<Conversation> {
    this.assertOpen();
    checkCall(call);
    checkObject(user, "user", "a user with an id and a name");
    return new ChatConversation({
      id: `messaging:${call.id}`,
      instructions,
      channelId: call.id,
      ownerId: user.id,
      writer: this.#service,
      clock: this.clock,
      signal: this.#closed.signal,
      onWriting: (writing) => this.#track(writing),
      onError: (error) =>
        this.events.emit(new ErrorEvent({ error, context: "writing to the chat" })),
    });
  }

  /** Waits up to 3 s for unwritten messages of the chat. */
  protected override async release(): Promise<void> {
    await this.#kept.release();
    const pending = Promise.allSettled([...this.#pending]);
    try {
      await waitFor(pending, "writing to the chat", { timeoutMs: WRITE_MS, clock: this.clock });
    } catch {
      // Messages that are not written by now are dropped.
    }
    this.#closed.abort(new ClosedError("the edge"));
    await Promise.allSettled([...this.#pending]);
  }

  async #join(
    agent: EdgeAgent,
    call: Call,
    { signal, deadline }: { signal: AbortSignal; deadline: number },
  ): Promise<CallConnection> {
    const { user } = agent;
    checkId("the call's id", call.id);
    checkId("the call's type", call.type);
    // The SDK's requests cannot be aborted: an aborted join does not wait for them.
    const known = this.#agents.get(user.id) ?? this.#authenticate(user, deadline);
    await waitFor(known, "authenticating", { signal, clock: this.clock });
    await using undo = new AsyncDisposableStack();
    const [credentials, lease] = await both(
      this.#service.joinCall(call, user.id, { signal, deadline }),
      this.#process.acquire({ signal, timeoutMs: Infinity }),
      (unused) => unused.release(),
    );
    undo.defer(() => lease.release());
    const broker = undo.adopt(this.#openBroker(call, user, lease), (one) => one.close());
    broker.takeCredentials(credentials);
    const params: CallParams = {
      brokerId: broker.id,
      cid: `${call.type}:${call.id}`,
      credentials,
      videoCodecs: [...this.#settings.videoCodecs],
      heardDelayMs: this.#settings.heardDelayMs,
      reconnectTimeoutMs: this.#settings.reconnectTimeoutMs,
      silenceTimeoutMs: this.#settings.silenceTimeoutMs,
      participantGraceMs: this.#settings.participantGraceMs,
    };
    const connection = await MediaConnection.open(this, {
      agent,
      call,
      process: this.#process,
      params: params as unknown as JsonValue,
      screen: SCREEN,
      rejoinTimeoutMs: this.#settings.reconnectTimeoutMs,
      rejoinParams: async (signal) => {
        const again: CallParams = { ...params, ...await broker.rejoinParams(signal) };
        return again as unknown as JsonValue;
      },
      signal,
      timeoutMs: Infinity,
      onEdgeMessage: (data, from) => broker.onMessage(data, from),
    });
    const closing = undo.move();
    this.#track(connection.closed.then(() => closing.disposeAsync()));
    this.#brokers.set(connection, broker);
    broker.open(connection);
    try {
      await waitFor(broker.ready, "events", { timeoutMs: EVENTS_MS, signal, clock: this.clock });
    } catch (error) {
      if (signal.aborted) {
        await connection.close();
        throw error;
      }
      // Media does not need events: their socket is opened again, and its failure was an ErrorEvent.
    }
    return connection;
  }

  /**
   * Verifies a webhook of Stream with the app's secret, and returns the job that it announces, if any:
   * for `WebhookJobs` of `@ringline/edge/serve`. Its URL is set in Stream's dashboard.
   *
   * @throws {AuthenticationError} its signature is wrong, or missing; or this edge has no secret.
   * @throws {ProtocolError} it is signed and malformed.
   * @example
   * ```ts ignore
   * const webhooks = new WebhookJobs({ read: (request) => edge.readWebhook(request) });
   * ```
   */
  readWebhook(request: StreamWebhook, options: ReadWebhookOptions = {}): JobOffer | undefined {
    checkObject(request, "request", "an object like { headers, body }");
    checkOptions(
      options,
      "options",
      { on: true },
      'an object like { on: "call.created" }, or nothing',
    );
    return jobOf(this.#service.readWebhook(request), this, options);
  }

  #openBroker(call: Call, user: User, lease: MediaLease): CallBroker {
    return new CallBroker({
      call,
      userId: user.id,
      service: this.#service,
      settings: this.#settings,
      lease,
      events: this.events,
      isOwnAgent: (userId) => this.#agents.has(userId),
    });
  }

  #track(work: Promise<unknown>): void {
    this.#pending.add(work);
    const forget = (): void => void this.#pending.delete(work);
    work.then(forget, forget);
  }
}

/** Checks an id against Stream's rule for ids, which are parts of paths. */
function checkId(name: string, id: unknown): void {
  if (typeof id === "string" && /^[\w-]{1,255}$/.test(id)) return;
  throw new TypeError(
    `${name}: expected 1 to 255 letters, digits, - or _, got ${JSON.stringify(id)}`,
  );
}

/** Checks the id of a user, which may be an address. */
function checkUserId(id: unknown): void {
  if (typeof id === "string" && /^[\w@-]{1,255}$/.test(id)) return;
  throw new TypeError(
    `the user's id: expected 1 to 255 letters, digits, @, - or _, got ${JSON.stringify(id)}`,
  );
}

/** Waits for both; releases the second result when the first one fails. */
async function both<A, B>(
  first: Promise<A>,
  second: Promise<B>,
  release: (second: B) => Promise<void>,
): Promise<[A, B]> {
  const [a, b] = await Promise.allSettled([first, second]);
  if (a.status === "fulfilled" && b.status === "fulfilled") return [a.value, b.value];
  if (b.status === "fulfilled") await release(b.value);
  throw a.status === "rejected" ? a.reason : (b as PromiseRejectedResult).reason;
}
