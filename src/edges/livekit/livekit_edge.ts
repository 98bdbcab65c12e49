/** The edge for rooms of LiveKit's servers. @module */
import { KeptMedia, MediaConnection, MediaProcess } from "@ringline/edge/media";
import {
  type AgentState,
  type AudioTrack,
  type AudioTrackOptions,
  Call,
  type CallConnection,
  checkCall,
  checkDuration,
  checkJoin,
  checkObject,
  checkOptions,
  checkUser,
  ClosedError,
  type ConnectionChoice,
  type Conversation,
  type DialOptions,
  type EdgeAgent,
  EdgeTransport,
  ErrorEvent,
  type JoinOptions,
  type JsonValue,
  limitTime,
  openBrowser,
  type OpenDemoOptions,
  ReconnectedEvent,
  TextReceivedEvent,
  type User,
  waitFor,
} from "@ringline/edge/toolkit";
import { CallBroker, findBroker } from "./call_broker.ts";
import { type LiveKitCallOptions, ROOM_OPTIONS, roomNameOf } from "./call_options.ts";
import { DemoPage } from "./demo/demo_page.ts";
import { ParticipantUpdatedEvent, type ReconnectStrategy } from "./events.ts";
import { type AgentSeat, AssignedCall } from "./jobs/assigned_call.ts";
import { LiveKitJobs, type LiveKitJobsOptions } from "./jobs/livekit_jobs.ts";
import { RpcError } from "./rpc/rpc_error.ts";
import type { RpcMethod } from "./rpc/rpc_methods.ts";
import { DispatchService } from "./service/dispatch_service.ts";
import { Requests } from "./service/requests.ts";
import { RoomService } from "./service/room_service.ts";
import { SipService } from "./service/sip_service.ts";
import { Tokens } from "./service/tokens.ts";
import { type LiveKitEdgeOptions, type LiveKitSettings, readSettings } from "./settings.ts";
import { Telephone } from "./telephone.ts";
import { TranscribedConversation, type Transcription } from "./transcribed_conversation.ts";
import type { CallParams } from "./wire/ipc.ts";
import { WrittenTexts } from "./written_texts.ts";
import { isTooLarge, MAX_PAYLOAD_BYTES, RPC_CODES } from "./wire/rpc_codes.ts";

/**
 * Shared screens are subscribed to at their full size, so that their text can be read, upright ones, too:
 * a picture of this size is within the limit of pictures from the media process.
 */
const SCREEN = { maxWidth: 3840, maxHeight: 3840 } as const;
/** How long a participant's method may take. */
const RPC_MS = 15_000;
/** The person who joins through `openDemo`, and for how long their link is valid. */
const DEMO_USER: User = { id: "demo-user", name: "Human User" };
const DEMO_VALIDITY_MS = 3_600_000;

/**
 * Never called: the import puts the media process's modules into the static graph, so that
 * `deno install` fetches them ahead of the first call.
 */
const _fetchedAhead = (): Promise<unknown> => import("./child/main.ts");

/** Options for {@linkcode LiveKitEdge.createToken}. */
export interface PersonTokenOptions {
  /** For how long it is valid, in milliseconds. Default: as the agents' tokens. */
  validityMs?: number;
  /**
   * The identity in the room, which has each once: for a user who joins with several devices. Default:
   * the user's id.
   */
  identity?: string;
}

/** Options for {@linkcode LiveKitEdge.performRpc}. */
export interface RpcOptions extends ConnectionChoice {
  /** The id of the participant whose method it is. */
  to: string;
  /** The method's name. */
  method: string;
  /** What it gets, often JSON: at most 15 KB. Default: an empty text. */
  payload?: string;
  /** How long it may take, in milliseconds. Default 15,000. */
  timeoutMs?: number;
}

/** Options for {@linkcode LiveKitEdge.sendText}. */
export interface SendTextOptions extends ConnectionChoice {
  /** The topic of the text stream. Default `"lk.chat"`, which LiveKit's front ends show. */
  topic?: string;
  /** Attributes of the stream. */
  attributes?: Readonly<Record<string, string>>;
  /** The participant ids of those who get it. Default: all participants. */
  to?: readonly string[];
}

/**
 * An edge for the rooms of a LiveKit server: your own, or LiveKit's cloud. People join with any of
 * LiveKit's clients, or by telephone through LiveKit's SIP service. WebRTC runs in a media process that
 * starts with the first join and ends with the last call; the secret stays in the agent's process.
 *
 * The edge reconnects a lost call: it resumes the session, or joins anew, on the next address if there
 * are several. See {@linkcode ReconnectedEvent}.
 *
 * Needs `--allow-net`, `--allow-env` for the address, the key and the secret unless the options have
 * them, and `--allow-run` for the media process, which itself runs with `--allow-ffi`.
 *
 * @example
 * ```ts ignore
 * import { Agent, untilShutdown } from "@ringline/edge";
 * import { LiveKitEdge } from "@ringline/livekit";
 *
 * await untilShutdown(async (signal) => { // Ctrl-C
 *   // LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET
 *   await using edge = new LiveKitEdge();
 *   const agent = new Agent({
 *     edge,
 *     agentUser: { id: "echo", name: "Echo" },
 *     audioMode: "live",
 *     onAudio: ({ pcm }, { audio }) => audio.write(pcm),
 *   });
 *   const call = await agent.createCall("default", "kitchen");
 *   await using session = await agent.join(call, { participantWaitTimeoutMs: 0, signal });
 *   await agent.finish({ signal }); // until the call ends
 * });
 * ```
 */
export class LiveKitEdge extends EdgeTransport {
  readonly #settings: LiveKitSettings;
  readonly #tokens: Tokens;
  readonly #rooms: RoomService;
  readonly #dispatches: DispatchService;
  readonly #telephone: Telephone;
  readonly #demo: DemoPage;
  readonly #process: MediaProcess;
  readonly #kept: KeptMedia;
  readonly #brokers = new Map<CallConnection, CallBroker>();
  readonly #written = new WrittenTexts();
  /** What follows the end of a call, which closing the edge awaits. */
  readonly #pending = new Set<Promise<unknown>>();

  /**
   * Creates an edge, without connecting yet.
   *
   * @throws {TypeError} the address, the key or the secret is missing, or an option is not valid.
   * @throws {RangeError} a duration is not valid.
   */
  constructor(options: LiveKitEdgeOptions = {}) {
    super(options);
    this.events.register(ParticipantUpdatedEvent);
    this.#settings = readSettings(options);
    this.events.subscribe(
      TextReceivedEvent,
      ({ participant, text }) => this.#written.add(participant.id, text),
    );
    this.#tokens = new Tokens(this.#settings, this.clock);
    const requests = new Requests(this.#settings, this.#tokens, this.clock);
    this.#rooms = new RoomService(requests);
    this.#dispatches = new DispatchService(requests);
    this.#demo = new DemoPage(this.#settings.urls);
    this.#telephone = new Telephone({
      settings: this.#settings,
      rooms: this.#rooms,
      clock: this.clock,
      sip: new SipService(this.#settings, requests),
    });
    this.#process = new MediaProcess({
      child: new URL("./child/main.ts", import.meta.url),
      config: null,
      permissions: { net: true },
      // LiveKit's messages ask for it when they are loaded.
      variables: ["BUF_BIGINT_DISABLE"],
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

  /** Whether one participant alone can hear a track: the server keeps it from the others. */
  override get supportsDirectedAudio(): boolean {
    return true;
  }

  /**
   * Creates an audio track for an agent. While a track with `to` is published, the server knows for each
   * participant what of the agent they may receive. Recorders receive everything.
   *
   * @throws {TypeError} an option has the wrong type, or is an `othersGain` other than 1: LiveKit's clients
   *   play each participant by themselves.
   * @throws {RangeError} `othersGain` is not from 0 to 1.
   */
  override createAudioTrack(options: AudioTrackOptions = {}): AudioTrack {
    const track = super.createAudioTrack(options);
    if ((options.othersGain ?? 1) === 1) return track;
    track.close();
    throw new TypeError(
      `othersGain: LiveKitEdge cannot make others less loud, got ${options.othersGain}: leave it out, ` +
        "and let the listener's own page lower their volume",
    );
  }

  /** Checks the agent's user: LiveKit knows users by their tokens only. */
  // Async, so that misuse rejects and does not throw.
  // deno-lint-ignore require-await
  override async authenticate(user: User): Promise<void> {
    this.assertOpen();
    checkUser(user, "user");
  }

  /** Rooms are on LiveKit's servers. */
  override get hasRemoteCalls(): boolean {
    return true;
  }

  /** Starts the media process. */
  override keepReady(options: { signal?: AbortSignal } = {}): Promise<AsyncDisposable> {
    return this.#kept.keep(options);
  }

  /** Returns a call of another process, with the place that a server keeps for its agent. */
  override readCall(json: JsonValue): Call {
    const call = super.readCall(json);
    const { seat } = json as { seat?: AgentSeat };
    return seat
      ? new AssignedCall({ name: call.id, original: call.original as JsonValue }, seat)
      : call;
  }

  /**
   * Creates a call's room, or finds it; `Call.original` is the server's description of it. Its name is
   * the call's id, after the type and a colon where that is another than `"default"`. Without a secret
   * the server creates the room when the agent joins, and `Call.original` is `null`.
   *
   * @throws {AuthenticationError} the key or the secret is wrong: `unauthorized`.
   * @throws {ConnectionError} no server can be reached, or it refuses.
   */
  override async createCall(callId: string, options: LiveKitCallOptions = {}): Promise<Call> {
    this.assertOpen();
    checkOptions(options, "options", ROOM_OPTIONS, "an object, or nothing");
    const name = { id: callId, type: options.callType ?? "default" };
    checkCall(new Call({ ...name, original: null }));
    options.signal?.throwIfAborted();
    const original = this.#settings.keys
      ? await this.#rooms.create(roomNameOf(name), options)
      : null;
    return new Call({ ...name, original });
  }

  /**
   * Joins an agent to a call, and starts the media process if it does not run.
   *
   * @throws {AuthenticationError} the server does not accept the token: `unauthorized`, `forbidden`.
   * @throws {ConnectionError} no server let the agent in, e.g. `unreachable`, `timeout`, `not-found`; or
   *   a `TimeoutError`, or the signal's reason.
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
    using limit = limitTime("joining the call", {
      timeoutMs: options.timeoutMs ?? 10_000,
      signals: [this.closing, ...(options.signal ? [options.signal] : [])],
      clock: this.clock,
    });
    limit.signal.throwIfAborted();
    return await this.#join(agent, call, limit.signal);
  }

  /**
   * Returns a token with which a person joins a call, with any of LiveKit's clients.
   *
   * @throws {AuthenticationError} this edge has no secret: `no-secret`.
   */
  async createToken(call: Call, user: User, options: PersonTokenOptions = {}): Promise<string> {
    checkCall(call);
    checkOptions(
      options,
      "options",
      { validityMs: true, identity: true },
      "an object like { validityMs: 60_000 }, or nothing",
    );
    const { validityMs = this.#settings.tokenValidityMs, identity } = options;
    checkDuration("validityMs", validityMs);
    if (identity !== undefined && (typeof identity !== "string" || identity === "")) {
      throw new TypeError(`identity: expected a text, got ${JSON.stringify(identity)}`);
    }
    const room = roomNameOf(call);
    return await this.#tokens.create({ room, user, identity, isAgent: false, validityMs });
  }

  /**
   * Sends a text, as a person would write it: LiveKit's front ends show it in the chat.
   *
   * @throws {TypeError} the text or an option is not valid.
   * @throws {ClosedError} the connection is closed.
   */
  async sendText(text: string, options: SendTextOptions = {}): Promise<void> {
    if (typeof text !== "string") throw new TypeError(`text: expected a text, got ${typeof text}`);
    checkOptions(
      options,
      "options",
      { connection: true, topic: true, attributes: true, to: true },
      "an object like { topic }, or nothing",
    );
    const { topic = "lk.chat", attributes = {}, to = [] } = options;
    await this.#brokerOf(options).order({
      method: "sendText",
      stream: { topic, text, attributes: { ...attributes }, to: [...to] },
    });
  }

  /**
   * Sets attributes of the agent, which all participants see. An empty text removes one; the others stay.
   * An agent that converses sets `lk.agent.state` itself.
   *
   * @throws {TypeError} the attributes are no texts.
   * @throws {ClosedError} the connection is closed.
   */
  async setAttributes(
    attributes: Readonly<Record<string, string>>,
    options: ConnectionChoice = {},
  ): Promise<void> {
    checkObject(attributes, "attributes", 'an object like { table: "7" }');
    checkOptions(
      options,
      "options",
      { connection: true },
      "an object like { connection }, or nothing",
    );
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "string") continue;
      throw new TypeError(
        `attributes[${JSON.stringify(name)}]: expected a text, got ${typeof value}`,
      );
    }
    await this.#brokerOf(options).setAttributes(attributes);
  }

  /**
   * Sets the attribute `lk.agent.state`, by which LiveKit's front ends show what an agent does. Called by
   * agents that converse.
   */
  override showAgentState(connection: CallConnection, state: AgentState): void {
    // What does not reach the media process now is set when that joins the call again.
    this.#brokers.get(connection)?.setAttributes({ "lk.agent.state": state }).catch(() => {});
  }

  /**
   * Registers a method of the agent, which other participants call by LiveKit's clients (RPC), until the
   * result is disposed.
   *
   * @throws {TypeError} the name or the method is not valid, or there is one of this name.
   * @throws {ClosedError} the connection is closed.
   *
   * @example
   * ```ts ignore
   * edge.registerRpcMethod("weather", async ({ payload, participant }) => {
   *   return JSON.stringify(await forecastFor(JSON.parse(payload).city, participant.userId));
   * });
   * ```
   */
  registerRpcMethod(
    method: string,
    handler: RpcMethod,
    options: ConnectionChoice = {},
  ): Disposable {
    checkOptions(
      options,
      "options",
      { connection: true },
      "an object like { connection }, or nothing",
    );
    return this.#brokerOf(options).methods.register(method, handler);
  }

  /**
   * Calls a method of a participant (RPC), and returns its response.
   *
   * @throws {TypeError | RangeError} an option is not valid.
   * @throws {RpcError} the call failed: there is no such method, it failed, or they did not respond.
   * @throws {ClosedError} the connection is closed.
   */
  async performRpc(options: RpcOptions): Promise<string> {
    checkOptions(options, "options", {
      to: true,
      method: true,
      payload: true,
      timeoutMs: true,
      connection: true,
    }, 'an object like { to, method: "wave" }');
    const { to, method, payload = "", timeoutMs = RPC_MS } = options;
    for (const [name, value] of Object.entries({ to, method, payload })) {
      if (typeof value === "string" && (value !== "" || name === "payload")) continue;
      throw new TypeError(`${name}: expected a text, got ${JSON.stringify(value) ?? typeof value}`);
    }
    checkDuration("timeoutMs", timeoutMs);
    const broker = this.#brokerOf(options);
    if (isTooLarge(payload)) {
      const message = `calling ${method}: the payload may have ${MAX_PAYLOAD_BYTES} bytes`;
      throw new RpcError(message, { rpcCode: RPC_CODES.requestTooLarge });
    }
    return await broker.callMethod(to, { method, payload, timeoutMs });
  }

  /**
   * Reconnects a call, as if its socket had been lost or the server had asked for a new join, to test
   * what that does to the call. Resolves when the call is reconnected.
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
    if (strategy !== "resume" && strategy !== "rejoin") {
      throw new TypeError(
        `strategy: expected "resume" or "rejoin", got ${JSON.stringify(strategy)}`,
      );
    }
    const done = Promise.withResolvers<ReconnectedEvent>();
    using _subscription = this.events.subscribe(ReconnectedEvent, (event) => {
      if (event.connection === connection) done.resolve(event);
    });
    // A promise that outlives this call, but with at most one reaction for each call.
    connection.closed.then(() => done.reject(new ClosedError("the connection")));
    done.promise.catch(() => {});
    await broker.order({ method: "reconnect", strategy });
    const { signal } = options;
    return await waitFor(done.promise, "reconnecting", { clock: this.clock, signal });
  }

  /**
   * Returns the link to a page where a person joins the call, and prints it; `browser: true` also opens
   * it, which needs `--allow-run` for the browser. The edge serves the page to this machine until it is
   * closed; the page joins by LiveKit's own client. The link carries a token: for an hour, a person who
   * has the link is "Human User" in the call.
   *
   * @throws {AuthenticationError} this edge has no secret: `no-secret`.
   */
  override async openDemo(call: Call, options: OpenDemoOptions = {}): Promise<URL> {
    this.assertOpen();
    checkCall(call);
    checkOptions(options, "options", { browser: true, signal: true });
    const token = await this.createToken(call, DEMO_USER, {
      validityMs: DEMO_VALIDITY_MS,
      identity: `${DEMO_USER.id}-${crypto.randomUUID().slice(0, 8)}`,
    });
    options.signal?.throwIfAborted();
    const { demoBaseUrl } = this.#settings;
    const url = demoBaseUrl === undefined
      ? await this.#demo.link(token)
      : this.#foreignDemo(demoBaseUrl, token);
    console.log(`Open ${url.href} in a browser`);
    if (options.browser) await openBrowser(url, this.logger);
    return url;
  }

  /** Returns the link to a page like LiveKit's own. */
  #foreignDemo(page: string, token: string): URL {
    const url = new URL(page);
    url.searchParams.set("liveKitUrl", this.#settings.urls[0]!);
    url.searchParams.set("token", token);
    return url;
  }

  /**
   * Ends a call for all participants: agents with the reason `"call-ended"`.
   *
   * @throws {AuthenticationError} this edge has no secret: `no-secret`, or it is wrong: `unauthorized`.
   * @throws {ConnectionError} no server can be reached, or it refuses.
   */
  override async endCall(call: Call): Promise<void> {
    checkCall(call);
    await this.#rooms.delete(roomNameOf(call));
  }

  /**
   * Returns the jobs that the server hands out, as a source of `serve`: the program registers as a
   * worker, and an agent joins each room for which the server chooses it.
   *
   * @example
   * ```ts ignore
   * import { Agent } from "@ringline/edge";
   * import { serve } from "@ringline/edge/serve";
   * import { LiveKitEdge } from "@ringline/livekit";
   *
   * // LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET
   * await using edge = new LiveKitEdge();
   * await using worker = await serve({
   *   sources: [edge.jobs({ agentName: "receptionist" })],
   *   agent: (job) => new Agent({ edge, agentUser: { id: "receptionist", name: "Anna" } }),
   *   isProgram: true,
   * });
   * await worker.closed;
   * ```
   *
   * @throws {TypeError} an option is not valid.
   * @throws {AuthenticationError} this edge has no secret: `no-secret`.
   */
  jobs(options: LiveKitJobsOptions = {}): LiveKitJobs {
    this.assertOpen();
    return new LiveKitJobs({
      edge: this,
      settings: this.#settings,
      tokens: this.#tokens,
      dispatches: this.#dispatches,
      rooms: this.#rooms,
      options,
    });
  }

  /**
   * Creates a conversation in memory. What people and the agent say in it is sent to the room as
   * transcriptions, which LiveKit's front ends show.
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
    checkUser(user, "user");
    return new TranscribedConversation({
      id: `${call.type}:${call.id}`,
      instructions,
      clock: this.clock,
      isWritten: (participantId, text) => this.#written.take(participantId, text),
      send: (transcription) => this.#transcribe(call, user, transcription),
      onError: (error) =>
        this.events.emit(new ErrorEvent({ error, context: "sending a transcription" })),
    });
  }

  /** Calls a number in a room of its own, by the trunk of the options. */
  protected override placeCall(options: DialOptions): Promise<Call> {
    return this.#settings.sip?.trunkId === undefined
      ? super.placeCall(options)
      : this.#telephone.dial(options);
  }

  /** Waits for what follows the ends of calls. */
  protected override async release(): Promise<void> {
    await Promise.allSettled([...this.#pending, this.#kept.release(), this.#demo.close()]);
  }

  async #join(agent: EdgeAgent, call: Call, signal: AbortSignal): Promise<CallConnection> {
    const { user } = agent;
    const room = roomNameOf(call);
    const seat = call instanceof AssignedCall ? call.seat : undefined;
    const createToken = (asking: AbortSignal): Promise<string> =>
      this.#tokens.ofAgent(room, user, asking, seat);
    await using undo = new AsyncDisposableStack();
    const leasing = this.#process.acquire({ signal, timeoutMs: Infinity });
    const [token, lease] = await Promise.all([createToken(signal), leasing])
      .catch(async (error) => {
        await leasing.then((unused) => unused.release(), () => {});
        throw error;
      });
    undo.defer(() => lease.release());
    const broker = new CallBroker({
      lease,
      events: this.events,
      clock: this.clock,
      userId: user.id,
      createToken,
    });
    undo.defer(() => broker.close());
    const settings = this.#settings;
    const params: CallParams = {
      brokerId: broker.id,
      urls: [...settings.urls],
      token,
      moderated: [],
      attributes: {},
      heardDelayMs: settings.heardDelayMs,
      reconnectTimeoutMs: settings.reconnectTimeoutMs,
      silenceTimeoutMs: settings.silenceTimeoutMs,
      participantGraceMs: settings.participantGraceMs,
      rejoinGraceMs: settings.rejoinGraceMs,
    };
    const connection = await MediaConnection.open(this, {
      agent,
      call,
      process: this.#process,
      params: params as unknown as JsonValue,
      screen: SCREEN,
      rejoinParams: async () => {
        const again: CallParams = { ...params, ...await broker.rejoining() };
        return again as unknown as JsonValue;
      },
      signal,
      timeoutMs: Infinity,
      telephone: settings.sip && this.#telephone.of(room, broker),
      onEdgeMessage: (data, from) => broker.onMessage(data, from),
    });
    broker.connection = connection;
    this.#brokers.set(connection, broker);
    const closing = undo.move();
    const closed = connection.closed.then(() => {
      this.#brokers.delete(connection);
      return closing.disposeAsync();
    });
    this.#pending.add(closed);
    const forget = (): void => void this.#pending.delete(closed);
    closed.then(forget, forget);
    return connection;
  }

  /** Sends a transcription over the connection of this agent to this call, if there is one. */
  async #transcribe(
    call: Call,
    user: User,
    { segmentId, text, isFinal, participantId, to }: Transcription,
  ): Promise<void> {
    const broker = findBroker([...this.#brokers], call, user);
    if (!broker) return;
    await broker.order({
      method: "sendText",
      stream: {
        topic: "lk.transcription",
        text,
        participantId,
        to: to === undefined ? [] : [to],
        attributes: {
          "lk.segment_id": segmentId,
          "lk.transcription_final": String(isFinal),
        },
      },
    });
  }

  #brokerOf(options: ConnectionChoice): CallBroker {
    const broker = this.#brokers.get(this.chooseConnection(options));
    if (broker) return broker;
    throw new TypeError("the call is being joined: await edge.join(...) first");
  }
}
