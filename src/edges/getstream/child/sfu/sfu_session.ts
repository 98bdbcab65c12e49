/**
 * One session with one SFU: a socket, a client of its signal server, and the two connections.
 *
 * @module
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type Clock,
  ClosedError,
  ConnectionError,
  ProtocolError,
  type SocketEnd,
} from "@ringline/edge/toolkit";
import type { RtcConnectionState, RtcTrack } from "@ringline/edge/media/child";
import type { SfuCredentials } from "../../wire/credentials.ts";
import {
  type CallState,
  type JoinResponse,
  PeerType,
  type PublishOption,
  type TrackSubscriptionSchema,
} from "../proto/signal_pb.ts";
import { EventBuffer } from "./event_buffer.ts";
import { isFast, joinRequest, type Reconnect } from "./join_request.ts";
import type { CallMedia } from "./media.ts";
import { IceConsentMonitor } from "./ice_consent_monitor.ts";
import { type OwnPictures, type OwnTracks, Publisher } from "./publisher.ts";
import type { PeerName, SfuConnection, SfuConnectionInit } from "./sfu_connection.ts";
import { type SfuPayload, SfuSocket } from "./sfu_socket.ts";
import { SignalClient } from "./signal_client.ts";
import { StatsReporter } from "./stats_reporter.ts";
import { Subscriber } from "./subscriber.ts";

/** A track to subscribe to, and the size for video. */
export type Wanted = MessageInitShape<typeof TrackSubscriptionSchema>;

/** The callbacks of a session. */
export interface SessionEvents {
  /** An event that the session does not handle itself. */
  onEvent(session: SfuSession, event: SfuPayload): void;
  onSocketEnd(session: SfuSession, end: SocketEnd): void;
  onPeerState(session: SfuSession, peer: PeerName, state: RtcConnectionState): void;
  /** A track has arrived. */
  onTrack(session: SfuSession): void;
  onError(error: unknown, context: string): void;
}

/** What {@linkcode SfuSession} needs. */
export interface SessionInit {
  credentials: SfuCredentials;
  sessionId: string;
  /** The same through all sessions of one agent in one call. */
  unifiedId: string;
  videoCodecs: readonly string[];
  media: CallMedia;
  pictures: OwnPictures;
  /** What the SFU asked for in the session before. Default: there was none. */
  publishOptions?: readonly PublishOption[];
  events: SessionEvents;
  clock: Clock;
  silenceMs: number;
}

/** One session, for one join; a FAST reconnection replaces only its socket. */
export class SfuSession {
  readonly credentials: SfuCredentials;
  readonly sessionId: string;
  readonly #options: SessionInit;
  readonly #abort = new AbortController();
  readonly #signal: SignalClient;
  #socket: SfuSocket | undefined;
  #subscriber: Subscriber | undefined;
  #publisher: Publisher | undefined;
  #publishOptions: readonly PublishOption[];
  /** The monitors of the connections. */
  #observers: { stop(): void }[] = [];
  #buffer: EventBuffer | undefined;
  /** For how long the SFU keeps the session without a socket, in milliseconds. */
  fastDeadlineMs = 0;

  constructor(options: SessionInit) {
    this.#options = options;
    this.credentials = options.credentials;
    this.sessionId = options.sessionId;
    this.#publishOptions = options.publishOptions ?? [];
    this.#signal = new SignalClient({
      url: options.credentials.url,
      token: options.credentials.token,
      clock: options.clock,
      signal: this.#abort.signal,
    });
  }

  /** The connection that publishes, once there is one. */
  get publisher(): Publisher | undefined {
    return this.#publisher;
  }

  /** What the SFU asks the agent to publish. */
  get publishOptions(): readonly PublishOption[] {
    return this.#publishOptions;
  }

  /** The connection that subscribes, once there is one. */
  get subscriber(): Subscriber | undefined {
    return this.#subscriber;
  }

  /** Returns the track that the SFU sends under this key. */
  track(key: string): RtcTrack | undefined {
    return this.#subscriber?.track(key);
  }

  /** Whether the socket is open. */
  get isOnline(): boolean {
    return this.#socket?.isOpen ?? false;
  }

  /** Whether no connection has failed. */
  get isHealthy(): boolean {
    return this.#connections.every(({ state }) =>
      state !== "failed" && state !== "disconnected" && state !== "closed"
    );
  }

  /** Whether all connections in use are connected. */
  get isConnected(): boolean {
    return this.#connections.every(({ isUsed, state }) => !isUsed || state === "connected");
  }

  get #connections(): SfuConnection[] {
    return [this.#subscriber, this.#publisher].filter((one) => one !== undefined);
  }

  /** Joins; returns the state of the call. Later events wait for {@linkcode SfuSession.start}. */
  async join(
    reconnect: Reconnect | undefined,
    signal: AbortSignal,
  ): Promise<CallState | undefined> {
    const { clock, credentials, events } = this.#options;
    const response = await this.#open(reconnect, signal);
    this.#subscriber = new Subscriber({
      ...this.#connectionOptions("subscriber"),
      onTrack: () => events.onTrack(this),
    });
    this.#observers = [
      new StatsReporter({
        clock,
        intervalMs: credentials.statsIntervalMs,
        signal: this.#signal,
        sessionId: this.sessionId,
        subscriber: () => this.#subscriber,
        publisher: () => this.#publisher,
      }),
      ...(["publisher", "subscriber"] as const).map((peer) =>
        new IceConsentMonitor({
          clock,
          stats: () => this[peer]?.stats() ?? Promise.resolve([]),
          onDead: () => events.onPeerState(this, peer, "failed"),
          onAlive: () => events.onPeerState(this, peer, "connected"),
        })
      ),
    ];
    return response.callState;
  }

  /** Delivers events from now on; those that waited come first. */
  start(): void {
    this.#buffer?.open();
  }

  /** Opens a new socket and keeps everything else; call {@linkcode SfuSession.start} afterwards. */
  async resume(reconnect: Reconnect, signal: AbortSignal): Promise<CallState | undefined> {
    // Not awaited: a silent socket would not confirm the close either.
    this.#socket?.close();
    const response = await this.#open(reconnect, signal);
    if (!response.reconnected) {
      this.#socket?.close();
      throw new ConnectionError("the SFU session expired: rejoin", {
        code: "not-found",
        retryable: true,
      });
    }
    return response.callState;
  }

  /** Publishes the agent's tracks. */
  async publish(tracks: OwnTracks): Promise<void> {
    this.#abort.signal.throwIfAborted();
    this.#publisher ??= new Publisher({
      ...this.#connectionOptions("publisher"),
      publishOptions: this.#publishOptions,
      videoCodecs: this.#options.videoCodecs,
      audio: this.credentials.audio ?? { dtx: true, red: false },
      pictures: this.#options.pictures,
    });
    await this.#publisher.publish(tracks);
  }

  /** Discards the connection that publishes; the next publication opens another one. */
  async unpublish(): Promise<void> {
    const publisher = this.#publisher;
    this.#publisher = undefined;
    await publisher?.close();
  }

  /** Sends the whole list of tracks to subscribe to. */
  async subscribe(tracks: Wanted[]): Promise<void> {
    this.#abort.signal.throwIfAborted();
    await this.#signal.call("UpdateSubscriptions", { sessionId: this.sessionId, tracks });
  }

  /** Looks for another path through the network. */
  async restartIce(peer: PeerName): Promise<void> {
    await this[peer]?.restartIce();
  }

  /** Drops the socket, as a network failure would. */
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
  async close(options: { leave?: string; moved?: boolean } = {}): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort(new ClosedError("the session"));
    for (const observer of this.#observers) observer.stop();
    await Promise.allSettled([
      options.leave === undefined
        ? this.#socket?.close({ moved: options.moved ?? false })
        : this.#socket?.leave(this.sessionId, options.leave),
      ...this.#connections.map((connection) => connection.close()),
    ]);
  }

  #connectionOptions(peer: PeerName): SfuConnectionInit {
    const { media, events } = this.#options;
    return {
      media,
      iceServers: this.credentials.iceServers,
      signal: this.#signal,
      sessionId: this.sessionId,
      onState: (state) => events.onPeerState(this, peer, state),
      onError: (error, context) => events.onError(error, context),
    };
  }

  async #open(reconnect: Reconnect | undefined, signal: AbortSignal): Promise<JoinResponse> {
    const { media, clock, silenceMs, unifiedId, videoCodecs, events } = this.#options;
    const { sessionId } = this;
    const { token, socketUrl } = this.credentials;
    const capabilities = await media.capabilities();
    let socket: SfuSocket | undefined = undefined;
    const isOurs = (): boolean => socket !== undefined && this.#socket === socket;
    const buffer = this.#buffer = new EventBuffer((event) => {
      if (isOurs()) this.#onEvent(event);
    });
    socket = await SfuSocket.join({
      url: socketUrl,
      join: joinRequest({
        token,
        sessionId,
        unifiedId,
        videoCodecs,
        capabilities,
        reconnect,
        publishOptions: this.#publishOptions,
      }),
      onEvent: (event) => buffer.push(event),
      onEnd: (end) => {
        if (isOurs()) events.onSocketEnd(this, end);
      },
      onGarbage: (dropped) =>
        events.onError(
          new ConnectionError(`dropped ${dropped} malformed frames of the SFU`, {
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
      // A new session leaves; another try may still resume a session that reconnects.
      await (reconnect ? socket.close() : socket.leave(sessionId, "given up"));
      throw this.#abort.signal.reason;
    }
    if (!socket.isOpen) {
      throw new ConnectionError("the SFU's socket was lost right after the join", {
        code: "lost",
        retryable: true,
      });
    }
    this.#socket = socket;
    const { response } = socket;
    this.fastDeadlineMs = response.fastReconnectDeadlineSeconds * 1000;
    if (!isFast(reconnect)) this.#publishOptions = response.publishOptions;
    return response;
  }

  async #acceptOffer(
    offer: Extract<SfuPayload, { case: "subscriberOffer" }>["value"],
  ): Promise<void> {
    await this.#options.media.handling?.();
    await this.#subscriber?.accept(offer);
  }

  #onEvent(event: SfuPayload): void {
    const { events } = this.#options;
    switch (event.case) {
      case "subscriberOffer":
        this.#acceptOffer(event.value).catch((error) => {
          if (this.#abort.signal.aborted) return;
          events.onError(error, "answering the SFU's offer");
          // The answer did not arrive, or was refused: a restart makes the SFU offer again.
          if (!(error instanceof ProtocolError)) events.onPeerState(this, "subscriber", "failed");
        });
        return;
      case "iceTrickle": {
        const { peerType, iceCandidate } = event.value;
        this[nameOf(peerType)]?.addCandidate(iceCandidate)
          .catch((error) => events.onError(error, "adding a candidate"));
        return;
      }
      case "changePublishOptions": {
        const { publishOptions } = event.value;
        this.#publishOptions = publishOptions;
        this.#publisher?.setOptions(publishOptions)
          .catch((error) => this.#report(error, "publishing in other codecs"));
        return;
      }
      case "changePublishQuality":
        this.#publisher?.setQuality(event.value.videoSenders)
          .catch((error) => this.#report(error, "changing the quality of video"));
        return;
      case "iceRestart":
        this.restartIce(nameOf(event.value.peerType))
          .catch((error) => this.#report(error, "restarting ICE"));
        return;
      default:
        events.onEvent(this, event);
    }
  }

  #report(error: unknown, context: string): void {
    if (!this.#abort.signal.aborted) this.#options.events.onError(error, context);
  }
}

function nameOf(type: PeerType): PeerName {
  return type === PeerType.PUBLISHER ? "publisher" : "subscriber";
}
