/** A recorder of the media that a member sends to the SFU. @module */
import { PcmChunk } from "../../../../../src/audio/pcm_chunk.ts";
import { audibleMs } from "../../../../../src/testing/conformance/fixture.ts";
import { rtc } from "../../../../../src/media/webrtc/rtc.ts";
import type {
  RtcAudioSink,
  RtcTrack,
  RtcVideoSink,
} from "../../../../../src/media/webrtc/rtc_types.ts";

/** One frame of 10 ms. */
export interface Heard {
  /** Milliseconds of this process's clock. */
  at: number;
  /** 0 to 1. */
  rms: number;
  /** Hertz, from zero crossings. */
  frequency: number;
}

/** The frames that are kept: two minutes. */
const KEPT = 12_000;

/** Records the current tracks of one user. */
export class Recorder {
  readonly heard: Heard[] = [];
  frames = 0;
  size = "";
  luma = 0;
  /** Receives audible milliseconds. */
  onHeard: ((ms: number) => void) | undefined;
  #audio: { track: RtcTrack; sink: RtcAudioSink } | undefined;
  #video: { track: RtcTrack; sink: RtcVideoSink } | undefined;

  listen(track: RtcTrack | undefined): void {
    if (this.#audio?.track === track) return;
    const old = this.#audio?.sink;
    if (old) old.ondata = null;
    old?.stop();
    this.#audio = undefined;
    if (!track) return;
    const sink = new rtc.nonstandard.RTCAudioSink(track);
    sink.ondata = ({ samples, sampleRate, channelCount }) => {
      if (this.onHeard) {
        const ms = audibleMs(new PcmChunk(samples, { sampleRate, channels: channelCount }));
        if (ms > 0) this.onHeard(ms);
      }
      let sum = 0;
      const crossings: number[] = [];
      for (let index = 0; index < samples.length; index += channelCount) {
        const value = samples[index]!;
        sum += value * value;
        if (index > 0 && (value >= 0) !== (samples[index - channelCount]! >= 0)) {
          crossings.push(index / channelCount);
        }
      }
      const frames = samples.length / channelCount;
      const halves = crossings.length - 1;
      this.heard.push({
        at: performance.now(),
        rms: Math.sqrt(sum / frames) / 32768,
        frequency: halves > 0 ? halves * sampleRate / 2 / (crossings[halves]! - crossings[0]!) : 0,
      });
      if (this.heard.length > KEPT) this.heard.splice(0, KEPT / 10);
    };
    this.#audio = { track, sink };
  }

  watch(track: RtcTrack | undefined): void {
    if (this.#video?.track === track) return;
    const old = this.#video?.sink;
    if (old) old.onframe = null;
    old?.stop();
    this.#video = undefined;
    if (!track) return;
    const sink = new rtc.nonstandard.RTCVideoSink(track);
    sink.onframe = ({ frame: { width, height, data } }) => {
      this.frames++;
      this.size = `${width}x${height}`;
      this.luma = data[(height >> 1) * width + (width >> 1)]!;
    };
    this.#video = { track, sink };
  }
}
