/**
 * One stay in one SFU: a socket, the calls of its signal server, and the two connections.
 *
 * @module
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "../../../events/clock.ts";
import type { RtcCandidate, RtcConnectionState } from "../../../media/rtc_types.ts";
import { ClosedError, ConnectionError } from "../../errors.ts";
import type { SfuCredentials } from "../credentials.ts";
import {
  type CallState,
  type JoinResponse,
  PeerType,
  type PublishOption,
  type ReconnectDetailsSchema,
  ReconnectStrategy,
  type TrackSubscriptionSchema,
  TrackType,
} from "../proto/signal_pb.ts";
import { isRetryable } from "../retrying.ts";
import type { SocketEnd } from "../watched_socket.ts";
import type { CallMedia } from "./media.ts";
import { type OwnTracks, Publisher } from "./publisher.ts";
import { type SfuPayload, SfuSocket } from "./sfu_socket.ts";
import { SignalClient } from "./signal_client.ts";
import { PathWatch } from "./path_watch.ts";
import { Subscriber } from "./subscriber.ts";

/** A track that is wanted, and how large. */
export type Wanted = MessageInitShape<typeof TrackSubscriptionSchema>;
/** Why and how we come back. */
export type Reconnect = MessageInitShape<typeof ReconnectDetailsSchema>;

/** What a session tells the call. */
export interface SessionEvents {
  /** Everything that the session does not see to itself. */
  onEvent(session: SfuSession, event: SfuPayload): void;
  onSocketEnd(session: SfuSession, end: SocketEnd): void;
  onPeerState(
    session: SfuSession,
    peer: "publisher" | "subscriber",
    state: RtcConnectionState,
  ): void;
  /** A track of this name came. */
  onTrack(session: SfuSession, key: string): void;
  onError(error: unknown, context: string): void;
}

/** What a session is made of. */
export interface SessionOptions {
  credentials: SfuCredentials;
  sessionId: string;
  /** The same through all sessions of one agent in one call. */
  unifiedId: string;
  videoCodecs: readonly string[];
  media: CallMedia;
  events: SessionEvents;
  clock: Clock;
  silenceMs: number;
}

/** One stay. Made for one join; FAST reconnecting renews only its socket. */
export class SfuSession {
  readonly credentials: SfuCredentials;
  readonly sessionId: string;
  readonly #options: SessionOptions;
  readonly #abort = new AbortController();
  readonly #signal: SignalClient;
  #socket: SfuSocket | undefined;
  #subscriber: Subscriber | undefined;
  #publisher: Publisher | undefined;
  #publishOptions: PublishOption[] = [];
  #stats: Disposable | undefined;
  #watches: PathWatch[] = [];
  readonly #early: SfuPayload[] = [];
  /** The socket whose events wait. */
  #waiting: object | undefined;
  /** For how long the SFU keeps our place, in milliseconds. */
  fastDeadlineMs = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.credentials = options.credentials;
    this.sessionId = options.sessionId;
    this.#signal = new SignalClient({
      url: options.credentials.url,
      token: options.credentials.token,
      clock: options.clock,
      signal: this.#abort.signal,
    });
  }

  /** The connections, for what is looked up in them. */
  get subscriber(): Subscriber | undefined {
    return this.#subscriber;
  }

  get publisher(): Publisher | undefined {
    return this.#publisher;
  }

  /** Whether the socket is open. */
  get isOnline(): boolean {
    return this.#socket?.isOpen ?? false;
  }

  /** Whether both connections are well, or not used yet. */
  get isHealthy(): boolean {
    return isWell(this.#subscriber?.state) && isWell(this.#publisher?.state);
  }

  /** Whether everything that is used is connected. */
  get isConnected(): boolean {
    return [this.#subscriber, this.#publisher]
      .every((peer) => !peer?.isUsed || peer.state === "connected");
  }

  /** Joins; gives the state of the call. What follows is told after {@linkcode SfuSession.start}. */
  async join(
    reconnect: Reconnect | undefined,
    signal: AbortSignal,
  ): Promise<CallState | undefined> {
    const { media, credentials } = this.#options;
    const { iceServers } = credentials;
    const response = await this.#open(reconnect, signal);
    this.#subscriber = new Subscriber({
      media,
      iceServers,
      signal: this.#signal,
      clock: this.#options.clock,
      sessionId: this.sessionId,
      onState: (state) => this.#options.events.onPeerState(this, "subscriber", state),
      onTrack: (key) => this.#options.events.onTrack(this, key),
      onError: (error, context) => this.#options.events.onError(error, context),
    });
    this.#scheduleStats();
    this.#watches = (["publisher", "subscriber"] as const).map((peer) =>
      new PathWatch({
        clock: this.#options.clock,
        stats: () => this[peer]?.stats() ?? Promise.resolve([]),
        onDead: () => this.#options.events.onPeerState(this, peer, "failed"),
        onAlive: () => this.#options.events.onPeerState(this, peer, "connected"),
      })
    );
    return response.callState;
  }

  /** Lets events come: those that waited for the state of the call to be taken, first. */
  start(): void {
    this.#waiting = undefined;
    for (const event of this.#early.splice(0)) this.#onEvent(event);
  }

  /** Comes back by a new socket, everything else kept; {@linkcode SfuSession.start} follows. */
  async resume(reconnect: Reconnect, signal: AbortSignal): Promise<CallState | undefined> {
    // Not awaited: a socket that is silent would not say goodbye either.
    this.#socket?.close();
    const response = await this.#open(reconnect, signal, { fast: true });
    if (!response.reconnected) {
      this.#socket?.close();
      throw new ConnectionError("the SFU does not know us any more", {
        code: "not-found",
        retryable: true,
      });
    }
    return response.callState;
  }

  /** Publishes the agent's tracks. */
  async publish(tracks: OwnTracks): Promise<void> {
    this.#assertOpen();
    this.#publisher ??= new Publisher({
      media: this.#options.media,
      iceServers: this.credentials.iceServers,
      signal: this.#signal,
      sessionId: this.sessionId,
      publishOptions: this.#publishOptions,
      videoCodecs: this.#options.videoCodecs,
      onState: (state) => this.#options.events.onPeerState(this, "publisher", state),
      onError: (error, context) => this.#options.events.onError(error, context),
    });
    await this.#publisher.publish(tracks);
  }

  /** Says which tracks are wanted: all of them, each time. */
  async subscribe(tracks: Wanted[]): Promise<void> {
    this.#assertOpen();
    await this.#signal.call("UpdateSubscriptions", { sessionId: this.sessionId, tracks });
  }

  /** Looks for another way through the network. */
  async restartIce(peer: "publisher" | "subscriber"): Promise<void> {
    await (peer === "publisher" ? this.#publisher : this.#subscriber)?.restartIce();
  }

  /** Loses the socket, as a network would. */
  dropSocket(): void {
    const socket = this.#socket;
    if (!socket?.isOpen) return;
    socket.close();
    this.#options.events.onSocketEnd(this, { kind: "closed" });
  }

  /** Uses newer credentials for the same SFU. */
  renew(token: string): void {
    this.credentials.token = token;
    this.#signal.token = token;
  }

  /** Leaves, and releases everything. Idempotent. */
  async close(options: { leave?: string } = {}): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort(new ClosedError("the session"));
    this.#stats?.[Symbol.dispose]();
    for (const watch of this.#watches) watch.stop();
    await Promise.allSettled([
      options.leave === undefined
        ? this.#socket?.close()
        : this.#socket?.leave(this.sessionId, options.leave),
      this.#subscriber?.close(),
      this.#publisher?.close(),
    ]);
  }

  async #open(
    reconnect: Reconnect | undefined,
    signal: AbortSignal,
    options: { fast?: boolean } = {},
  ): Promise<JoinResponse> {
    const { media, clock, silenceMs, videoCodecs, events } = this.#options;
    const { token, socketUrl } = this.credentials;
    const { publisher, subscriber } = await media.capabilities();
    const waiting = this.#waiting = {};
    this.#early.length = 0;
    let socket: SfuSocket | undefined = undefined;
    const isOurs = (): boolean => socket !== undefined && this.#socket === socket;
    socket = await SfuSocket.join({
      url: socketUrl,
      join: {
        token,
        sessionId: this.sessionId,
        unifiedSessionId: this.#options.unifiedId,
        publisherSdp: publisher,
        subscriberSdp: subscriber,
        fastReconnect: options.fast ?? false,
        preferredPublishOptions: videoCodecs.slice(0, 1).map((name) => ({
          trackType: TrackType.VIDEO,
          codec: { name, clockRate: 90_000 },
        })),
        ...(reconnect ? { reconnectDetails: reconnect } : {}),
      },
      onEvent: (event) => {
        if (this.#waiting === waiting) this.#early.push(event);
        else if (isOurs()) this.#onEvent(event);
      },
      onEnd: (end) => {
        if (isOurs()) events.onSocketEnd(this, end);
      },
      onGarbage: (dropped) =>
        events.onError(
          new ConnectionError(`${dropped} frames of the SFU were no messages`, {
            code: "garbage",
            retryable: true,
          }),
          "reading the SFU's socket",
        ),
      silenceMs,
      signal: AbortSignal.any([signal, this.#abort.signal]),
      clock,
    });
    if (this.#abort.signal.aborted) {
      // Who has only just come in leaves; who comes back may be wanted by another try.
      await (reconnect ? socket.close() : socket.leave(this.sessionId, "given up"));
      throw this.#abort.signal.reason;
    }
    if (!socket.isOpen) {
      throw new ConnectionError("the SFU's socket was lost at once", {
        code: "lost",
        retryable: true,
      });
    }
    this.#socket = socket;
    const { response } = socket;
    this.fastDeadlineMs = response.fastReconnectDeadlineSeconds * 1000;
    if (!options.fast) this.#publishOptions = response.publishOptions;
    return response;
  }

  #onEvent(event: SfuPayload): void {
    const { events } = this.#options;
    switch (event.case) {
      case "subscriberOffer":
        this.#subscriber?.accept(event.value).catch((error) => {
          if (this.#abort.signal.aborted) return;
          events.onError(error, "answering the SFU's offer");
          // An answer that did not get through: a restart makes the SFU offer again.
          if (isRetryable(error)) events.onPeerState(this, "subscriber", "failed");
        });
        return;
      case "iceTrickle": {
        const candidate = parseCandidate(event.value.iceCandidate);
        const peer = event.value.peerType === PeerType.PUBLISHER
          ? this.#publisher
          : this.#subscriber;
        if (candidate) peer?.addCandidate(candidate).catch((e) => events.onError(e, "a candidate"));
        return;
      }
      case "iceRestart":
        this.restartIce(event.value.peerType === PeerType.PUBLISHER ? "publisher" : "subscriber")
          .catch((error) => {
            if (!this.#abort.signal.aborted) events.onError(error, "restarting ICE");
          });
        return;
      default:
        events.onEvent(this, event);
    }
  }

  #scheduleStats(): void {
    const { statsIntervalMs } = this.credentials;
    if (statsIntervalMs <= 0 || this.#abort.signal.aborted) return;
    this.#stats = this.#options.clock.schedule(() => {
      this.#sendStats()
        // Nobody misses one report; a lost SFU is noticed elsewhere.
        .catch(() => {})
        .finally(() => this.#scheduleStats());
    }, Math.max(100, statsIntervalMs));
  }

  async #sendStats(): Promise<void> {
    const [subscriber, publisher] = await Promise.all([
      this.#subscriber?.stats() ?? [],
      this.#publisher?.stats() ?? [],
    ]);
    await this.#signal.call("SendStats", {
      sessionId: this.sessionId,
      subscriberStats: JSON.stringify(subscriber),
      publisherStats: JSON.stringify(publisher),
      sdk: "ringline",
      sdkVersion: "0.1.0",
    });
  }

  #assertOpen(): void {
    this.#abort.signal.throwIfAborted();
  }
}

/** The strategies as the SFU is told of them. */
export const STRATEGIES = {
  fast: ReconnectStrategy.FAST,
  rejoin: ReconnectStrategy.REJOIN,
  migrate: ReconnectStrategy.MIGRATE,
} as const;

function isWell(state: RtcConnectionState | undefined): boolean {
  return state !== "failed" && state !== "disconnected" && state !== "closed";
}

function parseCandidate(text: string): RtcCandidate | undefined {
  try {
    const value = JSON.parse(text) as RtcCandidate | null;
    return typeof value?.candidate === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
