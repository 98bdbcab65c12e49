/** Somebody in the call who lives in the SFU itself: his tone and picture need no network. @module */
import { rtc } from "../../../../src/media/rtc.ts";
import type { RtcTrack } from "../../../../src/media/rtc_types.ts";

const SAMPLES = 480;

/** A tone of 48 kHz, 10 ms at a time, on a timer that does not drift. */
export class Tone {
  readonly track: RtcTrack;
  readonly #source = new rtc.nonstandard.RTCAudioSource();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #phase = 0;
  #due = performance.now();
  frequency: number;
  amplitude: number;

  constructor(frequency: number, amplitude: number) {
    this.frequency = frequency;
    this.amplitude = amplitude;
    this.track = this.#source.createTrack();
    this.#tick();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.track.stop();
  }

  #tick(): void {
    const now = performance.now();
    if (now - this.#due > 200) this.#due = now;
    while (this.#due <= now) {
      const samples = new Int16Array(SAMPLES);
      for (let index = 0; index < SAMPLES; index++) {
        this.#phase += 2 * Math.PI * this.frequency / 48_000;
        samples[index] = Math.round(Math.sin(this.#phase) * this.amplitude * 32767);
      }
      this.#source.onData({
        samples,
        sampleRate: 48_000,
        bitsPerSample: 16,
        channelCount: 1,
        numberOfFrames: SAMPLES,
      });
      this.#due += 10;
    }
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, this.#due - performance.now()));
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
