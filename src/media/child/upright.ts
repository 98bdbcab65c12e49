/** Turns pictures upright, for those whose receiver does not. @module */
import { rtc } from "../webrtc/rtc.ts";
import type { RtcTrack, RtcVideoFrame, RtcVideoSink } from "../webrtc/rtc_types.ts";
import { rotateI420 } from "./i420.ts";

/** Turns one picture after another. */
export class Turner {
  #turned = new Uint8Array(0);

  /** Returns the picture upright: itself, or one that is valid until the next call. */
  turn(frame: RtcVideoFrame): RtcVideoFrame {
    const { data, width, height, rotation } = frame;
    if (rotation !== 90 && rotation !== 180 && rotation !== 270) return frame;
    if (this.#turned.length !== data.length) this.#turned = new Uint8Array(data.length);
    rotateI420(frame, rotation, this.#turned);
    return rotation === 180
      ? { width, height, data: this.#turned }
      : { width: height, height: width, data: this.#turned };
  }
}

/**
 * A video of which every picture is upright. WebRTC sends a picture with its rotation in a header
 * extension, and where the other side has not agreed to that, it sends none that is turned.
 */
export class UprightTrack implements Disposable {
  /** What is to be sent. */
  readonly track: RtcTrack;
  readonly #sink: RtcVideoSink;

  constructor(track: RtcTrack) {
    const source = new rtc.nonstandard.RTCVideoSource();
    const turner = new Turner();
    this.track = source.createTrack();
    this.#sink = new rtc.nonstandard.RTCVideoSink(track);
    this.#sink.onframe = ({ frame }) => {
      const { width, height, data } = turner.turn(frame);
      source.onFrame({ width, height, data });
    };
  }

  /** Ends it; no sender may have the track any longer. */
  [Symbol.dispose](): void {
    this.#sink.onframe = null;
    this.#sink.stop();
    this.track.stop();
  }
}
