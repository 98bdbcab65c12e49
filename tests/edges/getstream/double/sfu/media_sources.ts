/** A member of the call inside the SFU: their tone and picture need no network. @module */
import { rtc } from "../../../../../src/media/webrtc/rtc.ts";
import type { RtcTrack } from "../../../../../src/media/webrtc/rtc_types.ts";

const SAMPLES = 480;

/** 10 ms of sound. */
interface Frame {
  samples: Int16Array;
  sampleRate: number;
  channelCount: number;
  isLast: boolean;
}

/** A microphone: what is said, 10 ms at a time on a timer that does not drift; else a tone. */
export class Voice {
  readonly track: RtcTrack;
  readonly #source = new rtc.nonstandard.RTCAudioSource();
  readonly #frames: Frame[] = [];
  readonly #said: PromiseWithResolvers<void>[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #phase = 0;
  #clicked: PromiseWithResolvers<number> | undefined;
  #due = performance.now();

  constructor(public frequency = 0, public amplitude = 0) {
    this.track = this.#source.createTrack();
    this.#tick();
  }

  /** Says something; resolves when it is said. */
  say(samples: Int16Array, sampleRate: number, channelCount: number): Promise<void> {
    const size = sampleRate / 100 * channelCount;
    for (let start = 0; start < samples.length; start += size) {
      const frame = new Int16Array(size);
      frame.set(samples.subarray(start, start + size));
      const isLast = start + size >= samples.length;
      this.#frames.push({ samples: frame, sampleRate, channelCount, isLast });
    }
    const said = Promise.withResolvers<void>();
    if (samples.length === 0) said.resolve();
    else this.#said.push(said);
    return said.promise;
  }

  /** Clicks with the next frame; resolves with the time at which that was sent. */
  click(): Promise<number> {
    const clicked = Promise.withResolvers<number>();
    this.#clicked = clicked;
    return clicked.promise;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.track.stop();
    for (const said of this.#said) said.reject(new Error("the microphone was stopped"));
  }

  #tick(): void {
    const now = performance.now();
    if (now - this.#due > 200) this.#due = now;
    while (this.#due <= now) {
      const frame = this.#frames.shift() ?? this.#tone();
      const { samples, sampleRate, channelCount } = frame;
      this.#source.onData({
        samples,
        sampleRate,
        bitsPerSample: 16,
        channelCount,
        numberOfFrames: samples.length / channelCount,
      });
      if (frame.isLast) this.#said.shift()?.resolve();
      this.#due += 10;
    }
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, this.#due - performance.now()));
  }

  #tone(): Frame {
    const samples = new Int16Array(SAMPLES);
    if (this.#clicked) {
      for (let index = 0; index < SAMPLES; index++) {
        samples[index] = 16_000 * Math.sin(2 * Math.PI * index / 48) *
          Math.sin(Math.PI * index / SAMPLES);
      }
      this.#clicked.resolve(performance.now());
      this.#clicked = undefined;
      return { samples, sampleRate: 48_000, channelCount: 1, isLast: false };
    }
    if (this.amplitude > 0) {
      for (let index = 0; index < SAMPLES; index++) {
        this.#phase += 2 * Math.PI * this.frequency / 48_000;
        samples[index] = Math.round(Math.sin(this.#phase) * this.amplitude * 32767);
      }
    }
    return { samples, sampleRate: 48_000, channelCount: 1, isLast: false };
  }
}

/** A grey picture, ten times a second. */
export class Picture {
  readonly track: RtcTrack;
  readonly #source = new rtc.nonstandard.RTCVideoSource();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(width: number, height: number, luma: number) {
    this.track = this.#source.createTrack();
    const data = new Uint8ClampedArray(width * height * 3 / 2).fill(128);
    data.fill(luma, 0, width * height);
    this.#timer = setInterval(() => this.#source.onFrame({ width, height, data }), 100);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.track.stop();
  }
}
