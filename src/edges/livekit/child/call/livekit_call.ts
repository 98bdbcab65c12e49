/** One agent in one room. @module */
import {
  type JoinResponse,
  type ParticipantInfo,
  type ParticipantPermission,
  UpdateParticipantMetadata,
  UserPacket,
} from "@livekit/protocol";
import {
  type AgentConnection,
  type ParticipantAudioStats,
  type PublishedKinds,
  readAudioStats,
  type RtcTrack,
  type VideoConstraints,
} from "@ringline/edge/media/child";
import {
  type Clock,
  ClosedError,
  ConnectionError,
  EdgeError,
  type JsonValue,
  messageOf,
  TrackType,
  waitFor,
} from "@ringline/edge/toolkit";
import type {
  CallParams,
  IpcMessage,
  MethodCall,
  MethodOutcome,
  Strategy,
  TextStream,
} from "../../wire/ipc.ts";
import { RPC_CODES } from "../../wire/rpc_codes.ts";
import { isUsable } from "../../wire/usable_token.ts";
import type { CallMedia } from "../session/media.ts";
import { type Access, RoomSession } from "../session/room_session.ts";
import type { EndReason, Leaving } from "../signal/leaving.ts";
import type { ServerMessage } from "../signal/signal_socket.ts";
import { AgentTracks } from "./agent_tracks.ts";
import { CallRoster, type Member } from "./call_roster.ts";
import { MediaPath } from "./media_path.ts";
import { MediaRouter } from "./media_router.ts";
import { MethodCalls } from "./method_calls.ts";
import { OutgoingData } from "./outgoing_data.ts";
import { Reconnector } from "./reconnector.ts";
import { RoomData } from "./room_data.ts";
import { takeMessage, undecodable } from "./server_messages.ts";
import { Subscriptions } from "./subscriptions.ts";
import { pressKeys } from "./telephone_keys.ts";
import { textPackets } from "./text_streams.ts";

/** The fewest tries of the first join. */
const JOIN_TRIES = 3;
/** How long pictures of another size must last before the room learns of it. */
const RESIZED_MS = 500;
/** How long a channel for data must be closed until the agent joins anew. */
const DATA_LOST_MS = 1000;
/** The most of an identity that an error shows. */
const MAX_SHOWN = 256;
/** The most kinds of refusals that are reported. */
const MAX_REFUSALS = 32;
/** The reason of a server that goes: another one may be there. */
const SHUTDOWN = "server-shutdown";
/** The code of a track that the server does not take. */
const REFUSED = "publish-refused";
const TRANSCRIPTION = "lk.transcription";
/** The attribute by which a transcription names the track that it is of. */
const TRANSCRIBED = "lk.transcribed_track_id";

/** What {@linkcode LiveKitCall} needs. */
export interface LiveKitCallInit {
  connection: AgentConnection;
  params: CallParams;
  media: CallMedia;
  /** Asks the agent's process for another token. */
  askToken: (signal: AbortSignal) => Promise<string>;
  clock: Clock;
  log: (level: "debug" | "warn", message: string) => void;
}

/** One agent in one room. */
export class LiveKitCall {
  readonly #options: LiveKitCallInit;
  readonly #connection: AgentConnection;
  readonly #abort = new AbortController();
  readonly #roster: CallRoster;
  readonly #router: MediaRouter;
  readonly #subscriptions: Subscriptions;
  readonly #data: RoomData;
  readonly #outgoing: OutgoingData<RoomSession>;
  readonly #methods: MethodCalls;
  readonly #path: MediaPath;
  readonly #reconnector: Reconnector;
  readonly #own: AgentTracks;
  readonly #attributes: Record<string, string>;
  #session: RoomSession | undefined;
  #token: string;
  /** The server in use, of those that there are. */
  #server = 0;
  /** Resolves when the call is lost the next time. */
  #lost = Promise.withResolvers<void>();
  #resized: Disposable | undefined;
  #dataLost: Disposable | undefined;
  #hasEnded = false;
  #isDeaf = false;
  /** What the server refused, and the agent has been told of. */
  readonly #refusals = new Set<string>();

  constructor(options: LiveKitCallInit) {
    this.#options = options;
    const { connection, clock, media, params, log } = options;
    this.#connection = connection;
    this.#token = params.token;
    this.#attributes = { ...params.attributes };
    this.#own = new AgentTracks({
      connection,
      audio: media.audio,
      moderated: params.moderated,
      onModerated: (tracks) => this.#emit({ type: "moderated", tracks }),
      onMuted: ({ kind, muted }) => this.#emit({ type: "agentMuted", track: kind, muted }),
      identityOf: (id) => this.#roster.byParticipantId(id)?.identity,
    });
    this.#subscriptions = new Subscriptions({
      members: () => this.#roster.members,
      hearsAgents: connection.audioSubscription.agents,
      send: (message) => this.#session?.send(message),
      canSend: () => this.#session?.isOnline ?? false,
      onEncrypted: ({ identity }) => {
        const text = `${identity} sends encrypted tracks, which this edge cannot read`;
        this.#emitError(new EdgeError(text, { code: "encrypted" }), "subscribing");
      },
    });
    this.#router = new MediaRouter(media.audio, connection, (id) => this.videoTrack(id));
    this.#roster = new CallRoster({
      emit: (message) => connection.send(message),
      graceMs: params.participantGraceMs,
      known: connection.known,
      clock,
      onChange: (member) => {
        this.#subscriptions.update();
        this.#router.sync(member);
        this.#session?.publisher.audienceChanged();
        if (!this.#roster.member(member.identity)) this.#methods.left(member.identity);
      },
      onUpdate: ({ participantId, about: { name, metadata, attributes } }) =>
        this.#emit({
          type: "participantUpdated",
          participantId,
          name,
          metadata,
          attributes: { ...attributes },
        }),
      onError: (error, identity) =>
        this.#emitError(error, `the participant ${identity.slice(0, MAX_SHOWN)}`),
    });
    this.#outgoing = new OutgoingData({
      session: () => this.#session,
      reconnector: () => this.#reconnector,
      isAllowed: () => this.#own.maySendData,
      clock,
      signal: this.#abort.signal,
    });
    this.#methods = new MethodCalls({
      clock,
      send: (value, identity) => this.#outgoing.send(value, { to: [identity] }),
      emit: (message) => this.#emit(message),
    });
    this.#data = new RoomData({
      roster: this.#roster,
      methods: this.#methods,
      clock,
      emit: (message) => connection.send(message),
      emitEdge: (message) => this.#emit(message),
      onError: (error, context) => this.#emitError(error, context),
    });
    this.#path = new MediaPath({
      clock,
      isReconnecting: () => this.#reconnector.isRunning,
      onLost: (reason) => this.#reconnect("resume", reason),
    });
    this.#reconnector = new Reconnector({
      clock,
      limitMs: params.reconnectTimeoutMs,
      attempt: (strategy, signal) =>
        strategy === "resume" ? this.#resume(signal) : this.#rejoin(signal),
      hasMedia: () => this.#path.carriesMedia(this.#session),
      onStart: () => {
        connection.send({ type: "reconnecting" });
        this.#lost.resolve();
        this.#lost = Promise.withResolvers();
      },
      onReconnected: (result) => {
        connection.send({ type: "reconnected" });
        this.#emit({ type: "reconnected", ...result });
        this.#catchUp();
      },
      onGivenUp: (error) => {
        this.#emitError(error, "reconnecting");
        this.#end("network");
      },
      onAttemptFailed: (error, strategy) => {
        this.#server++;
        log("warn", `${strategy}: ${messageOf(error)}`);
      },
    });
  }

  /** Joins; resolves when the agent has received all participants. */
  async join(signal: AbortSignal): Promise<void> {
    const { params, media, log } = this.#options;
    media.audio.addAgent(this.#connection, AgentTracks.member);
    this.#connection.send({ type: "heardDelay", ms: params.heardDelayMs });
    const tries = Math.max(JOIN_TRIES, params.urls.length);
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#enter(params.participantGraceMs, signal);
      } catch (error) {
        const isLast = !(error instanceof EdgeError && error.retryable) || attempt === tries;
        if (signal.aborted || isLast) throw error;
        log("warn", `joining: ${messageOf(error)}`);
        this.#server++;
      }
    }
  }

  /**
   * Publishes the agent's tracks, and mutes those that it no longer publishes. This ends a moderator's
   * mute, unless they are published `again` in the place of another process.
   */
  async publish(
    tracks: PublishedKinds,
    options: { again: boolean; directed: readonly string[] },
  ): Promise<void> {
    this.#own.want(tracks, options);
    // A reconnection publishes the tracks itself, also when it begins in the middle of this.
    if (this.#reconnector.isRunning) return;
    const publishing = this.#publish();
    publishing.catch(() => {});
    await Promise.race([publishing, this.#lost.promise]);
  }

  /** The agent's pictures have another size: the room learns of it, once they keep it for a moment. */
  videoResized(): void {
    this.#resized ??= this.#options.clock.schedule(() => {
      this.#resized = undefined;
      this.#session?.publisher.resized();
    }, RESIZED_MS);
  }

  /** Returns the media of a track that the agent is subscribed to. */
  videoTrack(trackId: string): RtcTrack | undefined {
    return this.#subscriptions.has(trackId) ? this.#session?.track(trackId) : undefined;
  }

  /** Returns how each participant's audio has arrived from the server. */
  async audioStats(): Promise<ParticipantAudioStats[]> {
    const session = this.#session;
    const byTrack = readAudioStats(await session?.stats() ?? []);
    return [...this.#roster.members].flatMap((member) => {
      const sid = microphoneOf(member);
      const track = sid === undefined ? undefined : session?.track(sid);
      const stats = track && byTrack.get(track.id);
      return stats ? [{ participantId: member.participantId, ...stats }] : [];
    });
  }

  /** Sets or removes the agent's subscription to a video track. */
  subscribed(trackId: string, constraints: VideoConstraints | undefined): void {
    this.#subscriptions.set(trackId, constraints);
  }

  /** Sends a custom event to all participants, or to one. */
  async sendCustomEvent(data: JsonValue, participantId?: string): Promise<void> {
    const payload = new TextEncoder().encode(JSON.stringify(data));
    const to = participantId === undefined ? [] : this.#identitiesOf([participantId]);
    // Sent to no identity it would be sent to all.
    if (participantId !== undefined && to.length === 0) throw absent(participantId);
    await this.#outgoing.send({ case: "user", value: new UserPacket({ payload }) }, { to });
  }

  /** Sends a text as a text stream. */
  async sendText(stream: TextStream): Promise<void> {
    // Of each sentence that could not be shown there would be an error.
    if (stream.topic === TRANSCRIPTION && !this.#own.maySendData) return;
    await this.#outgoing.with((session) => this.#sendText(session, stream));
  }

  async #sendText(
    session: RoomSession,
    { topic, text, attributes, to, participantId }: TextStream,
  ): Promise<void> {
    const member = participantId === undefined
      ? undefined
      : this.#roster.byParticipantId(participantId);
    // In the name of one who has left nothing is sent, and never in the agent's own instead.
    if (participantId !== undefined && !member) return;
    const sid = member ? microphoneOf(member) : session.publisher.sidOf("audio");
    const isTranscription = topic === TRANSCRIPTION;
    const packets = textPackets({
      topic,
      text,
      timestampMs: this.#options.clock.epochMs(),
      attributes: { ...attributes, ...(isTranscription && sid ? { [TRANSCRIBED]: sid } : {}) },
    });
    const identities = this.#identitiesOf(to);
    // As above.
    if (to.length > 0 && identities.length === 0) return;
    const as = member?.identity;
    for (const packet of packets) {
      await session.sendData(packet, { to: identities, ...(as === undefined ? {} : { as }) });
    }
  }

  /** Sets attributes of the agent; an empty text removes one. */
  setAttributes(attributes: Record<string, string>): void {
    Object.assign(this.#attributes, attributes);
    this.#sendAttributes(attributes);
  }

  /** Sends the response to a participant's call of one of the agent's methods. */
  async respond(requestId: string, outcome: MethodOutcome): Promise<void> {
    await this.#methods.respond(requestId, outcome);
  }

  /** Calls a method of a participant. */
  async callMethod(participantId: string, call: MethodCall): Promise<MethodOutcome> {
    const [identity] = this.#identitiesOf([participantId]);
    if (identity !== undefined) return await this.#methods.call(identity, call);
    const { message } = absent(participantId);
    return { failure: { code: RPC_CODES.recipientNotFound, message } };
  }

  /** Presses keys of the telephones that are in the room. */
  async sendDtmf(digits: string): Promise<void> {
    await pressKeys(digits, {
      send: (value) => this.#outgoing.send(value),
      clock: this.#options.clock,
      signal: this.#abort.signal,
    });
  }

  /** Reconnects as if the server had asked for it, or its socket had been lost. */
  reconnect(strategy: Strategy): void {
    if (strategy === "resume") this.#session?.dropSocket();
    else this.#reconnect(strategy, "requested by the agent");
  }

  /** Leaves, and releases everything. Idempotent. */
  async leave(): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort(new ClosedError("the call"));
    this.#path[Symbol.dispose]();
    this.#resized?.[Symbol.dispose]();
    this.#dataLost?.[Symbol.dispose]();
    this.#methods.close();
    this.#data.close();
    await this.#session?.close({ leaves: true });
    await this.#reconnector.stop();
    this.#options.media.audio.close();
  }

  /** The identities of those who are here. */
  #identitiesOf(participantIds: readonly string[]): string[] {
    return participantIds.flatMap((id) => this.#roster.byParticipantId(id)?.identity ?? []);
  }

  get #open(): RoomSession {
    if (this.#session) return this.#session;
    throw new ClosedError("the call");
  }

  #access(): Access {
    const { urls } = this.#options.params;
    return { url: urls[this.#server % urls.length]!, token: this.#token };
  }

  /** Joins with a session of its own. Those who are not there any more may come back within the time. */
  async #enter(graceMs: number, signal: AbortSignal): Promise<void> {
    const { media, clock, params } = this.#options;
    const session = new RoomSession({
      media,
      clock,
      silenceMs: params.silenceTimeoutMs,
      size: () => this.#connection.videoSize,
      identities: () => this.#roster.identities,
      events: {
        onMessage: (from, message) => this.#isCurrent(from) && this.#onMessage(message),
        onSocketEnd: (from, { kind }) => this.#isCurrent(from) && this.#onSocketEnd(from, kind),
        onPeerState: (from, state) => this.#isCurrent(from) && this.#path.onState(state),
        onTracks: (from) => this.#isCurrent(from) && this.#router.syncAll(this.#roster.members),
        onData: (from, packet) => this.#isCurrent(from) && this.#data.receive(packet),
        onDataLost: (from, label) => this.#isCurrent(from) && this.#onDataLost(from, label),
        onError: (error, context) => this.#emitError(error, context),
      },
    });
    const wait = AbortSignal.any([signal, this.#abort.signal]);
    let joined: JoinResponse;
    try {
      joined = await session.join(this.#access(), wait);
      wait.throwIfAborted();
      if (!session.isOnline) throw lostImmediately();
    } catch (error) {
      await session.close({ leaves: true });
      throw error;
    }
    this.#session = session;
    this.#subscriptions.reset();
    this.#permit(session.own.permission);
    this.#roster.replace(session.own, joined.otherParticipants, graceMs);
    this.#data.release();
    session.start();
    this.#sendAttributes(this.#attributes);
  }

  async #resume(signal: AbortSignal): Promise<void> {
    const session = this.#open;
    this.#path.reset();
    await session.resume(this.#access(), this.#subscriptions.sids, signal);
    this.#subscriptions.resumed();
    this.#sendAttributes(this.#attributes);
    await this.#path.connected(session, signal);
  }

  async #rejoin(signal: AbortSignal): Promise<void> {
    const { params, clock } = this.#options;
    const before = this.#session;
    await before?.close({ leaves: true });
    if (!isUsable(this.#token, clock.epochMs())) await this.#renew(signal);
    this.#path.reset();
    try {
      await this.#enter(params.rejoinGraceMs, signal);
    } catch (error) {
      // Another token may be accepted: this one may have been revoked, or be of another clock.
      if ((error as EdgeError).code !== "unauthorized") throw error;
      await this.#renew(signal);
      await this.#enter(params.rejoinGraceMs, signal);
    }
    const session = this.#open;
    try {
      const publishing = session.publisher.publish(this.#own.allowed);
      await waitFor(publishing, "publishing", { signal, clock });
    } catch (error) {
      // The agent still hears the room.
      if ((error as EdgeError).code !== REFUSED) throw error;
      this.#emitError(error, "publishing");
    }
    await this.#path.connected(session, signal);
  }

  async #renew(signal: AbortSignal): Promise<void> {
    this.#token = await this.#options.askToken(signal);
  }

  #isCurrent(session: RoomSession): boolean {
    return session === this.#session && !this.#abort.signal.aborted;
  }

  #reconnect(strategy: Strategy, reason: string): void {
    if (this.#abort.signal.aborted || this.#hasEnded) return;
    this.#options.log("debug", `${strategy}: ${reason}`);
    this.#reconnector.request(strategy);
  }

  #onSocketEnd({ publisher }: RoomSession, kind: string): void {
    // Whether the server has a track for which it was asked is not known then: in a new session it is.
    this.#reconnect(publisher.isAsking ? "rejoin" : "resume", `the socket is ${kind}`);
  }

  #onDataLost(session: RoomSession, label: string): void {
    // Channels also close where more is lost, or the server says why in the next moment.
    this.#dataLost?.[Symbol.dispose]();
    this.#dataLost = this.#options.clock.schedule(() => {
      this.#dataLost = undefined;
      if (!this.#isCurrent(session) || session.peerState !== "connected") return;
      if (!this.#reconnector.isRunning) this.#rejoinForData(label);
    }, DATA_LOST_MS);
  }

  #rejoinForData(label: string): void {
    const text = `the data channel ${label} has closed: the agent joins anew`;
    this.#emitError(new ConnectionError(text, { code: "lost", retryable: true }), "the room");
    this.#reconnect("rejoin", text);
  }

  #onMessage(message: ServerMessage): void {
    takeMessage(message, {
      onParticipants: (participants) => this.#onParticipants(participants),
      onMuted: (sid, muted) => {
        const kind = this.#session?.publisher.kindOf(sid);
        if (kind) this.#follow((rights) => rights.mute(kind, muted));
      },
      onLeave: (leaving) => this.#onLeave(leaving),
      onToken: (token) => {
        this.#token = token;
        this.#emit({ type: "tokenRenewed", token });
      },
      onMoved: (own, others) => this.#roster.replace(own, others),
      onUndecodable: (sid) => {
        const who = this.#roster.find(sid)?.member.identity ?? sid;
        this.#emitError(undecodable(who), "subscribing");
      },
      onTrackRefused: (cid, reason) => this.#session?.publisher.onRefusal(cid, reason),
      onError: (error) => this.#onRefusal(error),
    });
  }

  /** Says once what the server refuses each time, such as attributes of an agent without the right. */
  #onRefusal(error: EdgeError): void {
    if (this.#refusals.has(error.message) || this.#refusals.size === MAX_REFUSALS) return;
    this.#refusals.add(error.message);
    this.#emitError(error, "the room");
  }

  #onParticipants(participants: readonly ParticipantInfo[]): void {
    const { own, publisher } = this.#open;
    const ours = participants.find(({ sid }) => sid === own.sid);
    if (ours) {
      this.#permit(ours.permission);
      for (const kind of publisher.confirm(ours.tracks)) {
        this.#follow((rights) => rights.mute(kind, true));
      }
    }
    this.#roster.update(participants);
    this.#data.release();
  }

  #onLeave(leaving: Leaving): void {
    const { name } = leaving;
    if (leaving.comesBack) return this.#reconnect(leaving.strategy, name);
    if (name === SHUTDOWN && this.#options.params.urls.length > 1) {
      this.#server++;
      return this.#reconnect("rejoin", name);
    }
    if (leaving.reason === "network") {
      const text = `the server has ended the session: ${name}`;
      this.#emitError(new ConnectionError(text, { code: name }), "the room");
    }
    this.#end(leaving.reason);
  }

  /** Takes what the agent may do. The server says nothing to one that it sends no sound. */
  #permit(permission: ParticipantPermission | undefined): void {
    this.#follow((rights) => rights.permit(permission));
    const isDeaf = permission?.canSubscribe === false;
    if (isDeaf && !this.#isDeaf) {
      const text =
        "the agent has no right to hear and see others (canSubscribe): its token, or a " +
        "moderator, gives none";
      this.#emitError(new EdgeError(text, { code: "forbidden" }), "subscribing");
    }
    this.#isDeaf = isDeaf;
  }

  /** Does what others have ordered about the agent's own tracks, and reports it. */
  #follow(order: Parameters<AgentTracks["follow"]>[0]): void {
    if (this.#own.follow(order)) this.#catchUp();
  }

  async #publish(): Promise<void> {
    const session = this.#session;
    const { allowed, ending } = this.#own;
    try {
      await session?.publisher.publish(allowed);
      this.#own.release(ending);
    } catch (error) {
      // The next session publishes them.
      if (session === this.#session && !this.#reconnector.isRunning) throw error;
    }
  }

  /** Does what the agent asked for during the reconnection. */
  #catchUp(): void {
    this.#subscriptions.update();
    if (this.#reconnector.isRunning || !this.#session) return;
    this.#publish().catch((error) => this.#emitError(error, "publishing"));
  }

  #sendAttributes(attributes: Record<string, string>): void {
    if (Object.keys(attributes).length === 0) return;
    // Without a name and metadata these stay: others may have changed them.
    const value = new UpdateParticipantMetadata({ attributes });
    this.#session?.send({ case: "updateMetadata", value });
  }

  #end(reason: EndReason): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#connection.send({ type: "ended", reason });
  }

  #emit(message: IpcMessage): void {
    this.#connection.send({ type: "edge", data: message as unknown as JsonValue });
  }

  #emitError(error: unknown, context: string): void {
    if (this.#abort.signal.aborted) return;
    const { code, retryable } = error instanceof EdgeError
      ? error
      : { code: "failed", retryable: false };
    const message = `${context}: ${messageOf(error)}`;
    this.#connection.send({ type: "error", code, message, retryable });
  }
}

function microphoneOf({ tracks }: Member): string | undefined {
  return tracks.values().find(({ type }) => type === TrackType.AUDIO)?.id;
}

function absent(participantId: string): EdgeError {
  const text = `${participantId} is not in the room`;
  return new EdgeError(text, { code: "participant-left" });
}

function lostImmediately(): ConnectionError {
  const text = "the server's socket was lost right after the join";
  return new ConnectionError(text, { code: "lost", retryable: true });
}
