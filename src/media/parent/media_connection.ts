/** A connection whose media runs in a media process, and outlives it. @module */
import type { AudioTrack } from "../../edge/audio_track.ts";
import type { Call } from "../../edge/call.ts";
import type { PublishedTracks } from "../../edge/call_connection.ts";
import { Connection } from "../../edge/connection.ts";
import type { EdgeAgent } from "../../edge/edge_agent.ts";
import type { EdgeTransport } from "../../edge/edge_transport.ts";
import { ClosedError, ConnectionError, type EdgeError } from "../../edge/errors.ts";
import { AudioStatsEvent } from "../../edge/events.ts";
import { checkCustomEvent } from "../../edge/custom_event.ts";
import { checkCall, checkUser } from "../../edge/validation.ts";
import { type CloseReason, type JsonValue, type Participant, TrackType } from "../../edge/types.ts";
import { checkVideoLimits, type VideoLimits, type VideoTrack } from "../../edge/video_frame.ts";
import { checkOptions } from "../../events/checks.ts";
import { limitTime, waitFor } from "../../events/waiting.ts";
import type { RowReader } from "../wire/audio_frames.ts";
import type { VideoConstraints } from "../wire/control.ts";
import type { ConnectionMessage } from "../wire/messages.ts";
import type { ChildLink } from "./child_link.ts";
import { type ProcessLease, replacedError, type SharedConnection } from "./media_lease.ts";
import type { MediaProcess } from "./media_process.ts";
import { AudioRows } from "./audio_rows.ts";
import { AudioStatsPoll } from "./audio_stats_poll.ts";
import { KnownCall } from "./known_call.ts";
import { PublishedMedia } from "./published_media.ts";
import { Rejoining } from "./rejoining.ts";
import { VideoSubscriptions } from "./video_subscriptions.ts";

/** Options of {@linkcode MediaConnection.open}. */
export interface MediaConnectionOptions {
  /** Who joins: what `EdgeTransport.join` is given. */
  agent: EdgeAgent;
  /** The call that is joined. */
  call: Call;
  /** Where its media runs. */
  process: MediaProcess;
  /** The parameters of the join, for the edge's child side. */
  params: JsonValue;
  /**
   * Returns the parameters with which it joins again in another process, for each try. Default: the
   * same. The signal is aborted when they are no longer needed.
   */
  rejoinParams?(signal: AbortSignal): Promise<JsonValue>;
  /**
   * For how long it tries again to join in another process, while that fails with a retryable error.
   * Default 60,000.
   */
  rejoinTimeoutMs?: number;
  /** Aborting it ends the join. */
  signal?: AbortSignal;
  /** Limit for the whole join, including the start of the process. Default 10,000. */
  timeoutMs?: number;
  /** Takes the edge's own messages (`{ type: "edge" }`). */
  onEdgeMessage?(data: JsonValue, connection: MediaConnection): void;
  /** The telephone of the call, if the edge has one: what it does with checked arguments. */
  telephone?: {
    sendDtmf(digits: string): Promise<void>;
    transfer(to: string, participant: Participant): Promise<void>;
  };
  /** Limits of subscribed video. Default 15 frames a second, 1280 x 720 pixels at most. */
  video?: Partial<VideoConstraints>;
  /** The same for shared screens. Default as `video`. */
  screen?: Partial<VideoConstraints>;
}

const OPTIONS = {
  agent: true,
  call: true,
  process: true,
  params: true,
  rejoinParams: true,
  rejoinTimeoutMs: true,
  signal: true,
  timeoutMs: true,
  onEdgeMessage: true,
  telephone: true,
  video: true,
  screen: true,
} as const;

/** How long after it was played a sample is heard, until a page has measured it. */
const ASSUMED_HEARD_DELAY_MS = 100;
/** How long a request may take, and joining again in another process. */
const REQUEST_MS = 10_000;
/** For how long it tries to join again in another process. */
const REJOIN_MS = 60_000;
/** How long publishing may take: three tries of a server that does not respond. */
const PUBLISH_MS = 20_000;
/** How long leaving may take before the connection closes without a reply. */
const LEAVE_MS = 2000;

/**
 * A connection whose media runs in a {@linkcode MediaProcess}: its parent side. It serves every edge
 * on wrtc; what differs between them lies in their child sides. When the process is replaced, it joins
 * its call again, and the agent sees it reconnect.
 */
export class MediaConnection extends Connection {
  readonly #options: MediaConnectionOptions;
  readonly #lease: ProcessLease;
  readonly #id: number;
  readonly #rows: AudioRows;
  readonly #videoSubscriptions: VideoSubscriptions;
  readonly #videoConstraints: VideoConstraints;
  readonly #screenConstraints: VideoConstraints;
  #nextStream = 1;
  readonly #published: PublishedMedia;
  #heardDelayMs = ASSUMED_HEARD_DELAY_MS;
  #joined: JsonValue = null;
  /** What was announced again since the process was replaced; before it was, nothing. */
  #known: KnownCall | undefined;
  /** Resolves when it is in its call, also again, or closed. */
  #back = resolved();
  #isCut = false;
  readonly #rejoining: Rejoining;
  #statsPoll: AudioStatsPoll | undefined;

  /**
   * Joins a call: starts the process if none runs, and returns an established connection. A join that
   * fails leaves nothing behind.
   *
   * @throws {EdgeError} the edge's child side refused, or there is no process; a `TimeoutError`; the
   *   signal's reason; a `TypeError` for a wrong user or call, before any process is started
   */
  static async open(
    edge: EdgeTransport,
    options: MediaConnectionOptions,
  ): Promise<MediaConnection> {
    checkOptions(options, "options", OPTIONS, "an object like { agent, call, process, params }");
    const { process, timeoutMs = 10_000, signal } = options;
    checkUser(options.agent?.user, "agent.user");
    checkCall(options.call);
    using limit = limitTime("joining the call", {
      timeoutMs,
      signals: signal ? [signal] : [],
      clock: edge.clock,
    });
    for (let attempt = 1;; attempt++) {
      const wait = { signal: limit.signal, timeoutMs: Infinity };
      const lease = await process.acquire(wait) as ProcessLease;
      const connection = await MediaConnection.#create(edge, options, lease);
      try {
        await connection.#join(limit.signal);
        return connection;
      } catch (error) {
        await connection.close();
        // The process was recycled in that moment, or lost, which may be the join's own fault.
        const { code } = error as Partial<EdgeError>;
        const again = code === "media-process-recycled" ||
          code === "media-process-lost" && attempt === 1;
        if (!again) throw error;
      }
    }
  }

  /** Closing the connection releases the lease in any case. */
  static async #create(
    edge: EdgeTransport,
    options: MediaConnectionOptions,
    lease: ProcessLease,
  ): Promise<MediaConnection> {
    try {
      return new MediaConnection(edge, options, lease);
    } catch (error) {
      // The edge was closed while the process started.
      await lease.release();
      throw error;
    }
  }

  private constructor(
    edge: EdgeTransport,
    options: MediaConnectionOptions,
    lease: ProcessLease,
  ) {
    super({ edge, agent: options.agent, call: options.call });
    this.#options = options;
    this.#lease = lease;
    this.#id = lease.newConnectionId();
    this.#rows = new AudioRows(options.agent.audioSubscription.sampleRate, this.participants);
    const constraints = { fps: 15, maxWidth: 1280, maxHeight: 720, ...options.video };
    this.#videoConstraints = constraints;
    this.#screenConstraints = { ...constraints, ...options.screen };
    const nextStream = () => this.#nextStream++;
    this.#videoSubscriptions = new VideoSubscriptions(lease.link, this.#id, nextStream);
    this.#published = new PublishedMedia(lease.link, {
      connectionId: this.#id,
      nextStream,
      clock: this.clock,
      onVideoError: (error) => this.reportError(error, "publishing video"),
    });
    this.#rejoining = new Rejoining({
      clock: this.clock,
      limitMs: options.rejoinTimeoutMs ?? REJOIN_MS,
    });
    lease.attach(this.#id, this.#shared());
  }

  /** The reply of the edge's child side to the join. */
  get joined(): JsonValue {
    return this.#joined;
  }

  /** Publishes these tracks through the media process, and no others any longer. */
  override async publishTracks(tracks: PublishedTracks): Promise<void> {
    await this.#untilBack();
    // Nothing is awaited from here on: the request has to be sent before the first fragment.
    this.#published.setTracks(tracks);
    await this.#publishAll();
  }

  /** Has the media process mix the track for its participant, until it is closed. */
  protected override async deliverDirectedAudio(track: AudioTrack): Promise<void> {
    await this.#untilBack();
    this.#published.addDirected(track);
    void track.closed.then(() => this.#unpublish(track));
    await this.#publishAll();
  }

  /** Publishes no longer a track that was closed. */
  #unpublish(track: AudioTrack): void {
    if (!this.#published.removeDirected(track)) return;
    this.#untilBack().then(() => this.#isOver ? undefined : this.#publishAll()).catch((error) => {
      if (!this.#isOver) this.reportError(error, "ending an audio track to one participant");
    });
  }

  async #publishAll(): Promise<void> {
    const { link } = this.#lease;
    try {
      await this.#publish(link);
    } catch (error) {
      if (!this.#isReplaced(link)) throw error;
      // Joining again publishes them.
      await this.#untilBack();
    }
  }

  /** Subscribes to a video track through the media process. */
  override addTrackSubscriber(trackId: string, limits: VideoLimits = {}): VideoTrack | undefined {
    checkVideoLimits(limits);
    const info = this.tracks.get(trackId);
    if (info?.type !== TrackType.VIDEO && info?.type !== TrackType.SCREEN_SHARE) return undefined;
    const isScreen = info.type === TrackType.SCREEN_SHARE;
    const usual = isScreen ? this.#screenConstraints : this.#videoConstraints;
    const { fps = usual.fps, maxWidth = usual.maxWidth, maxHeight = usual.maxHeight } = limits;
    const constraints = { fps, maxWidth, maxHeight };
    return this.#videoSubscriptions.add(trackId, constraints);
  }

  /** Has the media process send the event. */
  protected override async deliverCustomEvent(data: JsonValue): Promise<void> {
    await this.#sendEvent({ data });
  }

  /**
   * Has the media process send the event to one participant.
   *
   * @throws {EdgeError} the edge's child side has no `sendCustomEventTo` (`unsupported`).
   */
  async sendCustomEventTo(to: string, data: JsonValue): Promise<void> {
    checkCustomEvent(data);
    await this.#sendEvent({ data, to });
  }

  /** Has the edge press the keys. */
  protected override deliverDtmf(digits: string): Promise<void> {
    return this.#options.telephone?.sendDtmf(digits) ?? super.deliverDtmf(digits);
  }

  /** Has the edge transfer the person. */
  protected override deliverTransfer(to: string, participant: Participant): Promise<void> {
    return this.#options.telephone?.transfer(to, participant) ??
      super.deliverTransfer(to, participant);
  }

  async #sendEvent(event: { data: JsonValue; to?: string }): Promise<void> {
    const params = { connection: this.#id, ...event };
    await this.#untilBack();
    const { link } = this.#lease;
    try {
      await link.request("sendCustomEvent", params, { timeoutMs: REQUEST_MS });
    } catch (error) {
      throw this.#isReplaced(link) ? replacedError("a custom event", link.lost!) : error;
    }
  }

  /** Leaves the call, then releases the lease. */
  protected override async disconnect(_reason: CloseReason): Promise<void> {
    const { link } = this.#lease;
    this.#back.resolve();
    this.#rejoining.stop();
    this.#statsPoll?.[Symbol.dispose]();
    this.#published[Symbol.dispose]();
    this.#videoSubscriptions.closeAll();
    try {
      // It has joined no other: neither one that starts nor one that ends.
      if (link.isReady) {
        const wait = { timeoutMs: LEAVE_MS, isGoodbye: true };
        await link.request("leave", { connection: this.#id }, wait);
      }
    } catch (error) {
      if (link.lost === undefined) this.reportError(error, "leaving the call");
    } finally {
      this.#lease.detach(this.#id);
      await this.#lease.release();
    }
  }

  /** Forgets what was kept for them; also called when a lost participant does not come back. */
  protected override participantLeft(participantId: string): void {
    this.#rows.forgetParticipant(participantId);
    for (const [trackId, track] of this.tracks) {
      if (track.participant.id === participantId) this.#videoSubscriptions.close(trackId);
    }
    super.participantLeft(participantId);
  }

  async #join(signal: AbortSignal): Promise<void> {
    const { link } = this.#lease;
    this.#joined = await this.#requestJoin(link, this.#options.params, { signal });
    if (link.lost !== undefined) throw link.lost;
    this.established();
    this.#statsPoll = new AudioStatsPoll({
      clock: this.clock,
      isWanted: () => !this.#isCut && this.edge.events.has(AudioStatsEvent),
      ask: () => {
        const params = { connection: this.#id };
        return this.#lease.link.request("audioStats", params, { timeoutMs: REQUEST_MS });
      },
      onStats: ({ participantId, ...stats }) => this.audioStatsReceived(stats, participantId),
      // A process that was lost is replaced.
      onError: (error) => !this.#isCut && this.reportError(error, "asking how audio arrives"),
    });
  }

  async #requestJoin(
    link: ChildLink,
    params: JsonValue,
    options: { signal?: AbortSignal; timeoutMs?: number },
  ): Promise<JsonValue> {
    const { agent, call } = this.#options;
    const { id, name, image, custom } = agent.user;
    const { sampleRate, agents } = agent.audioSubscription;
    return await link.request("join", {
      connection: this.#id,
      user: {
        id,
        name,
        ...(image === undefined ? {} : { image }),
        ...(custom === undefined ? {} : { custom: { ...custom } }),
      },
      audioSubscription: { sampleRate, agents },
      call: { id: call.id, type: call.type },
      params,
      known: this.#known?.state ?? null,
    }, options);
  }

  async #publish(link: ChildLink, { again = false } = {}): Promise<void> {
    await link.request("publish", {
      connection: this.#id,
      ...this.#published.description,
      again,
    }, { timeoutMs: PUBLISH_MS });
  }

  /** While the process is replaced, what the agent does waits for the next one. */
  async #untilBack(): Promise<void> {
    const wait = { timeoutMs: REQUEST_MS, clock: this.clock };
    await waitFor(this.#back.promise, "the call's return", wait);
    // It was closed meanwhile: what was published now would stay bound for good.
    if (this.state === "closed") throw new ClosedError("the connection");
  }

  #onCut(): void {
    if (this.#isOver || this.#isCut) return;
    this.#isCut = true;
    this.#back = Promise.withResolvers<void>();
    this.reconnecting();
  }

  /** Joins again in another process, as the one that it is, and publishes and subscribes as before. */
  async #rejoin(link: ChildLink, options: { onRetry: () => void }): Promise<void> {
    if (this.#isOver) return;
    let isJoined = false;
    try {
      await this.#rejoining.run(async (signal) => {
        if (!isJoined) {
          await this.#joinAgain(link, signal);
          if (this.#isOver || link.lost !== undefined) return;
          isJoined = true;
          this.#published.reopen(link);
        }
        if (!this.#published.isEmpty) await this.#publish(link, { again: true });
        this.#videoSubscriptions.reopen(link);
      }, options);
    } catch (error) {
      // Another process takes the place of this one, too, or none does: both are told.
      if (link.lost === undefined) this.ended("media-process-lost", { error });
    }
  }

  async #joinAgain(link: ChildLink, signal: AbortSignal): Promise<void> {
    const { params, rejoinParams } = this.#options;
    const again = rejoinParams === undefined ? params : await rejoinParams(signal);
    if (this.#isOver || link.lost !== undefined) return;
    this.#rows.restart(this.clock.now());
    this.#known = new KnownCall(this);
    this.#joined = await this.#requestJoin(link, again, { timeoutMs: REQUEST_MS, signal });
  }

  /** The agents of the call are back, but for late ones: what has not come back is gone. */
  #onRestored(): void {
    if (this.#isOver) return;
    const gone = this.#known?.missing();
    this.#known = undefined;
    for (const id of gone?.participants ?? []) this.participantLeft(id);
    for (const id of gone?.tracks ?? []) {
      this.#videoSubscriptions.close(id);
      this.trackRemoved(id);
    }
    this.#isCut = false;
    this.reconnected();
    this.#back.resolve();
  }

  /** Whether the process behind a link was lost, and this goes on in another. */
  #isReplaced(link: ChildLink): boolean {
    return link.lost !== undefined && this.#lease.lost === undefined && this.state !== "closed";
  }

  /** Closed, or a join that fails by itself. */
  get #isOver(): boolean {
    return this.state === "closed" || this.state === "establishing";
  }

  /** The methods for the process, kept out of the public members of this class. */
  #shared(): SharedConnection {
    const { type, id } = this.call;
    return {
      call: { type, id },
      onMessage: (message) => this.#onMessage(message),
      onSource: (source, participantId, trackId) =>
        this.#rows.addSource(source, { participantId, trackId }),
      onRow: (row) => this.#onRow(row),
      onReport: (report) => this.#published.report(report, this.#heardDelayMs),
      onFragment: (frame, stream) =>
        this.#videoSubscriptions.receiveFragment(frame, stream, this.clock.now()),
      onCut: () => this.#onCut(),
      rejoin: (link, options) => this.#rejoin(link, options),
      onRestored: () => this.#onRestored(),
      onLost: (error) => this.ended("media-process-lost", { error }),
    };
  }

  #onMessage(message: ConnectionMessage): void {
    switch (message.type) {
      case "participantJoined":
        this.#known?.markBack(message.participant.id);
        return this.participantJoined({
          original: message.participant.original ?? null,
          userId: message.participant.userId,
          id: message.participant.id,
          name: message.participant.name,
          kind: message.participant.kind,
        });
      case "participantLost":
        this.#known?.markBack(message.participantId);
        return this.participantLost(message.participantId, message);
      case "participantLeft":
        return this.participantLeft(message.participantId);
      case "viewersCounted":
        return this.viewersCounted(message.count);
      case "trackAdded":
        this.#known?.markBack(message.track.id);
        this.trackAdded(message.track);
        // One that is known may have been muted while its process was replaced.
        return this.trackUpdated(message.track.id, message.track);
      case "trackUpdated":
        return this.trackUpdated(message.trackId, { muted: message.muted });
      case "trackRemoved":
        this.#videoSubscriptions.close(message.trackId);
        return this.trackRemoved(message.trackId);
      case "customEvent":
        return this.customEventReceived(message.data, message.participantId);
      case "text":
        return this.textReceived(message.text, message.participantId);
      case "reconnecting":
        return this.reconnecting();
      case "reconnected":
        return this.reconnected();
      case "ended":
        return this.ended(message.reason);
      case "heardDelay":
        this.#heardDelayMs = message.ms;
        return;
      case "error": {
        const { code, retryable } = message;
        const error = new ConnectionError(message.message, { code, retryable });
        return this.reportError(error, "the media process");
      }
      case "edge":
        this.#options.onEdgeMessage?.(message.data, this);
    }
  }

  #onRow(reader: RowReader): void {
    const row = this.#rows.read(reader, this.#published.playedAt(reader), this.clock.now());
    if (row.count > 0) this.receiveRow(row);
  }
}

function resolved(): PromiseWithResolvers<void> {
  const back = Promise.withResolvers<void>();
  back.resolve();
  return back;
}
