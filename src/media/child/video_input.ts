/** A participant's pictures on their way to the agent. @module */
import type { Clock } from "../../events/clock.ts";
import { FrameThrottle } from "../../edge/toolkit/frame_throttle.ts";
import { videoFrameSize } from "../../edge/video_frame.ts";
import { rtc } from "../webrtc/rtc.ts";
import type { RtcTrack, RtcVideoFrame, RtcVideoSink } from "../webrtc/rtc_types.ts";
import type { FrameSource } from "../wire/frame_writer.ts";
import type { FrameBuffer } from "../wire/frame_buffer.ts";
import { PictureSender } from "../wire/video_frames.ts";
import type { VideoConstraints } from "./contract.ts";
import type { PictureTurns } from "./picture_turns.ts";
import { fitSize, scaleI420 } from "./i420.ts";
import { Turner } from "./upright.ts";

/** One subscribed video track: its latest picture, at the rate and size that the agent asked for. */
export class InboundVideo implements FrameSource {
  readonly stream: number;
  readonly #clock: Clock;
  readonly #turns: PictureTurns;
  readonly #sender: PictureSender;
  readonly #wake: () => void;
  #wish: VideoConstraints;
  #throttle: FrameThrottle;
  #scaled = new Uint8Array(0);
  readonly #turner = new Turner();
  #sink: RtcVideoSink | undefined;

  constructor(
    init: {
      connectionId: number;
      stream: number;
      constraints: VideoConstraints;
      clock: Clock;
      turns: PictureTurns;
      wake: () => void;
    },
  ) {
    this.stream = init.stream;
    this.#clock = init.clock;
    this.#turns = init.turns;
    this.#wake = init.wake;
    this.#wish = init.constraints;
    this.#throttle = new FrameThrottle(init.constraints.fps);
    this.#sender = new PictureSender(init.connectionId, init.stream);
  }

  get hasFrame(): boolean {
    return this.#sender.hasFragment;
  }

  writeFrame(out: FrameBuffer): boolean {
    return this.#sender.writeFragment(out);
  }

  /** Sets the track that the pictures come from, if any. */
  setTrack(track: RtcTrack | undefined): void {
    this.#stop();
    if (track === undefined) return;
    const sink = this.#sink = new rtc.nonstandard.RTCVideoSink(track);
    sink.onframe = ({ frame }) => this.#onFrame(frame);
  }

  close(): void {
    this.#stop();
  }

  #stop(): void {
    if (this.#sink === undefined) return;
    this.#sink.onframe = null;
    this.#sink.stop();
    this.#sink = undefined;
    this.#turns.drop(this);
  }

  #onFrame(frame: RtcVideoFrame): void {
    const timestampMs = this.#clock.now();
    if (!this.#throttle.accept(timestampMs)) return;
    this.#turns.take(this, () => this.#put(frame, timestampMs));
  }

  #put(frame: RtcVideoFrame, timestampMs: number): void {
    const { maxWidth, maxHeight } = this.#wish;
    // The limits are those of the upright picture.
    const lies = frame.rotation === 90 || frame.rotation === 270;
    const { width, height } = lies
      ? fitSize(frame.width, frame.height, maxHeight, maxWidth)
      : fitSize(frame.width, frame.height, maxWidth, maxHeight);
    let picture: RtcVideoFrame = frame;
    if (width !== frame.width || height !== frame.height) {
      const size = videoFrameSize("I420", width, height);
      if (this.#scaled.length !== size) this.#scaled = new Uint8Array(size);
      const scaled = { data: this.#scaled, width, height };
      scaleI420(frame, scaled);
      picture = { ...scaled, rotation: frame.rotation ?? 0 };
    }
    // After scaling, when there is less to turn.
    const { data, ...size } = this.#turner.turn(picture);
    const bytes = data instanceof Uint8Array
      ? data
      : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#sender.put({
      format: "I420",
      width: size.width,
      height: size.height,
      data: bytes,
      timestampMs,
    });
    this.#wake();
  }
}
