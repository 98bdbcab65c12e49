/** One agent's connection, in the media process. @module */
import type { AudioSubscription } from "../../edge/edge_agent.ts";
import type { User } from "../../edge/types.ts";
import type { Clock } from "../../events/clock.ts";
import type { ConnectionMessage, KnownCallState } from "../wire/messages.ts";
import { DirectedPlayouts } from "../room/directed_playouts.ts";
import { Playout } from "../room/playout.ts";
import { TICKS_PER_SLOT } from "../../audio/grid.ts";
import type { RtcTrack } from "../webrtc/rtc_types.ts";
import { type AgentAudioFrame, beginRow, writePlayoutReport } from "../wire/audio_frames.ts";
import type { LogLevel, RequestParams, ToParent, VideoConstraints } from "../wire/control.ts";
import type { FrameBuffer } from "../wire/frame_buffer.ts";
import type { Frame } from "../wire/frame_parser.ts";
import type { FrameSource, FrameWriter } from "../wire/frame_writer.ts";
import { PictureReceiver } from "../wire/video_frames.ts";
import type { AgentConnection } from "./contract.ts";
import { RowQueue } from "../room/row_queue.ts";
import { PlayoutReports } from "./playout_reports.ts";
import type { PictureTurns } from "./picture_turns.ts";
import { InboundVideo } from "./video_input.ts";
import { OutboundVideo, type PictureLimits } from "./video_output.ts";

/** The process, as a connection sees it. */
export interface ChildServices {
  readonly clock: Clock;
  readonly writer: FrameWriter;
  readonly turns: PictureTurns;
  send(message: ToParent): void;
  log(level: LogLevel, message: string): void;
}

/** One agent's connection: what the wire does with it, and what the edge sees of it. */
export class ChildConnection implements AgentConnection {
  readonly connectionId: number;
  readonly user: User;
  readonly audioSubscription: AudioSubscription;
  readonly call: { readonly id: string; readonly type: string };
  readonly known: KnownCallState | undefined;
  readonly playout: Playout;
  readonly directed: DirectedPlayouts;
  readonly rowQueue: RowQueue;
  readonly #services: ChildServices;
  readonly #abort = new AbortController();
  readonly #audioFrames: FrameSource;
  readonly #outboundVideo: OutboundVideo;
  readonly #inboundVideos = new Map<string, InboundVideo>();
  /** Called when the agent's pictures have another size. */
  onVideoResized: (() => void) | undefined;
  #videoStream = 0;
  #pictures = new PictureReceiver();
  readonly #reports = new PlayoutReports();

  constructor(services: ChildServices, init: RequestParams["join"]) {
    this.#services = services;
    this.playout = new Playout({ clock: services.clock });
    this.directed = new DirectedPlayouts({ clock: services.clock });
    this.connectionId = init.connection;
    this.user = init.user;
    this.audioSubscription = init.audioSubscription;
    this.call = init.call;
    this.known = init.known ?? undefined;
    this.rowQueue = new RowQueue({
      sampleRate: init.audioSubscription.sampleRate,
      clock: services.clock,
      onSource: (source, participantId, trackId) =>
        services.send({
          type: "source",
          connection: this.connectionId,
          source,
          participantId,
          trackId,
        }),
      onReady: () => services.writer.wake(),
      onDropped: (dropped, total) =>
        services.log("warn", `the agent is behind: ${dropped} slots dropped (${total} in all)`),
    });
    this.#audioFrames = new AudioFrames(this, this.#reports);
    this.#outboundVideo = new OutboundVideo(services.clock, () => this.onVideoResized?.());
    services.writer.addAudio(this.#audioFrames);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get videoTrack(): RtcTrack {
    return this.#outboundVideo.track;
  }

  get videoSize(): { width: number; height: number } | undefined {
    return this.#outboundVideo.size;
  }

  limitVideo(limits: PictureLimits): void {
    this.#outboundVideo.limit(limits);
  }

  send(message: ConnectionMessage): void {
    if (this.signal.aborted) return;
    this.#services.send({ type: "connection", connection: this.connectionId, message });
  }

  setVideoSource(trackId: string, track: RtcTrack | undefined): void {
    this.#inboundVideos.get(trackId)?.setTrack(track);
  }

  isSubscribed(trackId: string): boolean {
    return this.#inboundVideos.has(trackId);
  }

  onTick(tick: number): void {
    // Together with the row of the same tick, so that one write carries both.
    if (tick % TICKS_PER_SLOT !== TICKS_PER_SLOT - 1) return;
    const playouts = [this.playout];
    for (const { playout } of this.directed.all) playouts.push(playout);
    if (this.#reports.update(playouts)) this.#services.writer.wake();
  }

  /** The agent publishes other tracks than before. */
  publish({ audio, directed, video }: RequestParams["publish"]): void {
    this.directed.publish(directed);
    const { stream } = this.playout.state();
    if ((audio?.stream ?? 0) !== stream) {
      this.playout.bind(audio?.stream ?? 0, audio?.mode ?? "speech", audio?.epoch ?? 0);
      this.rowQueue.forgetPlayed();
      if (audio?.paused) this.playout.pause();
    }
    if ((video?.stream ?? 0) !== this.#videoStream) {
      this.#videoStream = video?.stream ?? 0;
      this.#pictures = new PictureReceiver();
      if (video === null) this.#outboundVideo.clear();
    }
  }

  /** Plays a chunk of the agent's audio. */
  play(audio: AgentAudioFrame): void {
    const directed = this.directed.find(audio.stream);
    (directed ?? this.playout).push(audio.samples, audio);
  }

  /** The playout of a stream; late messages are about one that is not published any more. */
  playoutOf(stream: number): Playout | undefined {
    if (this.playout.stream === stream) return this.playout;
    return this.directed.find(stream);
  }

  /** Takes a fragment of the agent's own picture. */
  showFragment(frame: Frame, stream: number): void {
    if (stream !== this.#videoStream) return;
    const picture = this.#pictures.read(frame);
    if (picture !== undefined) this.#outboundVideo.show(picture);
  }

  /** Subscribes to a track, changes the subscription, or ends it. */
  subscribe(
    trackId: string,
    stream: number,
    constraints: VideoConstraints | undefined,
    track: RtcTrack | undefined,
  ): void {
    const existing = this.#inboundVideos.get(trackId);
    if (existing !== undefined) {
      this.#inboundVideos.delete(trackId);
      this.#services.writer.removeVideo(existing);
      existing.close();
    }
    if (constraints === undefined) return;
    const { clock, turns, writer } = this.#services;
    const { connectionId } = this;
    const video = new InboundVideo({
      connectionId,
      stream,
      constraints,
      clock,
      turns,
      wake: () => writer.wake(),
    });
    this.#inboundVideos.set(trackId, video);
    writer.addVideo(video);
    video.setTrack(track);
  }

  /** Closes the connection. Idempotent. */
  close(): void {
    if (this.signal.aborted) return;
    this.#abort.abort(new DOMException("the agent left the call", "AbortError"));
    this.#services.writer.removeAudio(this.#audioFrames);
    for (const [trackId, { stream }] of [...this.#inboundVideos]) {
      this.subscribe(trackId, stream, undefined, undefined);
    }
    this.rowQueue.close();
    this.#outboundVideo.close();
  }
}

/** The audio frames of one connection: playout reports first, then rows. */
class AudioFrames implements FrameSource {
  readonly #connectionId: number;
  readonly #rowQueue: RowQueue;
  readonly #playout: Playout;
  readonly #reports: PlayoutReports;

  constructor(
    connection: { connectionId: number; rowQueue: RowQueue; playout: Playout },
    reports: PlayoutReports,
  ) {
    this.#connectionId = connection.connectionId;
    this.#rowQueue = connection.rowQueue;
    this.#playout = connection.playout;
    this.#reports = reports;
  }

  get hasFrame(): boolean {
    return this.#reports.due !== undefined || this.#rowQueue.hasRow;
  }

  writeFrame(out: FrameBuffer): boolean {
    const connectionId = this.#connectionId;
    const report = this.#reports.due;
    if (report !== undefined) {
      if (!writePlayoutReport(out, { connectionId, ...report })) return false;
      this.#reports.sent();
      return true;
    }
    return this.#rowQueue.writeRow({
      begin: (row) => beginRow(out, { connectionId, stream: this.#playout.stream, ...row }),
    });
  }
}
