/**
 * One agent in one call of Stream's: joining, coming back, and leaving.
 *
 * @module
 */
import type {
  AgentConnection,
  PublishedTracks,
  RtcTrack,
  VideoConstraints,
} from "@ringline/edge/media/child";
import {
  type Clock,
  ClosedError,
  EdgeError,
  type JsonValue,
  messageOf,
} from "@ringline/edge/toolkit";
import type { SfuCredentials } from "../../wire/credentials.ts";
import type { CallParams, IpcMessage, LevelData, Strategy } from "../../wire/ipc.ts";
import type { CallMedia } from "../sfu/media.ts";
import { IceRestart } from "../sfu/ice_restart.ts";
import type { OwnTracks } from "../sfu/publisher.ts";
import { takeEvent } from "./call_events.ts";
import { CallRoster, type Member } from "./call_roster.ts";
import { CallSessions } from "./call_sessions.ts";
import { CredentialRenewal } from "./credential_renewal.ts";
import { MediaRouter } from "./media_router.ts";
import { Reconnector } from "./reconnector.ts";
import { Subscriptions } from "./subscriptions.ts";

/** The agent among the members of its room, and the SFU as the one who listens to it. */
const AGENT = "agent";
const SFU = "sfu";
/** The agent is told of levels at most this often. */
const LEVELS_MS = 100;

/** What the agent's process does for a call. */
export interface CallBrokerPort {
  /** The right to go to an SFU that is none of `leaving`. */
  credentials(leaving: readonly string[], signal: AbortSignal): Promise<SfuCredentials>;
  /** Which of these users are agents; never rejects. */
  findAgents(userIds: readonly string[]): Promise<ReadonlySet<string>>;
}

/** What a {@linkcode StreamCall} needs. */
export interface StreamCallOptions {
  port: AgentConnection;
  params: CallParams;
  media: CallMedia;
  desk: CallBrokerPort;
  clock: Clock;
  log: (level: "debug" | "warn", message: string) => void;
}

/** One agent in one call. */
export class StreamCall {
  readonly #options: StreamCallOptions;
  readonly #port: AgentConnection;
  readonly #abort = new AbortController();
  readonly #roster: CallRoster;
  readonly #router: MediaRouter;
  readonly #subscriptions: Subscriptions;
  readonly #sessions: CallSessions;
  readonly #renewal: CredentialRenewal;
  readonly #reconnector: Reconnector;
  readonly #repair: IceRestart;
  #own: OwnTracks = {};
  #voice: RtcTrack | undefined;
  #levelsAt = -Infinity;
  #ended = false;

  constructor(options: StreamCallOptions) {
    this.#options = options;
    const { port, clock, media, desk, params, log } = options;
    const { signal } = this.#abort;
    this.#port = port;
    this.#router = new MediaRouter(media.audio, port);
    this.#roster = new CallRoster({
      notify: (notice) => port.send(notice),
      findAgents: (userIds) => desk.findAgents(userIds),
      onChange: (member) => this.#onMember(member),
    });
    this.#subscriptions = new Subscriptions({
      clock,
      members: () => this.#roster.members,
      send: async (list) => await this.#sessions.current?.subscribe(list),
      canSend: () => (this.#sessions.current?.isOnline ?? false) && !this.#reconnector.isRunning,
      onError: (error) => this.#tellError(error, "subscribing"),
      signal,
    });
    this.#sessions = new CallSessions({
      params,
      media,
      clock,
      roster: this.#roster,
      router: this.#router,
      subscriptions: this.#subscriptions,
      askCredentials: (leaving, signal) => desk.credentials(leaving, signal),
      ownTracks: () => this.#own,
      onCurrent: ({ credentials }) => {
        this.#repair.reset();
        this.#renewal.watch(credentials);
      },
      onEvent: (event) =>
        takeEvent(event, {
          roster: this.#roster,
          onLevels: (levels) => this.#tellLevels(levels),
          onReconnect: (strategy, reason) => this.#reconnect(strategy, reason),
          onEnded: () => this.#end("call-ended"),
          onError: (error) => this.#tellError(error, "the SFU"),
        }),
      onSocketEnd: ({ kind }) => this.#reconnect("fast", `the socket is ${kind}`),
      onPeerState: (peer, state) => this.#repair.onState(peer, state),
      onError: (error, context) => this.#tellError(error, context),
      onFailure: (error, doing) => log("warn", `${doing}: ${messageOf(error)}`),
      signal,
    });
    this.#renewal = new CredentialRenewal({
      clock,
      ask: () => desk.credentials([], signal),
      onRenewed: (token) => this.#sessions.current?.renew(token),
      onMoved: () => this.#reconnect("migrate", "our credentials end"),
      onError: (error) => this.#tellError(error, "renewing the credentials"),
    });
    this.#repair = new IceRestart({
      clock,
      restart: (peer) => this.#sessions.current!.restartIce(peer),
      onLost: (peer) => this.#reconnect("rejoin", `the ${peer} connection failed`),
      onError: (error) => this.#tellError(error, "restarting ICE"),
    });
    this.#reconnector = new Reconnector({
      clock,
      limitMs: params.reconnectTimeoutMs,
      attempt: (strategy, try_) => this.#sessions.reconnect(strategy, try_),
      isHealthy: () => this.#sessions.current?.isHealthy ?? false,
      fastDeadlineMs: () => this.#sessions.current?.fastDeadlineMs ?? 0,
      onStart: () => port.send({ type: "reconnecting" }),
      onRestored: (result) => {
        this.#sessions.forgetFailures();
        port.send({ type: "reconnected" });
        this.#tell({ type: "restored", ...result });
        this.#catchUp();
      },
      onGivenUp: (error) => {
        this.#tellError(error, "reconnecting");
        this.#end("network");
      },
      onFailure: (error, strategy) => log("warn", `${strategy}: ${messageOf(error)}`),
    });
  }

  /** Joins. Everybody who is here has been told to the agent when it resolves. */
  async join(signal: AbortSignal): Promise<void> {
    const { params, media } = this.#options;
    media.audio.addAgent(this.#port, {
      memberId: AGENT,
      trackId: `${AGENT}:audio`,
      participantId: AGENT,
    });
    this.#port.send({ type: "heardDelay", ms: params.heardDelayMs });
    await this.#sessions.join(signal);
  }

  /** Publishes the agent's tracks, and mutes those that it does not publish any more. */
  async publish({ audio, video }: PublishedTracks): Promise<void> {
    if (audio) {
      this.#voice ??= this.#options.media.audio.addListener(SFU, {
        hears: (memberId) => memberId === AGENT,
      });
    }
    this.#own = {
      ...(audio ? { audio: this.#voice } : {}),
      ...(video ? { video: this.#port.videoTrack } : {}),
    };
    // Whoever is coming back publishes what there is then.
    if (this.#reconnector.isRunning) return;
    try {
      await this.#sessions.current?.publish(this.#own);
    } catch (error) {
      if (error instanceof EdgeError && error.code === "no-codec") {
        return this.#tellError(error, "publishing video");
      }
      throw error;
    }
  }

  /** The media of a track. */
  videoTrack(trackId: string): RtcTrack | undefined {
    const found = this.#roster.find(trackId);
    return found && this.#router.find(found.member, found.track);
  }

  /** The agent looks at a track, or does not any more. */
  subscribed(trackId: string, wish: VideoConstraints | undefined): void {
    this.#subscriptions.set(trackId, wish);
  }

  /** Looks for the call again, as if the SFU had asked for it, or its socket had been lost. */
  reconnect(strategy: Strategy): void {
    if (strategy === "fast") this.#sessions.current?.dropSocket();
    else this.#reconnect(strategy, "the agent asks for it");
  }

  /** Leaves, and releases everything. Idempotent. */
  async leave(): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort(new ClosedError("the call"));
    this.#renewal.stop();
    this.#repair.stop();
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

  /** Does what the agent asked for while its call was being found again. */
  #catchUp(): void {
    this.#subscriptions.update();
    const { audio, video } = this.#own;
    if (!audio && !video) return;
    this.#sessions.current!.publish(this.#own)
      .catch((error) => this.#tellError(error, "publishing"));
  }

  #onMember(member: Member): void {
    this.#router.sync(member);
    this.#subscriptions.update();
  }

  #end(reason: "call-ended" | "network"): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#port.send({ type: "ended", reason });
  }

  #tellLevels(levels: LevelData[]): void {
    const now = this.#options.clock.now();
    if (now - this.#levelsAt < LEVELS_MS) return;
    this.#levelsAt = now;
    this.#tell({ type: "levels", levels });
  }

  #tell(notice: IpcMessage): void {
    this.#port.send({ type: "edge", data: notice as unknown as JsonValue });
  }

  #tellError(error: unknown, context: string): void {
    if (this.#abort.signal.aborted) return;
    const { code, retryable } = error instanceof EdgeError
      ? error
      : { code: "failed", retryable: false };
    const message = `${context}: ${messageOf(error)}`;
    this.#port.send({ type: "error", code, message, retryable });
  }
}
