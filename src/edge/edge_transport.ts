import type { AudioTrack, AudioTrackOptions } from "./audio_track.ts";
import type { Call, CreateCallOptions } from "./call.ts";
import type { CallConnection, PublishedTracks } from "./call_connection.ts";
import type { EdgeAgent } from "./edge_agent.ts";
import type { JsonValue, User } from "./types.ts";
import type { VideoTrack } from "./video_frame.ts";
import type { AudioKernel } from "../audio/kernel.ts";
import { checkObject } from "../events/checks.ts";
import { checkClock, type Clock, systemClock } from "../events/clock.ts";
import { consoleLogger, guardedLogger, type Logger } from "../events/logger.ts";
import { typescriptKernel } from "../audio/typescript_kernel.ts";
import { type Conversation, MemoryConversation } from "./conversation.ts";
import { EdgeEvents } from "./edge_events.ts";
import { ClosedError } from "./errors.ts";
import { ErrorEvent } from "./events.ts";
import { promised } from "../events/user_code.ts";
import { waitFor } from "../events/waiting.ts";
import { QueuedAudioTrack } from "./toolkit/queued_audio_track.ts";
import { checkCall } from "./validation.ts";

/** How long `release` may take before closing goes on without it. */
const RELEASE_LIMIT_MS = 15_000;

/** What every edge can be given. */
export interface EdgeOptions {
  /** Where time comes from. Default: the machine's clock. */
  clock?: Clock;
  /** Where it says what people should read. Default: the console, warnings and errors only. */
  logger?: Logger;
}

/** How a call is joined. */
export interface JoinOptions {
  /** Aborting it gives the join up; it then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Limit in milliseconds, default 10,000. */
  timeoutMs?: number;
}

/** How a demo page is opened. */
export interface OpenDemoOptions {
  /** Whether to start a browser with it. Default: only print the address. */
  browser?: boolean;
  /** Aborting it gives up, with the signal's reason. */
  signal?: AbortSignal;
}

/** Which connection is meant, where an edge has several. */
export interface ConnectionChoice {
  /** The connection that is meant; may be left out while there is only one. */
  connection?: CallConnection;
}

/**
 * A network that agents join calls over. One edge serves many agents and calls; create it once.
 *
 * An edge's author writes `authenticate`, `createCall`, `join` and, where there is something to
 * release, `release`; and a {@linkcode Connection}.
 */
export abstract class EdgeTransport implements AsyncDisposable {
  /** What happens in the calls. All events of the contract are registered. */
  readonly events: EdgeEvents;
  /** Where this edge's time comes from. */
  readonly clock: Clock;
  /** Where this edge says what people should read. */
  readonly logger: Logger;
  readonly #connections = new Set<CallConnection>();
  #closing: Promise<void> | undefined;
  #audioTracks = 0;

  /** Makes an edge transport. */
  constructor(options: EdgeOptions = {}) {
    checkObject(options, "options", "an object, or nothing");
    this.clock = options.clock ?? systemClock;
    checkClock(this.clock);
    this.logger = guardedLogger(options.logger ?? consoleLogger, this.clock);
    this.events = new EdgeEvents({ clock: this.clock, logger: this.logger });
  }

  // What an edge's author writes.

  /** Makes the agent's user known to the service. Called again for each user. */
  abstract authenticate(user: User): Promise<void>;

  /** Creates a call or finds the one that exists. */
  abstract createCall(callId: string, options?: CreateCallOptions): Promise<Call>;

  /**
   * Joins a call. Resolves with an established connection, or rejects and leaves nothing open:
   * within `timeoutMs` and as soon as `signal` is aborted.
   */
  abstract join(agent: EdgeAgent, call: Call, options?: JoinOptions): Promise<CallConnection>;

  /**
   * Releases what the edge itself holds; its connections have been closed before. What it rejects
   * with, or takes longer than 15 seconds for, is reported, and closing goes on without it.
   */
  protected release(): Promise<void> {
    return Promise.resolve();
  }

  /** Who resamples what agents say; the TypeScript kernel unless an edge has a faster one. */
  protected audioKernel(): AudioKernel {
    return typescriptKernel();
  }

  // What everybody may ask.

  /** The connections that are open, or being established. */
  get connections(): ReadonlySet<CallConnection> {
    return this.#connections;
  }

  /** Whether `close` was called. */
  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * Closes all connections, then what the edge itself holds. Idempotent; everybody who calls it
   * awaits the same end.
   */
  close(): Promise<void> {
    if (this.#closing) return this.#closing;
    const done = Promise.withResolvers<void>();
    this.#closing = done.promise;
    this.#close().then(done.resolve, done.reject);
    return done.promise;
  }

  /** Closes it, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Publishes an agent's tracks, both in one negotiation. */
  async publishTracks(tracks: PublishedTracks, options: ConnectionChoice = {}): Promise<void> {
    await this.#choose(options).publishTracks(tracks);
  }

  /** The pictures of a participant's video track, or `undefined` when there is no such track. */
  addTrackSubscriber(trackId: string, options: ConnectionChoice = {}): VideoTrack | undefined {
    return this.#choose(options).addTrackSubscriber(trackId);
  }

  /**
   * Sends data of the application's own to all participants.
   *
   * @throws {TypeError} the data is not JSON.
   * @throws {RangeError} the data is over 5120 bytes as JSON in UTF-8.
   */
  async sendCustomEvent(data: JsonValue, options: ConnectionChoice = {}): Promise<void> {
    await this.#choose(options).sendCustomEvent(data);
  }

  /** A conversation to keep what is said in a call; in memory, unless an edge has its own. */
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

  /** A track for an agent to speak through, to be published with `publishTracks`. */
  createAudioTrack(options: AudioTrackOptions = {}): AudioTrack {
    return new QueuedAudioTrack({
      ...options,
      id: `agent-audio-${++this.#audioTracks}`,
      kernel: this.audioKernel(),
      clock: this.clock,
      onFailure: (error) =>
        this.events.announce(new ErrorEvent({ error, context: "playing out what an agent says" })),
    });
  }

  /**
   * Opens a page to join the call with, where the edge has one.
   *
   * @throws {TypeError} this edge has none.
   */
  openDemo(_call: Call, _options?: OpenDemoOptions): Promise<URL> {
    return Promise.reject(new TypeError(`${this.constructor.name} has no demo page`));
  }

  /** Throws `ClosedError` once the edge is closed. */
  protected assertOpen(): void {
    if (this.#closing) throw new ClosedError("the edge");
  }

  /** Called by each connection when it is made. */
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
      this.events.announce(new ErrorEvent({ error, context: "closing the edge" }));
    }
    this.events.close();
  }

  #choose(options: ConnectionChoice): CallConnection {
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
        ? "expected a connection, but no call is joined"
        : `expected { connection }, since ${open.length} calls are joined`,
    );
  }
}
