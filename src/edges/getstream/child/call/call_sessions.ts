/**
 * The sessions of one agent with the SFUs of one call: the first one, and its successors.
 *
 * @module
 */
import type { RtcConnectionState } from "@ringline/edge/media/child";
import {
  type Clock,
  ConnectionError,
  EdgeError,
  sleep,
  type SocketEnd,
} from "@ringline/edge/toolkit";
import type { SfuCredentials } from "../../wire/credentials.ts";
import { ReconnectStrategy } from "../proto/signal_pb.ts";
import { isRetryable, retrying } from "../../wire/retrying.ts";
import type { CallParams, Strategy } from "../../wire/ipc.ts";
import type { Reconnect } from "../sfu/join_request.ts";
import type { CallMedia } from "../sfu/media.ts";
import type { OwnPictures, OwnTracks } from "../sfu/publisher.ts";
import type { PeerName } from "../sfu/sfu_connection.ts";
import { isToBeAvoided } from "../sfu/sfu_error.ts";
import { SfuSession } from "../sfu/sfu_session.ts";
import type { SfuPayload } from "../sfu/sfu_socket.ts";
import type { CallRoster } from "./call_roster.ts";
import { flowing, SessionHandover } from "./session_handover.ts";
import type { MediaRouter } from "./media_router.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** Joins are tried so often, so far apart, when the SFU refers the agent to another one. */
const JOIN_TRIES = { tries: 3, firstMs: 500, maxMs: 500, random: () => 0.5 };
/** Time limit for a new session's connections. */
const CONNECT_MS = 5000;

/** The strategies as numbers of Stream's protocol. */
const STRATEGIES = {
  fast: ReconnectStrategy.FAST,
  rejoin: ReconnectStrategy.REJOIN,
  migrate: ReconnectStrategy.MIGRATE,
} as const;

/** One try to reconnect: its number, and the reason for reconnecting. */
export interface Try {
  attempt: number;
  reason: string;
}

/** What {@linkcode CallSessions} needs. */
export interface CallSessionsInit {
  params: Pick<
    CallParams,
    "credentials" | "videoCodecs" | "silenceTimeoutMs" | "previousSessionId"
  >;
  media: CallMedia;
  pictures: OwnPictures;
  clock: Clock;
  roster: CallRoster;
  router: MediaRouter;
  subscriptions: Subscriptions;
  /** Requests credentials for an SFU that is none of `leaving`. */
  askCredentials: (leaving: readonly string[], signal: AbortSignal) => Promise<SfuCredentials>;
  /** Returns what the agent publishes. */
  ownTracks: () => OwnTracks;
  /** The service has said what the agent may do, for the session that is opened next. */
  onCapabilities: (capabilities: readonly string[]) => void;
  /** The SFU refuses these of the agent's tracks in a session that goes on without them. */
  onRefused: (tracks: OwnTracks, error: EdgeError) => void;
  /** This session is the current one from now on. */
  onCurrent: (session: SfuSession) => void;
  /** An event for the current session, or for the next one. */
  onEvent: (event: SfuPayload) => void;
  /** The socket of the current session has ended. */
  onSocketEnd: (end: SocketEnd) => void;
  /** A connection of the current session has changed its state, and its socket is open. */
  onPeerState: (peer: PeerName, state: RtcConnectionState) => void;
  onError: (error: unknown, context: string) => void;
  /** A join failed and will be tried again. */
  onAttemptFailed: (error: unknown, doing: string) => void;
  /** Ends all of it; {@linkcode CallSessions.close} follows. */
  signal: AbortSignal;
}

/** The sessions of one agent in one call: the current one, and during a handover another one. */
export class CallSessions {
  readonly #options: CallSessionsInit;
  /** The same through all sessions. */
  readonly #unifiedId = crypto.randomUUID();
  #current: SfuSession | undefined;
  /** The one that is about to become the current one. */
  #next: SfuSession | undefined;
  /** The handover from the one that is being left. */
  #leaving: SessionHandover | undefined;
  /** SFUs that failed since the call was lost; the agent asks for others. */
  readonly #avoided = new Set<string>();

  constructor(options: CallSessionsInit) {
    this.#options = options;
  }

  /** The current session. */
  get current(): SfuSession | undefined {
    return this.#current;
  }

  /** Joins; resolves when the roster has all participants. */
  async join(signal: AbortSignal): Promise<void> {
    const { params, clock, roster, askCredentials, onCurrent, onAttemptFailed } = this.#options;
    const { onCapabilities } = this.#options;
    if (params.previousSessionId !== undefined) roster.addOwn(params.previousSessionId);
    const leaving: string[] = [];
    let attempt = 0;
    const join = async (): Promise<SfuSession> => {
      const credentials = attempt++ === 0
        ? params.credentials
        : await askCredentials(leaving, signal);
      if (credentials.capabilities) onCapabilities(credentials.capabilities);
      const session = this.#create(credentials, crypto.randomUUID());
      try {
        await this.#enter(session, attempt, signal);
        return session;
      } catch (error) {
        await session.close();
        if (isToBeAvoided(error)) leaving.unshift(credentials.edgeName);
        if (isRetryable(error)) onAttemptFailed(error, `joining, try ${attempt}`);
        throw error;
      }
    };
    onCurrent(await retrying(join, { ...JOIN_TRIES, clock, signal }));
  }

  /** Enters the call with a first session. */
  async #enter(session: SfuSession, attempt: number, signal: AbortSignal): Promise<void> {
    const { roster, router } = this.#options;
    const state = await session.join(this.#takeover(attempt), signal);
    if (state?.e2eeEnabled) {
      throw new EdgeError(
        "the call is encrypted from end to end: an agent would hear and see nothing in it; " +
          "create it with the settings' encryption disabled",
        { code: "encrypted" },
      );
    }
    this.#current = session;
    router.origins = [session];
    await roster.replace(state?.participants ?? [], state?.participantCount?.anonymous);
    session.start();
  }

  /** Tries once to reconnect; rejects when that fails. */
  reconnect(strategy: Strategy, try_: Try): Promise<void> {
    return strategy === "fast" ? this.#resume(try_) : this.#replace(strategy, try_);
  }

  /** Forgets which SFUs failed, after a reconnection. */
  forgetFailures(): void {
    this.#avoided.clear();
  }

  /** Leaves with all sessions. */
  async close(): Promise<void> {
    const sessions = [this.#current, this.#next, this.#leaving?.from];
    await Promise.all(sessions.map((session) => session?.close({ leave: "left" })));
  }

  /** Resolves when no handover is in progress. */
  async handedOver(): Promise<void> {
    await this.#leaving?.done;
  }

  /** The details of a join that takes the place of a session of another media process. */
  #takeover(attempt: number): Reconnect | undefined {
    const { previousSessionId } = this.#options.params;
    if (previousSessionId === undefined) return undefined;
    return {
      strategy: STRATEGIES.rejoin,
      reconnectAttempt: attempt,
      reason: "the media process was lost",
      announcedTracks: [],
      subscriptions: [],
      fromSfuId: "",
      previousSessionId,
    };
  }

  #create(credentials: SfuCredentials, sessionId: string, before?: SfuSession): SfuSession {
    const { params, media, pictures, clock, roster, router } = this.#options;
    const { onSocketEnd, onPeerState, onError } = this.#options;
    roster.addOwn(sessionId);
    return new SfuSession({
      credentials,
      sessionId,
      unifiedId: this.#unifiedId,
      videoCodecs: params.videoCodecs,
      media,
      pictures,
      publishOptions: before?.publishOptions,
      clock,
      silenceMs: params.silenceTimeoutMs,
      events: {
        onEvent: (session, event) => this.#onEvent(session, event),
        onSocketEnd: (session, end) => {
          if (session === this.#current) onSocketEnd(end);
        },
        onPeerState: (session, peer, state) => {
          // Without a socket nothing can be restarted: the reconnection restores it.
          if (session === this.#current && session.isOnline) onPeerState(peer, state);
        },
        onTrack: (session) => {
          if (this.#isOurs(session)) router.syncAll(roster.members);
        },
        onError,
      },
    });
  }

  #onEvent(session: SfuSession, event: SfuPayload): void {
    if (event.case === "participantMigrationComplete") {
      if (session === this.#leaving?.from) this.#leaving.moved();
    } else if (this.#isOurs(session)) this.#options.onEvent(event);
  }

  /** Whether it is the current session, or the next one. */
  #isOurs(session: SfuSession): boolean {
    return session === this.#current || session === this.#next;
  }

  /** FAST: opens another socket and keeps everything else. */
  async #resume(try_: Try): Promise<void> {
    const { roster, signal } = this.#options;
    const session = this.#current!;
    const details = this.#describe("fast", try_, session);
    const state = await this.#avoidOnFailure(session, () => session.resume(details, signal));
    if (state) await roster.replace(state.participants, state.participantCount?.anonymous);
    session.start();
    if (!session.isHealthy) {
      throw new ConnectionError("a media connection was lost together with the socket: rejoin", {
        code: "peer-failed",
        retryable: true,
      });
    }
    // The address may have changed. The SFU restarts ICE on the other connection by itself.
    await session.restartIce("publisher");
    await this.#restore(session);
  }

  /** REJOIN and MIGRATE: opens another session, which takes over while the old one still runs. */
  async #replace(strategy: "rejoin" | "migrate", try_: Try): Promise<void> {
    const { clock, roster, router, askCredentials, onCurrent, signal } = this.#options;
    // A handover that is still in progress is cut short.
    await this.#leaving?.hurry();
    const old = this.#current!;
    const isMigration = strategy === "migrate";
    const { edgeName } = old.credentials;
    const credentials = await askCredentials(
      [...new Set([...(isMigration ? [edgeName] : []), ...this.#avoided])],
      signal,
    );
    if (credentials.capabilities) this.#options.onCapabilities(credentials.capabilities);
    const next = this.#next = this.#create(
      credentials,
      isMigration ? old.sessionId : crypto.randomUUID(),
      old,
    );
    try {
      const details = this.#describe(strategy, try_, old);
      const state = await this.#avoidOnFailure(next, () => next.join(details, signal));
      router.origins = [flowing(next, new Set()), old];
      if (state) await roster.replace(state.participants, state.participantCount?.anonymous);
      next.start();
      await this.#restore(next);
      await this.#untilConnected(next);
    } catch (error) {
      this.#next = undefined;
      router.origins = [old];
      await next.close({ leave: "failed" });
      throw error;
    }
    this.#next = undefined;
    this.#current = next;
    onCurrent(next);
    const leaving: SessionHandover = this.#leaving = new SessionHandover({
      from: old,
      to: next,
      isMigration,
      clock,
      roster,
      router,
      onDone: () => {
        if (this.#leaving === leaving) this.#leaving = undefined;
        if (signal.aborted) return;
        router.origins = [this.#current!];
        router.syncAll(roster.members);
      },
      signal,
    });
  }

  /** Remembers an SFU that fails, so that the next try asks for another one. */
  async #avoidOnFailure<T>(session: SfuSession, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (isToBeAvoided(error)) this.#avoided.add(session.credentials.edgeName);
      throw error;
    }
  }

  /** Publishes and subscribes again what was published and subscribed before. */
  async #restore(session: SfuSession): Promise<void> {
    const { ownTracks, subscriptions } = this.#options;
    const own = ownTracks();
    await Promise.all([
      // What is published and no longer wanted is muted.
      own.audio || own.video || session.publisher?.isUsed ? this.#publish(session, own) : undefined,
      subscriptions.restore((list) => session.subscribe(list)),
    ]);
  }

  /** Publishes in a session that goes on to listen where the right to publish was withdrawn. */
  async #publish(session: SfuSession, own: OwnTracks): Promise<void> {
    try {
      await session.publish(own);
    } catch (error) {
      const isRefused = error instanceof EdgeError && error.code === "forbidden";
      if (!isRefused || session === this.#current) throw error;
      await session.unpublish();
      this.#options.onRefused(own, error);
    }
  }

  async #untilConnected(session: SfuSession): Promise<void> {
    const { clock, signal } = this.#options;
    const until = clock.now() + CONNECT_MS;
    while (!session.isConnected) {
      if (!session.isOnline || clock.now() > until) {
        throw new ConnectionError(
          `the new session's connections were not up within ${CONNECT_MS} ms`,
          {
            code: "peer-failed",
            retryable: true,
          },
        );
      }
      await sleep(20, { clock, signal });
    }
  }

  #describe(strategy: Strategy, { attempt, reason }: Try, from: SfuSession): Reconnect {
    return {
      strategy: STRATEGIES[strategy],
      reconnectAttempt: attempt,
      reason,
      announcedTracks: from.publisher?.tracks ?? [],
      subscriptions: this.#options.subscriptions.list(),
      fromSfuId: strategy === "rejoin" ? "" : from.credentials.edgeName,
      previousSessionId: strategy === "rejoin" ? from.sessionId : "",
    };
  }
}
