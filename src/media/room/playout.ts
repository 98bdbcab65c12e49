/** An agent's audio on its way into the mix. @module */
import type { AudioTrackMode } from "../../edge/audio_track.ts";
import { type Clock, systemClock } from "../../events/clock.ts";
import { SampleFifo } from "../../audio/sample_fifo.ts";
import { Accelerate } from "../../audio/accelerate.ts";
import { TICK_MS } from "../../audio/grid.ts";
import { ROOM_RATE, samplesToMs, TICK_SAMPLES } from "../wire/time.ts";

/** The maximum that may wait: a writer that exceeds it ignores the reports. */
const MAX_SAMPLES = 30 * ROOM_RATE;
/** The lead that a live source keeps: none, since the room waits for it. */
const MARGIN_MS = 0;
/** Length of a ramp to silence, which prevents a click. */
const RAMP_SAMPLES = 5 * ROOM_RATE / 1000;
/**
 * Audio that arrives this soon after a tick would have been in time, had the tick waited: a little less
 * than the room does wait.
 */
const IN_TIME_MS = 7;

/** The state of a playout; its counters belong to the current epoch. */
export interface PlayoutState {
  stream: number;
  epoch: number;
  playedMs: number;
  trimmedMs: number;
  bufferedMs: number;
}

/**
 * One agent's audio on its way to the mix: a ring at the room's rate that is read once a tick.
 *
 * `playedMs` counts only real samples, no silence. PCM of an epoch that a flush has ended is discarded
 * whenever it arrives.
 */
export class Playout {
  readonly #clock: Clock;
  readonly #ring = new SampleFifo(ROOM_RATE, { whenFull: "grow" });
  readonly #frame = new Int16Array(TICK_SAMPLES);
  readonly #accelerate = new Accelerate({ sampleRate: ROOM_RATE, marginMs: MARGIN_MS });
  #mode: AudioTrackMode = "speech";
  #stream = 0;
  #epoch = 0;
  #playedSamples = 0;
  /** Played samples of all epochs since the track was bound. */
  #totalSamples = 0;
  #trimmedSamples = 0;
  #lateSamples = 0;
  #paused = false;
  /** The last sample before silence, from which a ramp starts. */
  #tail = 0;
  /** Samples still to be played as the ramp that ends a flush or begins a pause. */
  readonly #ramp = new Int16Array(RAMP_SAMPLES);
  #rampLength = 0;
  #dryTicks = Infinity;
  #awaitsFinal = false;
  /** Whether it ran dry in the middle of an utterance and has had no whole frame since. */
  #ranDry = false;

  /** When the last tick was read, and how many samples arrived too late for it. */
  #readAt = -Infinity;
  #lateArrivals = 0;

  /** Called after audio arrived that the room may wait for. */
  onArrival: (() => void) | undefined;

  constructor(options: { clock?: Clock } = {}) {
    this.#clock = options.clock ?? systemClock;
  }

  get mode(): AudioTrackMode {
    return this.#mode;
  }

  /** The number of the stream that it plays. */
  get stream(): number {
    return this.#stream;
  }

  /** How much of the stream was played, across flushes. */
  get totalMs(): number {
    return samplesToMs(this.#totalSamples);
  }

  /** Waiting samples. */
  get depth(): number {
    return this.#ring.length;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Samples that arrived for an earlier epoch or stream. */
  get lateSamples(): number {
    return this.#lateSamples;
  }

  /**
   * Whether a live source is in the middle of an utterance and its next frame has not arrived: it may
   * be worth a short wait.
   */
  get expects(): boolean {
    return this.#mode === "live" && !this.#paused && this.#awaitsFinal &&
      this.#ring.length < TICK_SAMPLES && this.#dryTicks < 3;
  }

  /** Starts over for another track, and discards what the previous one left. */
  bind(stream: number, mode: AudioTrackMode, epoch: number): void {
    this.#endEpoch();
    this.#totalSamples = 0;
    this.#stream = stream;
    this.#mode = mode;
    this.#epoch = epoch;
    this.#paused = false;
    this.#accelerate.reset();
  }

  /**
   * Appends samples.
   *
   * @throws {RangeError} more than 30 s would wait: the writer ignores the reports
   */
  push(samples: Int16Array, options: { stream: number; epoch: number; final?: boolean }): void {
    if (options.stream !== this.#stream || options.epoch !== this.#epoch) {
      this.#lateSamples += samples.length;
      return;
    }
    if (this.#ring.length + samples.length > MAX_SAMPLES) {
      throw new RangeError(
        `samples: expected at most ${samplesToMs(MAX_SAMPLES)} ms to wait, got ${
          samplesToMs(this.#ring.length + samples.length)
        } ms`,
      );
    }
    this.#ring.push(samples);
    if (this.#mode === "live") this.#trimmedSamples += this.#accelerate.limit(this.#ring);
    if (this.#clock.now() - this.#readAt > IN_TIME_MS) this.#lateArrivals += samples.length;
    this.#awaitsFinal = !(options.final ?? false);
    this.onArrival?.();
  }

  /** Begins an epoch, and discards what the previous one left. Late calls do nothing. */
  flush(stream: number, epoch: number): { playedMs: number; discardedMs: number } {
    if (stream !== this.#stream || epoch <= this.#epoch) return { playedMs: 0, discardedMs: 0 };
    const playedMs = samplesToMs(this.#playedSamples);
    const discardedMs = samplesToMs(this.#endEpoch());
    this.#epoch = epoch;
    return { playedMs, discardedMs };
  }

  pause(): void {
    if (this.#paused) return;
    this.#startRamp();
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  /**
   * Returns the next tick's frame, or `undefined` for silence. The next call reuses the array.
   */
  read(): Int16Array | undefined {
    const frame = this.#frame;
    let filled = this.#readRamp(frame);
    if (this.#mode === "live" && !this.#paused) {
      // The lead of the previous tick, had it waited for the audio that was in time.
      const lead = this.#ring.length - this.#lateArrivals;
      this.#trimmedSamples += this.#accelerate.trim(this.#ring, lead);
    }
    this.#readAt = this.#clock.now();
    this.#lateArrivals = 0;
    const real = this.#paused ? 0 : this.#readRing(frame, filled);
    filled += real;
    if (filled === 0) {
      this.#dryTicks++;
      return undefined;
    }
    frame.fill(0, filled);
    this.#playedSamples += real;
    this.#totalSamples += real;
    this.#tail = filled === TICK_SAMPLES ? frame[TICK_SAMPLES - 1]! : 0;
    if (real > 0) this.#dryTicks = 0;
    return frame;
  }

  /** Returns the state of the playout. */
  state(): PlayoutState {
    return {
      stream: this.#stream,
      epoch: this.#epoch,
      playedMs: samplesToMs(this.#playedSamples),
      trimmedMs: samplesToMs(this.#trimmedSamples),
      bufferedMs: samplesToMs(this.#ring.length),
    };
  }

  #readRing(frame: Int16Array, offset: number): number {
    const wanted = TICK_SAMPLES - offset;
    const ring = this.#ring;
    const available = Math.min(wanted, ring.length);
    if (available < wanted && this.#awaitsFinal && this.#dryTicks === 0) {
      this.#ranDry = true;
    }
    if (available === 0) return 0;
    if (this.#ranDry && available === wanted) {
      this.#ranDry = false;
      this.#accelerate.underrun(this.#dryTicks * TICK_MS);
    }
    return ring.shift(offset === 0 ? frame : frame.subarray(offset), available);
  }

  #endEpoch(): number {
    if (!this.#paused) this.#startRamp();
    const discarded = this.#ring.clear();
    this.#playedSamples = this.#trimmedSamples = 0;
    this.#awaitsFinal = false;
    this.#accelerate.reset();
    return discarded;
  }

  /** Fades the next samples to silence, which then begins without a click. */
  #startRamp(): void {
    if (this.#dryTicks > 0 && this.#rampLength === 0) return;
    const length = this.#ring.peek(this.#ramp, RAMP_SAMPLES);
    this.#ramp.fill(this.#tail, length);
    for (let index = 0; index < RAMP_SAMPLES; index++) {
      this.#ramp[index] = this.#ramp[index]! * (RAMP_SAMPLES - 1 - index) / RAMP_SAMPLES;
    }
    this.#rampLength = RAMP_SAMPLES;
  }

  #readRamp(frame: Int16Array): number {
    if (this.#rampLength === 0) return 0;
    frame.set(this.#ramp);
    this.#rampLength = 0;
    return RAMP_SAMPLES;
  }
}
