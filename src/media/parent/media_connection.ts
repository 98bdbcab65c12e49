import type { Call } from "../../edge/call.ts";
import type { PublishedTracks } from "../../edge/call_connection.ts";
import { Connection } from "../../edge/connection.ts";
import type { EdgeAgent } from "../../edge/edge_agent.ts";
import type { EdgeTransport } from "../../edge/edge_transport.ts";
import { ConnectionError, type EdgeError } from "../../edge/errors.ts";
import { checkCall, checkUser } from "../../edge/validation.ts";
import { type CloseReason, type JsonValue, TrackType } from "../../edge/types.ts";
import type { VideoTrack } from "../../edge/video_frame.ts";
import { limitTime } from "../../events/waiting.ts";
import type { RowReader } from "../wire/audio_frames.ts";
import type { VideoConstraints } from "../wire/control.ts";
import type { ConnectionMessage } from "../wire/messages.ts";
import { PictureSender } from "../wire/video_frames.ts";
import type { LinkedConnection } from "./child_link.ts";
import type { MediaProcess, ProcessLease } from "./media_process.ts";
import { AudioRows } from "./audio_rows.ts";
import { PublishedAudio } from "./published_audio.ts";
import { PublishedVideo } from "./published_video.ts";
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
  /** Aborting it ends the join. */
  signal?: AbortSignal;
  /** Limit for the whole join, including the start of the process. Default 10,000. */
  timeoutMs?: number;
  /** Takes the edge's own messages (`{ type: "edge" }`). */
  onEdgeMessage?(data: JsonValue, connection: MediaConnection): void;
  /** Limits of subscribed video. Default 15 frames a second, 1280 x 720 pixels at most. */
  video?: Partial<VideoConstraints>;
}

/** How long after it was played a sample is heard, until a page has measured it. */
const ASSUMED_HEARD_DELAY_MS = 100;
/** How long leaving may take before the connection closes without a reply. */
const LEAVE_MS = 2000;

/**
 * A connection whose media runs in a {@linkcode MediaProcess}: its parent side. It serves every edge
 * on wrtc; what differs between them lies in their child sides.
 */
export class MediaConnection extends Connection {
  readonly #options: MediaConnectionOptions;
  readonly #lease: ProcessLease;
  readonly #id: number;
  readonly #rows: AudioRows;
  readonly #videoSubscriptions: VideoSubscriptions;
  #nextStream = 1;
  #audio: PublishedAudio | undefined;
  #video: PublishedVideo | undefined;
  #heardDelayMs = ASSUMED_HEARD_DELAY_MS;
  #joined: JsonValue = null;
  #isLost = false;

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
    const { process, timeoutMs = 10_000, signal } = options;
    checkUser(options.agent?.user, "agent.user");
    checkCall(options.call);
    using limit = limitTime("joining the call", {
      timeoutMs,
      signals: signal ? [signal] : [],
      clock: edge.clock,
    });
    while (true) {
      const wait = { signal: limit.signal, timeoutMs: Infinity };
      const lease = await process.acquire(wait) as ProcessLease;
      const connection = await MediaConnection.#create(edge, options, lease);
      try {
        await connection.#join(limit.signal);
        return connection;
      } catch (error) {
        await connection.close();
        // The process was empty and recycled in that moment: the next one is fresh.
        if ((error as Partial<EdgeError>).code !== "media-process-recycled") throw error;
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
    this.#videoSubscriptions = new VideoSubscriptions(lease.link, this.#id, constraints);
    lease.link.attach(this.#id, this.#linked());
  }

  /** The reply of the edge's child side to the join. */
  get joined(): JsonValue {
    return this.#joined;
  }

  /** Publishes the tracks through the media process. */
  override async publishTracks({ audio, video }: PublishedTracks): Promise<void> {
    if (audio !== undefined && audio !== this.#audio?.track) {
      this.#audio?.[Symbol.dispose]();
      this.#audio = undefined;
      this.#audio = new PublishedAudio(audio, {
        link: this.#lease.link,
        connectionId: this.#id,
        stream: this.#nextStream++,
      });
    }
    if (video !== undefined && video !== this.#video?.track) {
      this.#video?.[Symbol.dispose]();
      const sender = new PictureSender(this.#id, this.#nextStream++);
      this.#video = new PublishedVideo(video, sender, {
        writer: this.#lease.link.writer,
        clock: this.clock,
        onError: (error) => this.reportError(error, "publishing video"),
      });
    }
    await this.#lease.link.request("publish", {
      connection: this.#id,
      audio: this.#audio?.description ?? null,
      video: this.#video === undefined ? null : { stream: this.#video.stream },
    }, { timeoutMs: 10_000 });
  }

  /** Subscribes to a video track through the media process. */
  override addTrackSubscriber(trackId: string): VideoTrack | undefined {
    const existing = this.#videoSubscriptions.get(trackId);
    if (existing !== undefined) return existing;
    const info = this.tracks.get(trackId);
    if (info?.type !== TrackType.VIDEO && info?.type !== TrackType.SCREEN_SHARE) return undefined;
    return this.#videoSubscriptions.add(trackId, this.#nextStream++);
  }

  /** Has the media process send the event. */
  protected override async deliverCustomEvent(data: JsonValue): Promise<void> {
    const params = { connection: this.#id, data };
    await this.#lease.link.request("sendCustomEvent", params, { timeoutMs: 10_000 });
  }

  /** Leaves the call, then releases the lease. */
  protected override async disconnect(_reason: CloseReason): Promise<void> {
    const { link } = this.#lease;
    this.#audio?.[Symbol.dispose]();
    this.#audio = undefined;
    this.#video?.[Symbol.dispose]();
    this.#video = undefined;
    this.#videoSubscriptions.closeAll();
    try {
      if (!this.#isLost && link.lost === undefined) {
        await link.request("leave", { connection: this.#id }, { timeoutMs: LEAVE_MS });
      }
    } catch (error) {
      if (link.lost === undefined) this.reportError(error, "leaving the call");
    } finally {
      link.detach(this.#id);
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
    const { agent, call, params } = this.#options;
    const { id, name, image, custom } = agent.user;
    const { sampleRate, agents } = agent.audioSubscription;
    this.#joined = await this.#lease.link.request("join", {
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
    }, { signal });
    if (this.#isLost) throw this.#lease.lost ?? lostError();
    this.established();
  }

  /** The methods for the link, kept out of the public members of this class. */
  #linked(): LinkedConnection {
    return {
      onMessage: (message) => this.#onMessage(message),
      onSource: (source, participantId, trackId) =>
        this.#rows.addSource(source, { participantId, trackId }),
      onRow: (row) => this.#onRow(row),
      onReport: (report) => this.#audio?.report(report, this.#heardDelayMs),
      onFragment: (frame, stream) =>
        this.#videoSubscriptions.receiveFragment(frame, stream, this.clock.now()),
      onLost: (error) => this.#onLost(error),
    };
  }

  #onMessage(message: ConnectionMessage): void {
    switch (message.type) {
      case "participantJoined":
        return this.participantJoined({
          original: message.participant.original ?? null,
          userId: message.participant.userId,
          id: message.participant.id,
          name: message.participant.name,
          kind: message.participant.kind,
        });
      case "participantLost":
        return this.participantLost(message.participantId, message);
      case "participantLeft":
        return this.participantLeft(message.participantId);
      case "trackAdded":
        return this.trackAdded(message.track);
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
    const row = this.#rows.read(reader, this.#audio?.playedAt(reader));
    if (row.count > 0) this.receiveRow(row);
  }

  #onLost(error: EdgeError): void {
    this.#isLost = true;
    this.ended("media-process-lost", { error });
  }
}

function lostError(): ConnectionError {
  return new ConnectionError("the media process was lost while joining", {
    code: "media-process-lost",
    retryable: true,
  });
}
