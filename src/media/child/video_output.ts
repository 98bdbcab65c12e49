/** The agent's pictures on their way to the others. @module */
import type { Clock } from "../../events/clock.ts";
import { type VideoFrame, videoFrameSize } from "../../edge/video_frame.ts";
import { FrameThrottle } from "../../edge/toolkit/frame_throttle.ts";
import { fitSize, scaleI420 } from "./i420.ts";
import { rtc } from "../webrtc/rtc.ts";
import type { RtcTrack, RtcVideoFrame, RtcVideoSource } from "../webrtc/rtc_types.ts";

/** How often a still picture is repeated: a participant who joins later sees it within this time. */
const REPEAT_MS = 500;

/** What the others want at most of the agent's pictures. */
export interface PictureLimits {
  /** Pictures a second. Default: as many as there are. */
  fps?: number;
  /** By how much both sides are divided, 1 or more. Default 1. */
  scaleDownBy?: number;
}

/** The agent's own pictures on their way to its track. */
export class OutboundVideo {
  readonly #clock: Clock;
  readonly #onResized: () => void;
  #size: { width: number; height: number } | undefined;
  #throttle = new FrameThrottle(Infinity);
  #scaleDownBy = 1;
  #scaled = new Uint8Array(0);
  #source: RtcVideoSource | undefined;
  #track: RtcTrack | undefined;
  #converted = new Uint8Array(0);
  #last: RtcVideoFrame | undefined;
  #lastAt = 0;
  #repeat: Disposable | undefined;
  #closed = false;

  /** @param onResized called when a picture has another size than the one before */
  constructor(clock: Clock, onResized: () => void = () => {}) {
    this.#clock = clock;
    this.#onResized = onResized;
  }

  /** The size of the last picture, before any limit; `undefined` before the first. */
  get size(): { width: number; height: number } | undefined {
    return this.#size;
  }

  /** Shows no more than this from now on. */
  limit({ fps = Infinity, scaleDownBy = 1 }: PictureLimits): void {
    if (fps !== this.#throttle.fps) this.#throttle = new FrameThrottle(fps);
    this.#scaleDownBy = Math.max(1, scaleDownBy);
  }

  /** The track, created on first use. */
  get track(): RtcTrack {
    if (this.#track === undefined) {
      this.#source = new rtc.nonstandard.RTCVideoSource();
      this.#track = this.#source.createTrack();
    }
    return this.#track;
  }

  /** Shows a picture. */
  show(frame: VideoFrame): void {
    if (this.#closed) return;
    this.track;
    const { width, height } = frame;
    const isResized = width !== this.#size?.width || height !== this.#size.height;
    this.#size = { width, height };
    const now = this.#clock.now();
    const isDue = this.#throttle.accept(now);
    // One that is not due is shown by the repetition, if none follows it.
    this.#last = this.#scale(this.#toI420(frame));
    if (isDue) {
      this.#lastAt = now;
      this.#source!.onFrame(this.#last);
    }
    if (isResized) this.#onResized();
    this.#repeat ??= this.#clock.schedule(() => this.#onRepeat(), REPEAT_MS);
  }

  /** Shows nothing until the next picture. */
  clear(): void {
    this.#repeat?.[Symbol.dispose]();
    this.#repeat = this.#last = undefined;
  }

  /** Stops the track, which its senders must have released. Idempotent. */
  close(): void {
    this.#closed = true;
    this.clear();
    this.#track?.stop();
  }

  #onRepeat(): void {
    const passed = this.#clock.now() - this.#lastAt;
    if (passed >= REPEAT_MS) {
      this.#source!.onFrame(this.#last!);
      this.#lastAt = this.#clock.now();
    }
    const next = passed >= REPEAT_MS ? REPEAT_MS : REPEAT_MS - passed;
    this.#repeat = this.#clock.schedule(() => this.#onRepeat(), next);
  }

  #scale(frame: RtcVideoFrame): RtcVideoFrame {
    if (this.#scaleDownBy === 1) return frame;
    const by = this.#scaleDownBy;
    const { width, height } = fitSize(
      frame.width,
      frame.height,
      frame.width / by,
      frame.height / by,
    );
    const size = videoFrameSize("I420", width, height);
    if (this.#scaled.length !== size) this.#scaled = new Uint8Array(size);
    const scaled = { width, height, data: this.#scaled };
    scaleI420(frame, scaled);
    return scaled;
  }

  #toI420({ format, width, height, data }: VideoFrame): RtcVideoFrame {
    if (format === "I420") return { width, height, data };
    const size = videoFrameSize("I420", width, height);
    if (this.#converted.length !== size) this.#converted = new Uint8Array(size);
    const converted = { width, height, data: this.#converted };
    rtc.nonstandard.rgbaToI420({ width, height, data }, converted);
    return converted;
  }
}
