import type { AudioSubscription } from "../../edge/edge_agent.ts";
import type { User } from "../../edge/types.ts";
import type { Clock } from "../../events/clock.ts";
import type { ConnectionMessage } from "../wire/messages.ts";
import { Playout, type PlayoutState } from "../room/playout.ts";
import { TICKS_PER_SLOT } from "../../audio/grid.ts";
import type { RtcTrack } from "../webrtc/rtc_types.ts";
import { type AgentAudioFrame, beginRow, writeReport } from "../wire/audio_frames.ts";
import type { RequestParams, ToAgent } from "../wire/control.ts";
import type { FrameBuffer } from "../wire/frame_buffer.ts";
import type { Frame } from "../wire/frame_parser.ts";
import type { FrameSource, FrameWriter } from "../wire/frame_writer.ts";
import { PictureReceiver } from "../wire/video_frames.ts";
import type { AgentPort, LogLevel, VideoConstraints } from "./contract.ts";
import { RowQueue } from "./row_queue.ts";
import { InboundVideo } from "./video_input.ts";
import { OutboundVideo } from "./video_output.ts";

/** What a port needs of its host. */
export interface PortOwner {
  readonly clock: Clock;
  readonly writer: FrameWriter;
  send(message: ToAgent): void;
  log(level: LogLevel, message: string): void;
}

/** One agent's connection: what the host does for it, and what the edge sees of it. */
export class ConnectionPort implements AgentPort {
  readonly connectionId: number;
  readonly user: User;
  readonly hearing: AudioSubscription;
  readonly call: { readonly id: string; readonly type: string };
  readonly playout: Playout;
  readonly rowQueue: RowQueue;
  readonly #host: PortOwner;
  readonly #abort = new AbortController();
  readonly #rows: FrameSource;
  readonly #videoOut: OutboundVideo;
  readonly #videoIns = new Map<string, InboundVideo>();
  #videoStream = 0;
  #pictures = new PictureReceiver();
  #reported: PlayoutState | undefined;
  #reportDue = false;

  constructor(host: PortOwner, init: RequestParams["join"]) {
    this.#host = host;
    this.playout = new Playout({ clock: host.clock });
    this.connectionId = init.connection;
    this.user = init.user as User;
    this.hearing = init.hearing;
    this.call = init.call;
    this.rowQueue = new RowQueue({
      sampleRate: init.hearing.sampleRate,
      clock: host.clock,
      introduce: (source, participantId, trackId) =>
        host.send({
          type: "source",
          connection: this.connectionId,
          source,
          participantId,
          trackId,
        }),
      onReady: () => host.writer.wake(),
      onDropped: (dropped, total) =>
        host.log("warn", `the agent is behind: ${dropped} slots dropped (${total} in all)`),
    });
    this.#rows = new PortSound(this, () => this.#takeReport());
    this.#videoOut = new OutboundVideo(host.clock);
    host.writer.addSound(this.#rows);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get videoTrack(): RtcTrack {
    return this.#videoOut.track;
  }

  notify(notice: ConnectionMessage): void {
    if (this.signal.aborted) return;
    this.#host.send({ type: "notice", connection: this.connectionId, notice });
  }

  setVideoSource(trackId: string, track: RtcTrack | undefined): void {
    this.#videoIns.get(trackId)?.setTrack(track);
  }

  isSubscribed(trackId: string): boolean {
    return this.#videoIns.has(trackId);
  }

  /** Called by the room once a tick, after the playout was read. */
  onTick(tick: number): void {
    // With the row of the same tick, so that both go out in one write.
    if (tick % TICKS_PER_SLOT !== TICKS_PER_SLOT - 1) return;
    const state = this.playout.state();
    const last = this.#reported;
    if (
      last !== undefined && last.stream === state.stream && last.epoch === state.epoch &&
      last.playedMs === state.playedMs && last.trimmedMs === state.trimmedMs &&
      last.bufferedMs === state.bufferedMs
    ) return;
    this.#reported = state;
    this.#reportDue = true;
    this.#host.writer.wake();
  }

  /** The agent publishes other tracks than before. */
  publish({ audio, video }: RequestParams["publish"]): void {
    const { stream } = this.playout.state();
    if ((audio?.stream ?? 0) !== stream) {
      this.playout.bind(audio?.stream ?? 0, audio?.mode ?? "speech", audio?.epoch ?? 0);
      this.rowQueue.forgetPlayed();
      if (audio?.paused) this.playout.pause();
    }
    if ((video?.stream ?? 0) !== this.#videoStream) {
      this.#videoStream = video?.stream ?? 0;
      this.#pictures = new PictureReceiver();
      if (video === null) this.#videoOut.clear();
    }
  }

  /** The agent said something. */
  say(said: AgentAudioFrame): void {
    this.playout.push(said.samples, said);
  }

  /** A piece of the agent's own picture came. */
  showPiece(frame: Frame, stream: number): void {
    if (stream !== this.#videoStream) return;
    const picture = this.#pictures.read(frame);
    if (picture !== undefined) this.#videoOut.show(picture);
  }

  /** The agent wants to see a track, otherwise than before, or no more. */
  subscribe(
    trackId: string,
    stream: number,
    wish: VideoConstraints | undefined,
    track: RtcTrack | undefined,
  ): void {
    const existing = this.#videoIns.get(trackId);
    if (existing !== undefined) {
      this.#videoIns.delete(trackId);
      this.#host.writer.removePictures(existing);
      existing.close();
    }
    if (wish === undefined) return;
    const { clock, writer } = this.#host;
    const { connectionId } = this;
    const videoIn = new InboundVideo({
      connectionId,
      stream,
      wish,
      clock,
      wake: () => writer.wake(),
    });
    this.#videoIns.set(trackId, videoIn);
    writer.addPictures(videoIn);
    videoIn.setTrack(track);
  }

  /** Ends the port. Idempotent. */
  close(): void {
    if (this.signal.aborted) return;
    this.#abort.abort(new DOMException("the agent left the call", "AbortError"));
    this.#host.writer.removeSound(this.#rows);
    for (const [trackId, { stream }] of [...this.#videoIns]) {
      this.subscribe(trackId, stream, undefined, undefined);
    }
    this.rowQueue.close();
    this.#videoOut.close();
  }

  #takeReport(): PlayoutState | undefined {
    if (!this.#reportDue) return undefined;
    this.#reportDue = false;
    return this.#reported;
  }
}

/** The sound of one connection on its way to the agent: a report first, then rows. */
class PortSound implements FrameSource {
  readonly #connectionId: number;
  readonly #rowQueue: RowQueue;
  readonly #playout: Playout;
  readonly #takeReport: () => PlayoutState | undefined;
  #report: PlayoutState | undefined;

  constructor(
    port: { connectionId: number; rowQueue: RowQueue; playout: Playout },
    takeReport: () => PlayoutState | undefined,
  ) {
    this.#connectionId = port.connectionId;
    this.#rowQueue = port.rowQueue;
    this.#playout = port.playout;
    this.#takeReport = takeReport;
  }

  get hasFrame(): boolean {
    this.#report = this.#takeReport() ?? this.#report;
    return this.#report !== undefined || this.#rowQueue.hasRow;
  }

  writeFrame(out: FrameBuffer): boolean {
    const connectionId = this.#connectionId;
    if (this.#report !== undefined) {
      if (!writeReport(out, { connectionId, ...this.#report })) return false;
      this.#report = undefined;
      return true;
    }
    return this.#rowQueue.writeRow({
      begin: (row) => beginRow(out, { connectionId, stream: this.#playout.stream, ...row }),
    });
  }
}
