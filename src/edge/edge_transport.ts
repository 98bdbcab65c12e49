/** The base of an edge. @module */
import type { AudioTrack, AudioTrackOptions } from "./audio_track.ts";
import { Call, type CreateCallOptions } from "./call.ts";
import type { CallConnection, PublishedTracks } from "./call_connection.ts";
import type { EdgeAgent } from "./edge_agent.ts";
import type { AgentState, JsonValue, User } from "./types.ts";
import { checkVideoLimits, type VideoLimits, type VideoTrack } from "./video_frame.ts";
import type { AudioKernel } from "../audio/kernel.ts";
import { checkObject, checkOptions, checkSignal } from "../events/checks.ts";
import { checkClock, type Clock, systemClock } from "../events/clock.ts";
import { consoleLogger, guardedLogger, type Logger } from "../events/logger.ts";
import { typescriptKernel } from "../audio/typescript_kernel.ts";
import { type Conversation, MemoryConversation } from "./conversation.ts";
import { cannotDirectAudio, checkAddressee, checkUndirected } from "./directed_audio.ts";
import { EdgeEvents } from "./edge_events.ts";
import { ClosedError } from "./errors.ts";
import { ErrorEvent } from "./events.ts";
import { promised } from "../events/user_code.ts";
import { waitFor } from "../events/waiting.ts";
import { QueuedAudioTrack } from "./toolkit/queued_audio_track.ts";
import { cannot, checkAddress, type DialOptions } from "./telephony.ts";
import { checkCall } from "./validation.ts";

/** Time limit for `release`. Closing then goes on without it. */
const RELEASE_LIMIT_MS = 15_000;

/** Options for every edge. */
export interface EdgeOptions {
  /** The source of time. Default: the machine's clock. */
  clock?: Clock;
  /** The logger. Default: the console, for warnings and errors only. */
  logger?: Logger;
}

/** Options for {@linkcode EdgeTransport.join}. */
export interface JoinOptions {
  /** Aborts the join, which then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Limit in milliseconds, default 10,000. */
  timeoutMs?: number;
}

/** Options for {@linkcode EdgeTransport.openDemo}. */
export interface OpenDemoOptions {
  /** Whether to open the page in a browser. Default: only print the address. */
  browser?: boolean;
  /** Aborts it; it then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** Chooses a connection of an edge that has several. */
export interface ConnectionChoice {
  /** The connection to use. Default: the only one. */
  connection?: CallConnection;
}

const CHOICE = "an object like { connection }, or nothing";

/**
 * A network that agents join calls over. One edge serves many agents and calls; create it once.
 *
 * An edge's author writes `authenticate`, `createCall`, `join` and, where there is something to
 * release, `release`; and a {@linkcode Connection}.
 */
export abstract class EdgeTransport implements AsyncDisposable {
  /** The events of all calls. All events of the contract are registered. */
  readonly events: EdgeEvents;
  /** The edge's source of time. */
  readonly clock: Clock;
  /** The edge's logger. */
  readonly logger: Logger;
  readonly #connections = new Set<CallConnection>();
  #closing: Promise<void> | undefined;
  readonly #ending = new AbortController();
  #audioTracks = 0;

  /** Creates an edge. */
  constructor(options: EdgeOptions = {}) {
    checkObject(options, "options", "an object, or nothing");
    this.clock = options.clock ?? systemClock;
    checkClock(this.clock);
    this.logger = guardedLogger(options.logger ?? consoleLogger, this.clock);
    this.events = new EdgeEvents({ clock: this.clock, logger: this.logger });
  }

  // The author of an edge implements these.

  /** Registers the agent's user with the service. Called for each user. */
  abstract authenticate(user: User): Promise<void>;

  /** Creates a call or finds the one that exists. */
  abstract createCall(callId: string, options?: CreateCallOptions): Promise<Call>;

  /**
   * Joins a call. Resolves with an established connection, or rejects and leaves nothing open:
   * within `timeoutMs` and as soon as `signal` is aborted.
   */
  abstract join(agent: EdgeAgent, call: Call, options?: JoinOptions): Promise<CallConnection>;

  /**
   * Releases the edge's own resources, after its connections have been closed. A rejection, or taking
   * longer than 15 seconds, is reported, and closing goes on without it.
   */
  protected release(): Promise<void> {
    return Promise.resolve();
  }

  /**
   * Shows the people in a call what their agent does now. Called by agents that converse, at each change;
   * an edge whose front ends show it overrides this. Default: does nothing.
   */
  showAgentState(_connection: CallConnection, _state: AgentState): void {}

  /** Returns the kernel that resamples agents' audio. Default: the TypeScript kernel. */
  protected audioKernel(): AudioKernel {
    return typescriptKernel();
  }

  // The public interface.

  /** The connections that are open, or being established. */
  get connections(): ReadonlySet<CallConnection> {
    return this.#connections;
  }

  /** Whether `close` was called. */
  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * Closes all connections, then releases the edge's own resources. Idempotent; all callers await the
   * same end.
   */
  close(): Promise<void> {
    if (this.#closing) return this.#closing;
    const done = Promise.withResolvers<void>();
    this.#closing = done.promise;
    this.#ending.abort(new ClosedError("the edge"));
    this.#close().then(done.resolve, done.reject);
    return done.promise;
  }

  /** Closes the edge, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Publishes an agent's tracks, both in one negotiation. A track of before that is not named again is
   * no longer published: `publishTracks({})` mutes the agent.
   */
  async publishTracks(tracks: PublishedTracks, options: ConnectionChoice = {}): Promise<void> {
    checkOptions(tracks, "tracks", { audio: true, video: true }, "an object like { audio, video }");
    checkUndirected(tracks.audio);
    checkOptions(options, "options", { connection: true }, CHOICE);
    await this.chooseConnection(options).publishTracks(tracks);
  }

  /**
   * Returns the frames of a participant's video track, or `undefined` when there is no such track. Pass
   * the size and the rate that are needed: no more is received. Each call returns a track of its own,
   * and closing it ends only that one.
   *
   * @throws {RangeError} a limit is out of range.
   */
  addTrackSubscriber(
    trackId: string,
    options: ConnectionChoice & VideoLimits = {},
  ): VideoTrack | undefined {
    const known = { connection: true, fps: true, maxWidth: true, maxHeight: true };
    checkOptions(options, "options", known, CHOICE);
    const connection = this.chooseConnection(options);
    const { fps, maxWidth, maxHeight } = options;
    const limits: VideoLimits = { fps, maxWidth, maxHeight };
    checkVideoLimits(limits);
    return connection.addTrackSubscriber(trackId, limits);
  }

  /**
   * Sends data of the application's own to all participants.
   *
   * @throws {TypeError} the data is not JSON.
   * @throws {RangeError} the data is over 5120 bytes as JSON in UTF-8.
   */
  async sendCustomEvent(data: JsonValue, options: ConnectionChoice = {}): Promise<void> {
    checkOptions(options, "options", { connection: true }, CHOICE);
    await this.chooseConnection(options).sendCustomEvent(data);
  }

  /** Creates the conversation of a call: in memory, unless an edge has its own. */
  // Async, so that misuse rejects and does not throw.
  // deno-lint-ignore require-await
  async createConversation(call: Call, _user: User, instructions: string): Promise<Conversation> {
    checkCall(call);
    return new MemoryConversation({
      id: `${call.type}:${call.id}`,
      instructions,
      clock: this.clock,
    });
  }

  /**
   * Whether one participant alone can hear a track: whether `createAudioTrack` takes `to`. An edge that
   * can overrides it, and `deliverDirectedAudio` of its connections. Default `false`.
   */
  get supportsDirectedAudio(): boolean {
    return false;
  }

  /**
   * Starts ahead what calls need, such as a media process, and keeps it until the result is disposed or the
   * edge is closed: `serve` does, so that no caller waits for it. Default: there is nothing to start.
   */
  keepReady(_options: { signal?: AbortSignal } = {}): Promise<AsyncDisposable> {
    return Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve() });
  }

  /**
   * Whether its calls are on a server, so that another process joins them over an edge of the same settings:
   * what `serve` with `agentIsolation: "process"` needs. Default `false`: calls are in this program.
   */
  get hasRemoteCalls(): boolean {
    return false;
  }

  /**
   * Returns a call that came from another process as JSON, from an edge of the same class.
   *
   * @throws {TypeError} it is no call
   */
  readCall(json: JsonValue): Call {
    // What a call of an edge has beside these is the edge's own.
    const { id, type, original } = json as { id: string; type: string; original?: JsonValue };
    return new Call({ id, type, original });
  }

  /**
   * Creates an audio track for an agent, to be published with `publishTracks`; one with `to` with
   * `publishDirectedAudio` of the connection.
   *
   * @throws {TypeError} an option has the wrong type, or this edge cannot play audio to one participant.
   * @throws {RangeError} `othersGain` is not from 0 to 1.
   */
  createAudioTrack(options: AudioTrackOptions = {}): AudioTrack {
    checkOptions(
      options,
      "options",
      { mode: true, to: true, othersGain: true },
      'an object like { mode: "live" }, or nothing',
    );
    checkAddressee(options);
    if (options.to && !this.supportsDirectedAudio) throw cannotDirectAudio(this);
    return new QueuedAudioTrack({
      ...options,
      id: `agent-audio-${++this.#audioTracks}`,
      kernel: this.audioKernel(),
      clock: this.clock,
      onError: (error) =>
        this.events.emit(new ErrorEvent({ error, context: "playing out an agent's audio" })),
    });
  }

  /**
   * Opens a page with which a person joins the call, if the edge has one.
   *
   * @throws {TypeError} this edge has no page.
   */
  openDemo(_call: Call, _options?: OpenDemoOptions): Promise<URL> {
    return Promise.reject(new TypeError(`${this.constructor.name} has no demo page`));
  }

  /**
   * Ends a call for all participants: agents with the reason `"call-ended"`. Does nothing if it is over.
   *
   * @throws {TypeError} this edge cannot, and only the agent can leave.
   */
  endCall(_call: Call): Promise<void> {
    return Promise.reject(
      cannot(
        this,
        "end a call for all participants",
        "agent.close() leaves it, which callers notice",
      ),
    );
  }

  /**
   * Calls a number or address, and resolves with the call when it is answered: join it then. Closing
   * the edge hangs up.
   *
   * @throws {TypeError} this edge has no telephone, or an option is not valid.
   * @throws {ConnectionError} it was not answered: `code` is `"busy"`, `"no-answer"`, `"declined"`, or
   *   the edge's own; or the signal's reason.
   * @throws {ClosedError} the edge was closed.
   */
  async dial(options: DialOptions): Promise<Call> {
    checkOptions(
      options,
      "options",
      { to: true, from: true, signal: true },
      'an object like { to: "+4930123456" }',
    );
    checkAddress(options.to, "options.to");
    if (options.from !== undefined) checkAddress(options.from, "options.from");
    checkSignal(options.signal, "options.signal");
    this.assertOpen();
    options.signal?.throwIfAborted();
    const signals = [options.signal, this.#ending.signal].filter((one) => one !== undefined);
    const signal = AbortSignal.any(signals);
    const placed = promised(() => this.placeCall({ ...options, signal }));
    // One that is answered after all is in no program's hands.
    placed.then((call) => signal.aborted ? this.endCall(call) : undefined).catch(() => {});
    return await waitFor(placed, "dialling", { signal, clock: this.clock });
  }

  /** Calls a checked number. An edge with a telephone overrides it; the others cannot. */
  protected placeCall(_options: DialOptions): Promise<Call> {
    return Promise.reject(
      cannot(this, "dial", "use an edge of telephone calls, or createCall and send the link"),
    );
  }

  /** Aborted with a `ClosedError` when the edge is closed: pass it to what must not outlive the edge. */
  protected get closing(): AbortSignal {
    return this.#ending.signal;
  }

  /** Throws `ClosedError` once the edge is closed. */
  protected assertOpen(): void {
    if (this.#closing) throw new ClosedError("the edge");
  }

  /**
   * Returns the connection that options name, or the only one; for methods of an edge's own.
   *
   * @throws {TypeError} it is another edge's; or none is named, and there is none or several.
   * @throws {ClosedError} it is closed, or the edge is.
   */
  protected chooseConnection(options: ConnectionChoice): CallConnection {
    checkObject(options, "options", "an object like { connection }, or nothing");
    const { connection } = options;
    if (connection) {
      if (connection.state === "closed") throw new ClosedError("the connection");
      if (!this.#connections.has(connection)) {
        throw new TypeError("the connection belongs to another edge");
      }
      return connection;
    }
    this.assertOpen();
    const open = [...this.#connections].filter((one) => one.state !== "establishing");
    if (open.length === 1) return open[0]!;
    throw new TypeError(
      open.length === 0
        ? "no call is joined: await edge.join(...) first"
        : `expected { connection }, since ${open.length} calls are joined`,
    );
  }

  /** Called by each connection when it is created. */
  adopt(connection: CallConnection): void {
    this.assertOpen();
    this.#connections.add(connection);
  }

  /** Called by each connection when it is closed. */
  disown(connection: CallConnection): void {
    this.#connections.delete(connection);
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#connections].map((connection) => connection.close()));
    try {
      const releasing = promised(() => this.release());
      const timeoutMs = RELEASE_LIMIT_MS;
      await waitFor(releasing, "closing the edge", { timeoutMs, clock: this.clock });
    } catch (error) {
      this.events.emit(new ErrorEvent({ error, context: "closing the edge" }));
    }
    this.events.close();
  }
}
