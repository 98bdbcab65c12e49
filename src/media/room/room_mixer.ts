import { TICK_SAMPLES } from "../wire/time.ts";

/** The maximum of contributions: a listener's choice is a bit mask, and a number has these bits. */
export const MAX_CONTRIBUTIONS = 30;
/** Where the limiter holds peaks: half a decibel below full scale. */
const CEILING = 30_900;
/** The limiter attacks within a millisecond and releases in about 200 ms. */
const ATTACK_SAMPLES = 48;
const RELEASE = 0.05;
/** Ticks without a request after which a mix is dropped. */
const KEPT_TICKS = 50;

/** One sum that some listeners share. */
interface Bus {
  /** Owns its buffer, as wrtc requires. */
  readonly frame: Int16Array;
  gain: number;
  /** The tick of its frame. */
  tick: number;
}

/**
 * Sums one tick's contributions for each listener. Listeners with the same contributions share one
 * frame, so that all silent ones cost as much as one. In TypeScript, since with at most four
 * speakers there is little to sum, and the limiter needs sums that the kernel would saturate.
 */
export class RoomMixer {
  readonly #contributions = Array.from(
    { length: MAX_CONTRIBUTIONS },
    () => new Float32Array(TICK_SAMPLES),
  );
  readonly #buses = new Map<number, Bus>();
  readonly #sum = new Float32Array(TICK_SAMPLES);
  readonly #silence = new Int16Array(TICK_SAMPLES);
  #count = 0;
  #tick = 0;

  /** Begins a tick. */
  begin(): void {
    this.#count = 0;
    this.#tick++;
    if (this.#tick % KEPT_TICKS !== 0) return;
    for (const [mask, bus] of this.#buses) {
      if (this.#tick - bus.tick > KEPT_TICKS) this.#buses.delete(mask);
    }
  }

  /**
   * Adds a contribution whose gain changes linearly over the frame.
   *
   * @returns its bit; 0 when there are too many
   */
  add(frame: Int16Array, fromGain: number, toGain: number): number {
    if (this.#count === MAX_CONTRIBUTIONS) return 0;
    const out = this.#contributions[this.#count]!;
    if (fromGain === toGain) {
      for (let index = 0; index < TICK_SAMPLES; index++) out[index] = frame[index]! * toGain;
    } else {
      const step = (toGain - fromGain) / TICK_SAMPLES;
      for (let index = 0; index < TICK_SAMPLES; index++) {
        out[index] = frame[index]! * (fromGain + step * (index + 1));
      }
    }
    return 1 << this.#count++;
  }

  /** Returns the mix of the contributions in `mask`: shared, and valid until the next tick. */
  mix(mask: number): Int16Array {
    if (mask === 0) return this.#silence;
    let bus = this.#buses.get(mask);
    if (bus === undefined) {
      bus = { frame: new Int16Array(TICK_SAMPLES), gain: 1, tick: -1 };
      this.#buses.set(mask, bus);
    }
    if (bus.tick === this.#tick) return bus.frame;
    // A mix that the previous tick did not have begins with a limiter at rest.
    if (bus.tick !== this.#tick - 1) bus.gain = 1;
    bus.tick = this.#tick;
    const peak = this.#add(mask);
    // One contribution alone fits as it is.
    this.#limit(bus, (mask & (mask - 1)) === 0 ? 0 : peak);
    return bus.frame;
  }

  /** Sums into `#sum` and returns the highest peak. */
  #add(mask: number): number {
    const sum = this.#sum;
    let isFirst = true;
    for (let bit = 0; bit < this.#count; bit++) {
      if ((mask & (1 << bit)) === 0) continue;
      const contribution = this.#contributions[bit]!;
      if (isFirst) sum.set(contribution);
      else for (let index = 0; index < TICK_SAMPLES; index++) sum[index]! += contribution[index]!;
      isFirst = false;
    }
    let peak = 0;
    for (let index = 0; index < TICK_SAMPLES; index++) {
      const size = Math.abs(sum[index]!);
      if (size > peak) peak = size;
    }
    return peak;
  }

  #limit(bus: Bus, peak: number): void {
    const sum = this.#sum;
    const { frame } = bus;
    const wanted = peak > CEILING ? CEILING / peak : 1;
    let gain = bus.gain;
    let step = 0, until = 0;
    if (wanted < gain) {
      until = ATTACK_SAMPLES;
      step = (wanted - gain) / until;
    } else if (wanted > gain) {
      until = TICK_SAMPLES;
      const back = gain + (1 - gain) * RELEASE;
      step = (Math.min(wanted, back > 0.999 ? 1 : back) - gain) / until;
    }
    for (let index = 0; index < TICK_SAMPLES; index++) {
      if (index < until) gain += step;
      const value = Math.round(sum[index]! * gain);
      frame[index] = value > 32767 ? 32767 : value < -32768 ? -32768 : value;
    }
    bus.gain = wanted < bus.gain ? wanted : gain;
  }
}
