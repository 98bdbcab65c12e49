import type { Clock } from "../../events/clock.ts";
import { type VideoFrame, videoFrameSize } from "../../edge/video_frame.ts";
import { rtc } from "../webrtc/rtc.ts";
import type { RtcTrack, RtcVideoFrame, RtcVideoSource } from "../webrtc/rtc_types.ts";

/** How often a still picture is repeated: a participant who joins later sees it within this time. */
const REPEAT_MS = 500;

/** The agent's own pictures on their way to its track. */
export class OutboundVideo {
  readonly #clock: Clock;
  #source: RtcVideoSource | undefined;
  #track: RtcTrack | undefined;
  #converted = new Uint8Array(0);
  #last: RtcVideoFrame | undefined;
  #lastAt = 0;
  #repeat: Disposable | undefined;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
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
    this.#last = this.#toI420(frame);
    this.#lastAt = this.#clock.now();
    this.#source!.onFrame(this.#last);
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

  #toI420({ format, width, height, data }: VideoFrame): RtcVideoFrame {
    if (format === "I420") return { width, height, data };
    const size = videoFrameSize("I420", width, height);
    if (this.#converted.length !== size) this.#converted = new Uint8Array(size);
    const converted = { width, height, data: this.#converted };
    rtc.nonstandard.rgbaToI420({ width, height, data }, converted);
    return converted;
  }
}
