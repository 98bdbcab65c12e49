/**
 * One agent in one call of Stream's: joining, coming back, and leaving.
 *
 * @module
 */
import type { AgentPort, PublishedTracks, VideoWish } from "../../../media/host/contract.ts";
import type { RtcConnectionState, RtcTrack } from "../../../media/rtc_types.ts";
import type { Clock } from "../../../events/clock.ts";
import { sleep } from "../../../events/waiting.ts";
import { ClosedError, ConnectionError, EdgeError } from "../../errors.ts";
import type { JsonValue, TrackType } from "../../types.ts";
import type { SfuCredentials } from "../credentials.ts";
import { isRetryable } from "../retrying.ts";
import type { CallParams, SeamNotice, Strategy } from "../seam.ts";
import { CallRoster, type Member } from "./call_roster.ts";
import { CredentialRenewal } from "./credential_renewal.ts";
import { handOver } from "./hand_over.ts";
import type { CallMedia } from "./media.ts";
import { MediaRouter } from "./media_router.ts";
import type { OwnTracks } from "./publisher.ts";
import { Reconnector } from "./reconnector.ts";
import { PeerRepair } from "./peer_repair.ts";
import { strategyOf, wantsElsewhere } from "./sfu_error.ts";
import { type Reconnect, SfuSession, STRATEGIES } from "./sfu_session.ts";
import type { SfuPayload } from "./sfu_socket.ts";
import { Subscriptions } from "./subscriptions.ts";

/** The agent among the members of its room, and the SFU as the one who listens to it. */
const AGENT = "agent";
const SFU = "sfu";
/** Joining is tried so often, so far apart, when the SFU sends us elsewhere. */
const JOIN_TRIES = 3;
const JOIN_PAUSE_MS = 500;
/** A new session's connections must stand after so long. */
const CONNECT_MS = 5000;
/** The agent is told of levels at most this often. */
const LEVELS_MS = 100;

/** What the agent's process does for a call. */
export interface CallDeskPort {
  /** The right to go to an SFU that is none of `leaving`. */
  credentials(leaving: readonly string[], signal: AbortSignal): Promise<SfuCredentials>;
  /** Which of these users are agents; never rejects. */
  findAgents(userIds: readonly string[]): Promise<ReadonlySet<string>>;
}

/** What a {@linkcode StreamCall} needs. */
export interface StreamCallOptions {
  port: AgentPort;
  params: CallParams;
  media: CallMedia;
  desk: CallDeskPort;
  clock: Clock;
  log: (level: "debug" | "warn", message: string) => void;
}

/** One agent in one call. */
export class StreamCall {
  readonly #options: StreamCallOptions;
  readonly #port: AgentPort;
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  readonly #roster: CallRoster;
  readonly #router: MediaRouter;
  readonly #subscriptions: Subscriptions;
  readonly #renewal: CredentialRenewal;
  readonly #reconnector: Reconnector;
  readonly #repair: PeerRepair;
  readonly #unifiedId = crypto.randomUUID();
  /** The session that counts. */
  #session: SfuSession | undefined;
  /** The one that is about to. */
  #next: SfuSession | undefined;
  /** The one that is being left. */
  #old: Leaving | undefined;
  #own: OwnTracks = {};
  #voice: RtcTrack | undefined;
  #levelsAt = -Infinity;
  #ended = false;
  /** SFUs that failed since the call was lost: others are asked for. */
  readonly #avoided = new Set<string>();

  constructor(options: StreamCallOptions) {
    this.#options = options;
    const { port, clock, media, desk, params } = options;
    this.#port = port;
    this.#clock = clock;
    this.#router = new MediaRouter(media.audio, port);
    this.#roster = new CallRoster({
      notify: (notice) => port.notify(notice),
      findAgents: (userIds) => desk.findAgents(userIds),
      onChange: (member) => this.#onMember(member),
    });
    this.#subscriptions = new Subscriptions({
      clock,
      members: () => this.#roster.members,
      send: async (list) => await this.#session?.subscribe(list),
      canSend: () => (this.#session?.isOnline ?? false) && !this.#reconnector.isRunning,
      onError: (error) => this.#tellError(error, "subscribing"),
      signal: this.#abort.signal,
    });
    this.#renewal = new CredentialRenewal({
      clock,
      ask: () => desk.credentials([], this.#abort.signal),
      onRenewed: (token) => this.#session?.renew(token),
      onMoved: () => this.#reconnect("migrate", "our credentials end"),
      onError: (error) => this.#tellError(error, "renewing the credentials"),
    });
    this.#repair = new PeerRepair({
      clock,
      restart: (peer) => this.#session!.restartIce(peer),
      onLost: (peer) => this.#reconnect("rejoin", `the ${peer} connection failed`),
      onError: (error) => this.#tellError(error, "restarting ICE"),
    });
    this.#reconnector = new Reconnector({
      clock,
      limitMs: params.reconnectTimeoutMs,
      attempt: (strategy, { attempt, reason }) =>
        strategy === "fast"
          ? this.#resume(attempt, reason)
          : this.#replace(strategy, attempt, reason),
      isHealthy: () => this.#session?.isHealthy ?? false,
      fastDeadlineMs: () => this.#session?.fastDeadlineMs ?? 0,
      onStart: () => port.notify({ type: "reconnecting" }),
      onRestored: (result) => {
        this.#avoided.clear();
        port.notify({ type: "reconnected" });
        this.#tell({ type: "restored", ...result });
        this.#catchUp();
      },
      onGivenUp: (error) => {
        this.#tellError(error, "reconnecting");
        this.#end("network");
      },
      onFailure: (error, strategy) => options.log("warn", `${strategy}: ${describe(error)}`),
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
    this.#port.notify({ type: "heardDelay", ms: params.heardDelayMs });
    let credentials = params.credentials;
    const leaving: string[] = [];
    for (let attempt = 1;; attempt++) {
      const session = this.#createSession(credentials, crypto.randomUUID());
      try {
        const state = await session.join(undefined, signal);
        this.#session = session;
        this.#router.origins = [origin(session)];
        await this.#roster.replace(state?.participants ?? []);
        session.start();
        break;
      } catch (error) {
        await session.close();
        signal.throwIfAborted();
        if (attempt >= JOIN_TRIES || !isRetryable(error)) throw error;
        this.#options.log("warn", `joining, try ${attempt}: ${describe(error)}`);
        if (avoids(error)) leaving.unshift(credentials.edgeName);
      }
      await sleep(JOIN_PAUSE_MS, { clock: this.#clock, signal });
      credentials = await this.#options.desk.credentials(leaving, signal);
    }
    this.#renewal.watch(credentials);
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
      await this.#session?.publish(this.#own);
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
  subscribed(trackId: string, wish: VideoWish | undefined): void {
    this.#subscriptions.set(trackId, wish);
  }

  /** Looks for the call again, as if the SFU had asked for it, or its socket had been lost. */
  reconnect(strategy: Strategy): void {
    if (strategy === "fast") this.#session?.dropSocket();
    else this.#reconnect(strategy, "the agent asks for it");
  }

  /** Leaves, and releases everything. Idempotent. */
  async leave(): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort(new ClosedError("the call"));
    this.#renewal.stop();
    this.#repair.stop();
    const sessions = [this.#session, this.#next, this.#old?.session];
    await Promise.all(sessions.map((session) => session?.close({ leave: "left" })));
    await this.#reconnector.stop();
    await this.#old?.done;
    this.#options.media.audio.close();
  }

  #createSession(credentials: SfuCredentials, sessionId: string): SfuSession {
    const { params, media } = this.#options;
    this.#roster.addOwn(sessionId);
    return new SfuSession({
      credentials,
      sessionId,
      unifiedId: this.#unifiedId,
      videoCodecs: params.videoCodecs,
      media,
      clock: this.#clock,
      silenceMs: params.silenceTimeoutMs,
      events: {
        onEvent: (session, event) => this.#onEvent(session, event),
        onSocketEnd: (session, end) => {
          if (session === this.#session) this.#reconnect("fast", `the socket is ${end.kind}`);
        },
        onPeerState: (session, peer, state) => this.#onPeerState(session, peer, state),
        onTrack: (session) => {
          if (session === this.#session || session === this.#next) this.#syncAll();
        },
        onError: (error, context) => this.#tellError(error, context),
      },
    });
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
    this.#session!.publish(this.#own).catch((error) => this.#tellError(error, "publishing"));
  }

  /** FAST: another socket, everything else kept. */
  async #resume(attempt: number, reason: string): Promise<void> {
    const session = this.#session!;
    const { signal } = this.#abort;
    const details = this.#describe("fast", attempt, reason, session);
    const state = await this.#watchSfu(session, () => session.resume(details, signal));
    if (state) await this.#roster.replace(state.participants);
    session.start();
    if (!session.isHealthy) {
      throw new ConnectionError("the media connections did not outlive the socket", {
        code: "peer-failed",
        retryable: true,
      });
    }
    await this.#restore(session);
  }

  /** REJOIN and MIGRATE: another session, which takes over while the old one still runs. */
  async #replace(strategy: "rejoin" | "migrate", attempt: number, reason: string): Promise<void> {
    const { signal } = this.#abort;
    // Whoever is still being left has had his time.
    this.#old?.hurry.abort();
    await this.#old?.done;
    const old = this.#session!;
    const isMigration = strategy === "migrate";
    const { edgeName } = old.credentials;
    const credentials = await this.#options.desk.credentials(
      [...new Set([...(isMigration ? [edgeName] : []), ...this.#avoided])],
      signal,
    );
    const next = this.#next = this.#createSession(
      credentials,
      isMigration ? old.sessionId : crypto.randomUUID(),
    );
    try {
      const details = this.#describe(strategy, attempt, reason, old);
      const state = await this.#watchSfu(next, () => next.join(details, signal));
      this.#router.origins = [flowing(next, new Set()), origin(old)];
      if (state) await this.#roster.replace(state.participants);
      next.start();
      await this.#restore(next);
      await this.#untilConnected(next);
    } catch (error) {
      this.#next = undefined;
      this.#router.origins = [origin(old)];
      await next.close({ leave: "failed" });
      throw error;
    }
    this.#next = undefined;
    this.#session = next;
    this.#repair.reset();
    this.#renewal.watch(credentials);
    const migrated = Promise.withResolvers<void>();
    const hurry = new AbortController();
    const done = handOver({
      from: old,
      isMigration,
      migrated: migrated.promise,
      clock: this.#clock,
      step: async () => {
        const ids = await next.subscriber?.flowing() ?? new Set<string>();
        this.#router.origins = [flowing(next, ids), origin(old)];
        this.#syncAll();
        return this.#router.countElsewhere(origin(next), this.#roster.members) === 0;
      },
      signal: AbortSignal.any([signal, hurry.signal]),
    }).finally(() => {
      if (this.#old?.session === old) this.#old = undefined;
      if (signal.aborted) return;
      this.#router.origins = [origin(this.#session!)];
      this.#syncAll();
    });
    this.#old = { session: old, migrated, hurry, done };
  }

  /** Remembers an SFU that fails, so that another one is asked for next time. */
  async #watchSfu<T>(session: SfuSession, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (avoids(error)) this.#avoided.add(session.credentials.edgeName);
      throw error;
    }
  }

  /** Publishes and subscribes what was published and subscribed before. */
  async #restore(session: SfuSession): Promise<void> {
    const { audio, video } = this.#own;
    await Promise.all([
      audio || video ? session.publish(this.#own) : undefined,
      this.#subscriptions.restore((list) => session.subscribe(list)),
    ]);
  }

  async #untilConnected(session: SfuSession): Promise<void> {
    const until = this.#clock.now() + CONNECT_MS;
    while (!session.isConnected) {
      if (!session.isOnline || this.#clock.now() > until) {
        throw new ConnectionError("the new session's media did not get through", {
          code: "peer-failed",
          retryable: true,
        });
      }
      await sleep(20, { clock: this.#clock, signal: this.#abort.signal });
    }
  }

  #describe(strategy: Strategy, attempt: number, reason: string, from: SfuSession): Reconnect {
    return {
      strategy: STRATEGIES[strategy],
      reconnectAttempt: attempt,
      reason,
      announcedTracks: from.publisher?.tracks ?? [],
      subscriptions: this.#subscriptions.list(),
      fromSfuId: strategy === "rejoin" ? "" : from.credentials.edgeName,
      previousSessionId: strategy === "rejoin" ? from.sessionId : "",
    };
  }

  #onEvent(session: SfuSession, event: SfuPayload): void {
    if (event.case === "participantMigrationComplete") {
      if (session === this.#old?.session) this.#old.migrated.resolve();
      return;
    }
    if (session !== this.#session && session !== this.#next) return;
    switch (event.case) {
      case "participantJoined":
      case "participantUpdated":
        if (event.value.participant) this.#roster.joined(event.value.participant);
        return;
      case "participantLeft":
        return this.#roster.left(event.value.participant?.sessionId ?? "");
      case "trackPublished": {
        const { sessionId, type, participant } = event.value;
        return this.#roster.published(sessionId, Number(type) as TrackType, participant);
      }
      case "trackUnpublished": {
        const { sessionId, type, cause } = event.value;
        return this.#roster.unpublished(sessionId, Number(type) as TrackType, cause);
      }
      case "audioLevelChanged": {
        const now = this.#clock.now();
        if (now - this.#levelsAt < LEVELS_MS) return;
        this.#levelsAt = now;
        return this.#tell({
          type: "levels",
          levels: event.value.audioLevels.map(({ sessionId, level, isSpeaking }) => ({
            participantId: sessionId,
            level,
            speaking: isSpeaking,
          })),
        });
      }
      case "goAway":
        return this.#reconnect("migrate", "the SFU asks us to go");
      case "callEnded":
        return this.#end("call-ended");
      case "error": {
        const { error, reconnectStrategy } = event.value;
        const strategy = strategyOf(reconnectStrategy);
        const text = `the SFU: ${error?.message || "an error"} (${error?.code ?? 0})`;
        if (strategy === "leave") return this.#end("call-ended");
        if (strategy) return this.#reconnect(strategy, text);
        return this.#tellError(
          new ConnectionError(text, { code: "sfu-error", retryable: error?.shouldRetry ?? false }),
          "the SFU",
        );
      }
    }
  }

  #onPeerState(
    session: SfuSession,
    peer: "publisher" | "subscriber",
    state: RtcConnectionState,
  ): void {
    // Without a socket nothing can be restarted: coming back sees to it.
    if (session === this.#session && session.isOnline) this.#repair.onState(peer, state);
  }

  #onMember(member: Member): void {
    this.#router.sync(member);
    this.#subscriptions.update();
  }

  #syncAll(): void {
    for (const member of this.#roster.members) this.#router.sync(member);
  }

  #end(reason: "call-ended" | "network"): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#port.notify({ type: "ended", reason });
  }

  #tell(notice: SeamNotice): void {
    this.#port.notify({ type: "edge", data: notice as unknown as JsonValue });
  }

  #tellError(error: unknown, context: string): void {
    if (this.#abort.signal.aborted) return;
    const { code, retryable } = error instanceof EdgeError
      ? error
      : { code: "failed", retryable: false };
    const message = `${context}: ${describe(error)}`;
    this.#port.notify({ type: "error", code, message, retryable });
  }
}

/** A session on its way out. */
interface Leaving {
  readonly session: SfuSession;
  /** The SFU has moved us. */
  readonly migrated: PromiseWithResolvers<void>;
  /** Aborted when there is no time for it any more. */
  readonly hurry: AbortController;
  readonly done: Promise<void>;
}

function origin(session: SfuSession): { track(key: string): RtcTrack | undefined } {
  return { track: (key) => session.subscriber?.track(key) };
}

function flowing(session: SfuSession, ids: ReadonlySet<string>) {
  return { ...origin(session), isFlowing: (track: RtcTrack) => ids.has(track.id) };
}

/** Whether another SFU is to be asked for after this error. */
function avoids(error: unknown): boolean {
  return wantsElsewhere(error) ||
    (error instanceof EdgeError &&
      ["timeout", "unreachable", "lost", "sfu-failed", "bad-answer"].includes(error.code));
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
