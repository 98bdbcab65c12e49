/** Turns stereo into mono, and takes a microphone of which one side is dead at its full level. @module */

/** A side whose level is so far below the other's is dead: 40 dB. */
const DEAD = 1e-4;
/** How fast the estimates of the sides' levels fall, per frame of 10 ms: 20 dB in about 5 s. */
const FALL = 0.99;

/** Mixes the two sides of one track, or takes the one that is alive. */
export class LiveChannel {
  #left = 0;
  #right = 0;
  /** The gain of the left side at the end of the last frame; the right side's is the rest to 1. */
  #gain = 0.5;
  #mono = new Int16Array(0);

  /** Returns an interleaved frame as mono: a view, valid until the next call. */
  process(samples: Int16Array): Int16Array {
    const frames = samples.length >> 1;
    if (this.#mono.length !== frames) this.#mono = new Int16Array(frames);
    let left = 0, right = 0;
    for (let at = 0; at < samples.length; at += 2) {
      left += samples[at]! ** 2;
      right += samples[at + 1]! ** 2;
    }
    this.#left = Math.max(left, this.#left * FALL);
    this.#right = Math.max(right, this.#right * FALL);
    const target = this.#right < DEAD * this.#left ? 1 : this.#left < DEAD * this.#right ? 0 : 0.5;
    const step = (target - this.#gain) / frames;
    let gain = this.#gain;
    for (let n = 0; n < frames; n++) {
      gain += step;
      this.#mono[n] = Math.round(gain * samples[2 * n]! + (1 - gain) * samples[2 * n + 1]!);
    }
    this.#gain = target;
    return this.#mono;
  }
}
