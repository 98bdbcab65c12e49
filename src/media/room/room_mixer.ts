/** The mix: for each listener the sum of the others. @module */
import { TICK_SAMPLES } from "../wire/time.ts";

/** Where the limiter holds peaks: half a decibel below full scale. */
const CEILING = 30_900;
/** The limiter attacks within a millisecond and releases in about 200 ms. */
const ATTACK_SAMPLES = 48;
const RELEASE = 0.05;
/** Ticks without a request after which a mix is dropped. */
const KEPT_TICKS = 50;

/** What one member contributes to a tick. */
interface Contribution {
  memberId: string;
  /** Whether it is a person's, which is lowered for who hears others less loud. */
  isPerson: boolean;
  readonly samples: Float32Array;
}

/** A listener who may hear something of their own: what is for them alone, and others less loud. */
export interface MixListener {
  readonly memberId: string;
  /** How loud they hear the other people, at the beginning and at the end of the tick. */
  readonly fromGain: number;
  readonly toGain: number;
}

/** One sum that some listeners share. */
interface Bus {
  /** Owns its buffer, as wrtc requires. */
  readonly frame: Int16Array;
  gain: number;
  /** The tick of its frame. */
  tick: number;
}

/**
 * Sums one tick's contributions for each listener: the sum of all, which is computed once, less those
 * that the listener does not hear. So a listener costs the same in a crowd of any size, and all who
 * hear the same share one frame.
 */
export class RoomMixer {
  /** What one listener alone hears. */
  readonly #directed = new Map<string, Float64Array>();
  /** Kept for the next ticks; the first `#count` are this tick's. */
  readonly #contributions: Contribution[] = [];
  readonly #buses = new Map<string, Bus>();
  /** In f64, from which a contribution can be taken off again without a trace. */
  readonly #total = new Float64Array(TICK_SAMPLES);
  readonly #sum = new Float64Array(TICK_SAMPLES);
  readonly #silence = new Int16Array(TICK_SAMPLES);
  #count = 0;
  #tick = 0;

  /** Begins a tick. */
  begin(): void {
    this.#count = 0;
    this.#total.fill(0);
    this.#directed.clear();
    this.#tick++;
    if (this.#tick % KEPT_TICKS !== 0) return;
    for (const [key, bus] of this.#buses) {
      if (this.#tick - bus.tick > KEPT_TICKS) this.#buses.delete(key);
    }
  }

  /** Adds a member's contribution, whose gain changes linearly over the frame. */
  add(
    memberId: string,
    frame: Int16Array,
    fromGain: number,
    toGain: number,
    { isPerson = false } = {},
  ): void {
    let contribution = this.#contributions[this.#count];
    if (contribution === undefined) {
      contribution = { memberId, isPerson, samples: new Float32Array(TICK_SAMPLES) };
      this.#contributions.push(contribution);
    }
    this.#count++;
    contribution.memberId = memberId;
    contribution.isPerson = isPerson;
    const { samples } = contribution;
    const total = this.#total;
    const step = (toGain - fromGain) / TICK_SAMPLES;
    for (let index = 0; index < TICK_SAMPLES; index++) {
      samples[index] = frame[index]! * (fromGain + step * (index + 1));
      total[index]! += samples[index]!;
    }
  }

  /** Adds what one listener alone hears. */
  addFor(memberId: string, frame: Int16Array): void {
    let sum = this.#directed.get(memberId);
    if (sum === undefined) this.#directed.set(memberId, sum = new Float64Array(TICK_SAMPLES));
    for (let index = 0; index < TICK_SAMPLES; index++) sum[index]! += frame[index]!;
  }

  /**
   * Returns the mix of the members that a listener hears: shared, and valid until the next tick.
   *
   * @param hears whether the listener hears a member; the same listeners' answers must be the same all
   *   tick long
   * @param listener who it is, where they may hear something of their own
   */
  mix(hears: (memberId: string) => boolean, listener?: MixListener): Int16Array {
    if (listener && this.#hearsOwn(listener)) return this.#mixOwn(hears, listener);
    let key = "";
    let count = 0;
    for (let index = 0; index < this.#count; index++) {
      const { memberId } = this.#contributions[index]!;
      if (hears(memberId)) count++;
      else key += `${memberId}\n`;
    }
    if (count === 0) return this.#silence;
    const bus = this.#bus(key);
    if (bus.tick === this.#tick) return bus.frame;
    this.#begin(bus);
    const peak = this.#add(hears, count);
    // One contribution alone fits as it is.
    this.#limit(bus, count === 1 ? 0 : peak);
    return bus.frame;
  }

  #hearsOwn({ memberId, fromGain, toGain }: MixListener): boolean {
    return fromGain !== 1 || toGain !== 1 || this.#directed.has(memberId);
  }

  /** Mixes for one listener, with what is for them alone and the other people as loud as they hear them. */
  #mixOwn(hears: (memberId: string) => boolean, listener: MixListener): Int16Array {
    const { memberId, fromGain, toGain } = listener;
    const bus = this.#bus(`=${memberId}`);
    this.#begin(bus);
    const sum = this.#sum;
    const own = this.#directed.get(memberId);
    if (own) sum.set(own);
    else sum.fill(0);
    const step = (toGain - fromGain) / TICK_SAMPLES;
    for (let which = 0; which < this.#count; which++) {
      const { memberId, isPerson, samples } = this.#contributions[which]!;
      if (!hears(memberId)) continue;
      const [from, each] = isPerson ? [fromGain, step] : [1, 0];
      for (let index = 0; index < TICK_SAMPLES; index++) {
        sum[index]! += samples[index]! * (from + each * (index + 1));
      }
    }
    this.#limit(bus, this.#peak());
    return bus.frame;
  }

  #bus(key: string): Bus {
    let bus = this.#buses.get(key);
    if (bus === undefined) {
      bus = { frame: new Int16Array(TICK_SAMPLES), gain: 1, tick: -1 };
      this.#buses.set(key, bus);
    }
    return bus;
  }

  /** Begins a bus's tick: a mix that the previous tick did not have begins with a limiter at rest. */
  #begin(bus: Bus): void {
    if (bus.tick !== this.#tick - 1) bus.gain = 1;
    bus.tick = this.#tick;
  }

  /** Sums into `#sum` what the listener hears, the shorter way, and returns the highest peak. */
  #add(hears: (memberId: string) => boolean, count: number): number {
    const sum = this.#sum;
    const isLess = 2 * count < this.#count;
    if (isLess) sum.fill(0);
    else sum.set(this.#total);
    for (let which = 0; which < this.#count; which++) {
      const { memberId, samples } = this.#contributions[which]!;
      if (hears(memberId) !== isLess) continue;
      if (isLess) {
        for (let index = 0; index < TICK_SAMPLES; index++) sum[index]! += samples[index]!;
      } else for (let index = 0; index < TICK_SAMPLES; index++) sum[index]! -= samples[index]!;
    }
    return this.#peak();
  }

  #peak(): number {
    const sum = this.#sum;
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
