/**
 * One agent in one call of Stream's: it joins, reconnects and leaves.
 *
 * @module
 */
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
  EdgeError,
  type JsonValue,
  messageOf,
  TrackType,
} from "@ringline/edge/toolkit";
import type { SfuCredentials } from "../../wire/credentials.ts";
import type { CallParams, IpcMessage, Strategy } from "../../wire/ipc.ts";
import type { CallMedia } from "../sfu/media.ts";
import { IceRestart } from "../sfu/ice_restart.ts";
import type { OwnTracks } from "../sfu/publisher.ts";
import { AgentTracks } from "./agent_tracks.ts";
import { AudioLevels } from "./audio_levels.ts";
import { takeEvent } from "./call_events.ts";
import { CallRoster, keyOf, type Member } from "./call_roster.ts";
import { CallSessions } from "./call_sessions.ts";
import { CredentialRenewal } from "./credential_renewal.ts";
import { MediaRouter } from "./media_router.ts";
import type { PublishingRights, RightsChange } from "./publishing_rights.ts";
import { Reconnector } from "./reconnector.ts";
import { Subscriptions } from "./subscriptions.ts";

/** The agent's id in the audio room, and the id of the SFU as its listener. */
const AGENT = "agent";
const SFU = "sfu";
/** A new size of pictures is declared so much later. */
const RESIZED_MS = 1000;

/** The requests of a call to its broker in the agent's process. */
export interface CallBrokerClient {
  /** Returns credentials for an SFU that is none of `leaving`. */
  credentials(leaving: readonly string[], signal: AbortSignal): Promise<SfuCredentials>;
  /** Returns those of these users that are agents; never rejects. */
  findAgents(userIds: readonly string[]): Promise<ReadonlySet<string>>;
}

/** What {@linkcode StreamCall} needs. */
export interface StreamCallInit {
  connection: AgentConnection;
  params: CallParams;
  media: CallMedia;
  broker: CallBrokerClient;
  clock: Clock;
  log: (level: "debug" | "warn", message: string) => void;
}

/** One agent in one call. */
export class StreamCall {
  readonly #options: StreamCallInit;
  readonly #connection: AgentConnection;
  readonly #abort = new AbortController();
  readonly #roster: CallRoster;
  readonly #router: MediaRouter;
  readonly #subscriptions: Subscriptions;
  readonly #sessions: CallSessions;
  readonly #renewal: CredentialRenewal;
  readonly #reconnector: Reconnector;
  readonly #repair: IceRestart;
  readonly #own: AgentTracks;
  readonly #levels: AudioLevels;
  #voice: RtcTrack | undefined;
  /** Resolves when the call is lost the next time. */
  #lost = Promise.withResolvers<void>();
  #resized: Disposable | undefined;
  #ended = false;

  constructor(options: StreamCallInit) {
    this.#options = options;
    const { connection, clock, media, broker, params, log } = options;
    const { signal } = this.#abort;
    this.#connection = connection;
    this.#own = new AgentTracks({
      before: params.muted ?? [],
      onMuted: (track, muted) => this.#emit({ type: "agentMuted", track, muted }),
      onChange: (muted) => this.#emit({ type: "mutedTracks", muted }),
    });
    this.#levels = new AudioLevels({
      clock,
      emit: (levels) => this.#emit({ type: "audioLevels", levels }),
    });
    this.#router = new MediaRouter(media.audio, connection);
    this.#roster = new CallRoster({
      emit: (message) => connection.send(message),
      findAgents: (userIds) => broker.findAgents(userIds),
      graceMs: params.participantGraceMs,
      known: connection.known,
      clock,
      onFull: (limit) =>
        this.#emitError(
          new EdgeError(
            `the call has more than ${limit} participants: the agent does not see all`,
            {
              code: "too-many-participants",
            },
          ),
          "the call",
        ),
      onChange: (member) => this.#onMember(member),
    });
    this.#subscriptions = new Subscriptions({
      clock,
      members: () => this.#roster.members,
      send: async (list) => await this.#sessions.current?.subscribe(list),
      canSend: () => (this.#sessions.current?.isOnline ?? false) && !this.#reconnector.isRunning,
      onError: (error) => this.#emitError(error, "subscribing"),
      signal,
    });
    this.#sessions = new CallSessions({
      params,
      media,
      pictures: {
        size: () => connection.videoSize,
        limit: (limits) => connection.limitVideo(limits),
      },
      clock,
      roster: this.#roster,
      router: this.#router,
      subscriptions: this.#subscriptions,
      askCredentials: (leaving, signal) => broker.credentials(leaving, signal),
      ownTracks: () => this.#own.allowed,
      onCapabilities: (capabilities) => this.#follow((rights) => rights.follow(capabilities)),
      onRefused: (tracks, error) => this.#onRefused(tracks, error),
      onCurrent: ({ credentials, sessionId }) => {
        this.#emit({ type: "session", sessionId });
        this.#repair.reset();
        this.#renewal.monitor(credentials);
      },
      onEvent: (event) =>
        takeEvent(event, {
          roster: this.#roster,
          onLevels: (levels) => this.#levels.take(levels),
          onDominantSpeaker: (participantId) =>
            this.#emit({ type: "dominantSpeaker", participantId }),
          onQuality: (qualities) => this.#emit({ type: "connectionQuality", qualities }),
          onReconnect: (strategy, reason) => this.#reconnect(strategy, reason),
          onEnded: (reason) => this.#end(reason),
          onLiveEnded: () => {
            const { capabilities } = this.#sessions.current?.credentials ?? params.credentials;
            if (!capabilities?.includes("join-backstage")) this.#end("call-ended");
          },
          onMuted: (type) => this.#follow((rights) => rights.mute(type)),
          onGrants: (grants) => this.#follow((rights) => rights.grant(grants)),
          onError: (error) => this.#emitError(error, "the SFU"),
        }),
      onSocketEnd: ({ kind }) => this.#reconnect("fast", `the socket is ${kind}`),
      onPeerState: (peer, state) => this.#repair.onState(peer, state),
      onError: (error, context) => this.#emitError(error, context),
      onAttemptFailed: (error, doing) => log("warn", `${doing}: ${messageOf(error)}`),
      signal,
    });
    this.#renewal = new CredentialRenewal({
      clock,
      ask: () => broker.credentials([], signal),
      onRenewed: (token) => this.#sessions.current?.renew(token),
      onMoved: () => this.#reconnect("migrate", "the service assigned another SFU"),
      onError: (error) => this.#emitError(error, "renewing the credentials"),
    });
    this.#repair = new IceRestart({
      clock,
      restart: (peer) => this.#sessions.current!.restartIce(peer),
      onLost: (peer) => this.#reconnect("rejoin", `the ${peer} connection failed`),
      onError: (error) => this.#emitError(error, "restarting ICE"),
    });
    this.#reconnector = new Reconnector({
      clock,
      limitMs: params.reconnectTimeoutMs,
      attempt: (strategy, try_) => this.#sessions.reconnect(strategy, try_),
      isHealthy: () => this.#sessions.current?.isHealthy ?? false,
      fastDeadlineMs: () => this.#sessions.current?.fastDeadlineMs ?? 0,
      onStart: () => {
        connection.send({ type: "reconnecting" });
        this.#lost.resolve();
        this.#lost = Promise.withResolvers();
      },
      onReconnected: (result) => {
        this.#sessions.forgetFailures();
        connection.send({ type: "reconnected" });
        this.#emit({ type: "reconnected", ...result });
        this.#catchUp();
      },
      onGivenUp: (error) => {
        this.#emitError(error, "reconnecting");
        this.#end("network");
      },
      onAttemptFailed: (error, strategy) => log("warn", `${strategy}: ${messageOf(error)}`),
    });
  }

  /** Joins; resolves when the agent has received all participants. */
  async join(signal: AbortSignal): Promise<void> {
    const { params, media } = this.#options;
    media.audio.addAgent(this.#connection, {
      memberId: AGENT,
      trackId: `${AGENT}:audio`,
      participantId: AGENT,
    });
    this.#connection.send({ type: "heardDelay", ms: params.heardDelayMs });
    await this.#sessions.join(signal);
  }

  /** Publishes the agent's tracks, and mutes those that it no longer publishes. */
  async publish({ audio, video }: PublishedKinds, { again }: { again: boolean }): Promise<void> {
    if (audio) {
      this.#voice ??= this.#options.media.audio.addListener(SFU, {
        hears: (memberId) => memberId === AGENT,
      });
    }
    const tracks = {
      ...(audio && this.#voice ? { audio: this.#voice } : {}),
      ...(video ? { video: this.#connection.videoTrack } : {}),
    };
    this.#own.want(tracks, { again });
    // A reconnection publishes the tracks itself, also when it begins in the middle of this.
    if (this.#reconnector.isRunning) return;
    const publishing = this.#publish({ again });
    publishing.catch(() => {});
    await Promise.race([publishing, this.#lost.promise]);
  }

  /** The agent's pictures have another size: the SFU learns of it, once they keep it for a moment. */
  videoResized(): void {
    const { clock } = this.#options;
    this.#resized ??= clock.schedule(() => {
      this.#resized = undefined;
      this.#sessions.current?.publisher?.redeclare()
        .catch((error) => this.#emitError(error, "declaring the size of video"));
    }, RESIZED_MS);
  }

  /** Does what others have ordered about the agent's own tracks. */
  #follow(order: (rights: PublishingRights) => readonly RightsChange[]): void {
    if (this.#own.follow(order)) this.#catchUp();
  }

  /** The right to publish was withdrawn during a reconnection: the agent stays, and listens. */
  #onRefused(tracks: OwnTracks, error: unknown): void {
    this.#emitError(error, "publishing");
    this.#follow((rights) => rights.refuse(tracks));
  }

  async #publish({ again = false } = {}): Promise<void> {
    const session = this.#sessions.current;
    const own = this.#own.allowed;
    try {
      await session?.publish(own);
    } catch (error) {
      const code = error instanceof EdgeError ? error.code : "";
      if (code === "no-codec") return this.#emitError(error, "publishing video");
      if (code === "forbidden" && again) {
        await session?.unpublish();
        this.#onRefused(own, error);
        return;
      }
      if (session !== this.#sessions.current || this.#reconnector.isRunning) return;
      if (code !== "not-found") throw error;
      this.#reconnect("rejoin", "the SFU session expired");
    }
  }

  /** Returns the media of a track. */
  videoTrack(trackId: string): RtcTrack | undefined {
    const found = this.#roster.find(trackId);
    return found && this.#router.find(found.member, found.track);
  }

  /** Returns how each participant's audio has arrived from the SFU. */
  async audioStats(): Promise<ParticipantAudioStats[]> {
    const session = this.#sessions.current;
    const reports = await session?.subscriber?.stats() ?? [];
    const byTrack = readAudioStats(reports);
    return [...this.#roster.members].flatMap((member) => {
      const track = session?.track(keyOf(member, TrackType.AUDIO));
      const stats = track && byTrack.get(track.id);
      return stats ? [{ participantId: member.participantId, ...stats }] : [];
    });
  }

  /** Sets or removes the agent's subscription to a track. */
  subscribed(trackId: string, constraints: VideoConstraints | undefined): void {
    this.#subscriptions.set(trackId, constraints);
  }

  /** Reconnects as if the SFU had asked for it, or its socket had been lost. */
  reconnect(strategy: Strategy): void {
    if (strategy === "fast") this.#sessions.current?.dropSocket();
    else this.#reconnect(strategy, "requested by the agent");
  }

  /** Leaves, and releases everything. Idempotent. */
  async leave(): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort(new ClosedError("the call"));
    this.#renewal.stop();
    this.#repair.stop();
    this.#levels.stop();
    this.#resized?.[Symbol.dispose]();
    this.#roster.close();
    await this.#sessions.close();
    await this.#reconnector.stop();
    await this.#sessions.handedOver();
    this.#options.media.audio.close();
  }

  #reconnect(strategy: Strategy, reason: string): void {
    if (this.#abort.signal.aborted || this.#ended) return;
    this.#options.log("debug", `${strategy}: ${reason}`);
    this.#reconnector.request(strategy, reason);
  }

  /** Does what the agent asked for during the reconnection. */
  #catchUp(): void {
    this.#subscriptions.update();
    const { audio, video } = this.#own.wanted;
    const isUsed = this.#sessions.current?.publisher?.isUsed ?? false;
    if ((!audio && !video && !isUsed) || this.#reconnector.isRunning) return;
    this.#publish().catch((error) => this.#emitError(error, "publishing"));
  }

  #onMember(member: Member): void {
    this.#router.sync(member);
    this.#subscriptions.update();
  }

  #end(reason: "call-ended" | "kicked" | "network"): void {
    if (this.#ended) return;
    this.#ended = true;
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
