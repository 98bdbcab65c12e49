/**
 * One session in a room: a socket and the connection. A resumption replaces only the socket.
 *
 * @module
 */
import {
  DataChannelInfo,
  DataPacket,
  DataPacket_Kind,
  type ICEServer,
  type JoinResponse,
  ReconnectReason,
  SignalTarget,
  SyncState,
  UpdateSubscription,
} from "@livekit/protocol";
import type { RtcConnectionState, RtcIceServer, RtcTrack } from "@ringline/edge/media/child";
import {
  type Clock,
  ClosedError,
  ConnectionError,
  ProtocolError,
  type SocketEnd,
  waitFor,
} from "@ringline/edge/toolkit";
import { joinUrl } from "../signal/join_url.ts";
import { type ClientMessage, type ServerMessage, SignalSocket } from "../signal/signal_socket.ts";
import { Audience } from "./audience.ts";
import type { CallMedia } from "./media.ts";
import { type PictureSize, Publisher } from "./publisher.ts";
import { RoomPeer } from "./room_peer.ts";

/** Time limit for the answer to an offer. */
const ANSWER_MS = 10_000;

/** The callbacks of a session. */
export interface SessionEvents {
  /** A message that the session does not handle itself. */
  onMessage(session: RoomSession, message: ServerMessage): void;
  onSocketEnd(session: RoomSession, end: SocketEnd): void;
  onPeerState(session: RoomSession, state: RtcConnectionState): void;
  /** Others' tracks may have media now, or have none any longer. */
  onTracks(session: RoomSession): void;
  onData(session: RoomSession, packet: DataPacket): void;
  /** A channel for data has closed by itself. */
  onDataLost(session: RoomSession, label: string): void;
  onError(error: unknown, context: string): void;
}

/** What {@linkcode RoomSession} needs. */
export interface SessionInit {
  media: CallMedia;
  clock: Clock;
  silenceMs: number;
  size: () => PictureSize | undefined;
  /** The identities of the room's participants. */
  identities: () => IteratorObject<string>;
  events: SessionEvents;
}

/** The address of a server, and the token for it. */
export interface Access {
  url: string;
  token: string;
}

/** One session, for one join. */
export class RoomSession {
  readonly publisher: Publisher;
  readonly #options: SessionInit;
  readonly #peer: RoomPeer;
  readonly #abort = new AbortController();
  #socket: SignalSocket | undefined;
  #join: JoinResponse | undefined;
  /** Messages that came before the session was started; `undefined` afterwards. */
  #early: ServerMessage[] | undefined = [];
  #sent = 0;
  /** The number of the last packet of each participant: a server may repeat what it sent before. */
  readonly #received = new Map<string, number>();

  constructor(options: SessionInit) {
    this.#options = options;
    const { media, clock, size, identities, events } = options;
    const send = (message: ClientMessage) => this.send(message);
    this.#peer = new RoomPeer({
      media,
      clock,
      send,
      onState: (state) => events.onPeerState(this, state),
      onTracks: () => events.onTracks(this),
      onData: (message) => this.#onData(message),
      onDataLost: (label) => events.onDataLost(this, label),
      onError: (error, context) => this.#report(error, context),
    });
    const audience = new Audience({ send, identities });
    this.publisher = new Publisher({ clock, send, size, audience, peer: this.#peer });
  }

  /** The agent as a participant; once joined. */
  get own(): NonNullable<JoinResponse["participant"]> {
    return this.#join!.participant!;
  }

  /** Whether the socket is open. */
  get isOnline(): boolean {
    return this.#socket?.isOpen ?? false;
  }

  /** Whether it is over. */
  get isClosed(): boolean {
    return this.#abort.signal.aborted;
  }

  /** The state of the connection. */
  get peerState(): RtcConnectionState {
    return this.#peer.state;
  }

  /** Returns the media of a track, if the server sends it. */
  track(sid: string): RtcTrack | undefined {
    return this.#peer.track(sid);
  }

  /** Returns WebRTC's statistics. */
  stats(): Promise<Record<string, unknown>[]> {
    return this.#peer.stats();
  }

  /** Joins. Later messages wait for {@linkcode RoomSession.start}. */
  async join(access: Access, signal: AbortSignal): Promise<JoinResponse> {
    const publisherOffer = await this.#peer.firstOffer();
    const first = await this.#open(access, { publisherOffer }, signal);
    if (first.case !== "join" || !first.value.participant) {
      throw new ProtocolError(`joining the room: expected a join, got ${first.case}`, {
        code: "bad-response",
        retryable: true,
      });
    }
    this.#join = first.value;
    await this.#peer.start(iceServersOf(first.value.iceServers));
    return first.value;
  }

  /** Delivers messages from now on; those that waited come first. */
  start(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const message of early) this.#onMessage(message);
  }

  /**
   * Opens another socket for the same session, and looks for a path through the network.
   *
   * @throws {EdgeError} `state-mismatch` and others: the server has no such session any more.
   */
  async resume(
    access: Access,
    subscribed: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    // Not awaited: a silent socket would not confirm the close either.
    this.#socket?.close();
    this.#early = [];
    const first = await this.#open(access, {
      reconnect: true,
      reconnectReason: ReconnectReason.RR_SIGNAL_DISCONNECTED,
      participantSid: this.own.sid,
    }, signal);
    this.send({ case: "syncState", value: this.#syncState(subscribed) });
    if (!this.isOnline) throw lostAgain();
    this.publisher.resumed();
    const early: ServerMessage[] = this.#early ?? [];
    // What it did not know of a reconnection is an event like any other.
    if (first.case !== "reconnect") early.unshift(first);
    this.start();
    const restarted = this.#peer.restartIce();
    await waitFor(restarted, "the answer", {
      timeoutMs: ANSWER_MS,
      signal: AbortSignal.any([signal, this.#abort.signal]),
      clock: this.#options.clock,
    });
  }

  /** Sends a message; does nothing while the socket is not open. */
  send(message: ClientMessage): void {
    this.#socket?.send(message);
  }

  /** Sends data to these identities, or to all if there is none. */
  async sendData(
    value: DataPacket["value"],
    { reliable = true, to = [], as }: {
      reliable?: boolean;
      to?: readonly string[];
      /** The identity of the participant in whose name it is sent. Default: the agent's own. */
      as?: string;
    } = {},
  ): Promise<void> {
    this.#abort.signal.throwIfAborted();
    const packet = new DataPacket({
      kind: reliable ? DataPacket_Kind.RELIABLE : DataPacket_Kind.LOSSY,
      participantIdentity: as ?? this.own.identity,
      participantSid: this.own.sid,
      destinationIdentities: [...to],
      ...(reliable ? { sequence: ++this.#sent } : {}),
      value,
    });
    await this.#peer.sendData(packet.toBinary(), { reliable });
  }

  /** Drops the socket, as a network failure would. */
  dropSocket(): void {
    if (!this.#socket?.isOpen) return;
    this.#socket.close();
    this.#options.events.onSocketEnd(this, { kind: "closed" });
  }

  /** Leaves, or only disappears, and releases everything. Idempotent. */
  async close({ leaves }: { leaves: boolean }): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort(new ClosedError("the session"));
    await Promise.allSettled([
      leaves ? this.#socket?.leave() : this.#socket?.close(),
      this.publisher.close().then(() => this.#peer.close()),
    ]);
  }

  async #open(
    { url, token }: Access,
    init: Parameters<typeof joinUrl>[1],
    signal: AbortSignal,
  ): Promise<ServerMessage> {
    const { clock, silenceMs, events } = this.#options;
    let socket: SignalSocket | undefined = undefined;
    const isOurs = () => !this.#abort.signal.aborted && (!socket || this.#socket === socket);
    socket = await SignalSocket.open({
      url: await joinUrl(url, init),
      token,
      silenceMs,
      clock,
      onMessage: (message) => {
        if (!isOurs()) return;
        if (this.#early) this.#early.push(message);
        else this.#onMessage(message);
      },
      onEnd: (end) => {
        if (socket && isOurs()) events.onSocketEnd(this, end);
      },
      onGarbage: (dropped) => {
        const text = `dropped ${dropped} malformed messages of the server`;
        const error = new ConnectionError(text, { code: "garbage", retryable: true });
        this.#report(error, "reading the server's socket");
      },
      signal: AbortSignal.any([signal, this.#abort.signal]),
    });
    if (this.#abort.signal.aborted) {
      await socket.leave();
      throw this.#abort.signal.reason;
    }
    this.#socket = socket;
    return socket.first;
  }

  #onMessage(message: ServerMessage): void {
    switch (message.case) {
      case "answer":
        this.#peer.accept(message.value)
          .catch((error) => this.#report(error, "accepting the server's answer"));
        return;
      case "trickle":
        this.#peer.addCandidate(message.value)
          .catch((error) => this.#report(error, "adding a candidate"));
        return;
      case "mediaSectionsRequirement":
        return this.#peer.require(message.value);
      case "trackPublished":
        return this.publisher.onConsent(message.value);
      case "trackUnpublished":
        this.publisher.onRemoved(message.value.trackSid)
          .catch((error) => this.#report(error, "removing a track"));
        return this.#options.events.onMessage(this, message);
      default:
        this.#options.events.onMessage(this, message);
    }
  }

  #onData(message: Uint8Array): void {
    let packet: DataPacket;
    try {
      packet = DataPacket.fromBinary(message);
    } catch {
      const error = new ProtocolError("dropped a malformed message of data", { code: "garbage" });
      return this.#report(error, "reading data");
    }
    const { participantSid, sequence } = packet;
    if (sequence > 0 && participantSid !== "") {
      if (sequence <= (this.#received.get(participantSid) ?? 0)) return;
      this.#received.set(participantSid, sequence);
    }
    if (!this.#abort.signal.aborted) this.#options.events.onData(this, packet);
  }

  #syncState(trackSids: readonly string[]): SyncState {
    return new SyncState({
      ...this.#peer.descriptions,
      subscription: new UpdateSubscription({ trackSids: [...trackSids], subscribe: true }),
      publishTracks: this.publisher.published,
      dataChannels: this.#peer.channels.flatMap(({ label, id }) =>
        id === null ? [] : [new DataChannelInfo({ label, id, target: SignalTarget.PUBLISHER })]
      ),
      datachannelReceiveStates: [...this.#received].map(([publisherSid, lastSeq]) => ({
        publisherSid,
        lastSeq,
      })),
    });
  }

  #report(error: unknown, context: string): void {
    if (!this.#abort.signal.aborted) this.#options.events.onError(error, context);
  }
}

function lostAgain(): ConnectionError {
  const text = "the server's socket was lost right after it was opened again";
  return new ConnectionError(text, { code: "lost", retryable: true });
}

function iceServersOf(servers: readonly ICEServer[]): RtcIceServer[] {
  return servers.flatMap(({ urls, username, credential }) =>
    urls.length === 0
      ? []
      : [{ urls, ...(username ? { username } : {}), ...(credential ? { credential } : {}) }]
  );
}
