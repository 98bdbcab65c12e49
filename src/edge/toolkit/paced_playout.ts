/** A playout sink that is paced by a clock. @module */
import { Accelerate } from "../../audio/accelerate.ts";
import { TICK_MS } from "../../audio/grid.ts";
import { SampleFifo } from "../../audio/sample_fifo.ts";
import type {
  AudioTrack,
  FlushResult,
  PlayoutSink,
  PlayoutSource,
  SinkBinding,
} from "../audio_track.ts";
import { type Clock, systemClock } from "../../events/clock.ts";
import { checkMethods, checkOptions } from "../../events/checks.ts";
import { UserHook } from "../../events/user_code.ts";

/** Options for a {@linkcode PacedPlayout}. */
export interface PacedPlayoutOptions {
  /**
   * Called with 10 ms of samples (mono, at the track's rate) when they are due. They are a view, valid
   * during the call. Not called while there is nothing to play.
   */
  onFrame: (samples: Int16Array) => void;
  /** Called with an error of `onFrame`, at most once a second. Default: logs to the console. */
  onError?: (error: unknown) => void;
  /** The delay until a listener hears a frame, in milliseconds. Default 0. */
  heardDelayMs?: number;
  /** The source of time. Default: the machine's clock. */
  clock?: Clock;
}

/** The lead that a live track keeps: timers jitter. */
const LIVE_LEAD_MS = 10;
/** The most time that is caught up after a stall. */
const CATCH_UP_MS = 500;

/**
 * Plays out an audio track in real time, frame by frame, on a clock: for edges that send the agent's
 * audio themselves. It runs only while there is audio to play.
 */
export class PacedPlayout implements Disposable {
  readonly #track: AudioTrack;
  readonly #clock: Clock;
  readonly #onFrame: UserHook<Int16Array>;
  readonly #heardDelayMs: number;
  readonly #queue: SampleFifo;
  readonly #frameSamples: number;
  #frame: Int16Array;
  readonly #binding: SinkBinding;
  #timer: Disposable | undefined;
  #nextAt = -Infinity;
  #paused = false;
  #closed = false;
  #epoch: number;
  /** Samples that arrived after the latest frame. */
  #arrived = 0;
  #played = 0;
  #trimmed = 0;
  readonly #accelerate: Accelerate;

  /** Binds the track, and starts with the audio that was written before. */
  constructor(track: AudioTrack, options: PacedPlayoutOptions) {
    checkMethods(track, "track", "an AudioTrack, e.g. of createAudioTrack()", ["bind"]);
    const known = { onFrame: true, onError: true, heardDelayMs: true, clock: true };
    checkOptions(options, "options", known, "{ onFrame }");
    checkMethods(options, "options", "{ onFrame }", ["onFrame"]);
    const { onError = (error: unknown) => console.error(error) } = options;
    this.#track = track;
    this.#clock = options.clock ?? systemClock;
    this.#onFrame = new UserHook<Int16Array>((samples) => options.onFrame(samples), {
      clock: this.#clock,
      report: (error) => onError(error),
      context: "onFrame",
    });
    this.#heardDelayMs = options.heardDelayMs ?? 0;
    this.#epoch = track.epoch;
    this.#frameSamples = Math.round(track.sampleRate * TICK_MS / 1000);
    this.#frame = new Int16Array(this.#frameSamples);
    this.#queue = new SampleFifo(track.sampleRate, { whenFull: "grow" });
    const { sampleRate } = track;
    this.#accelerate = new Accelerate({ sampleRate, marginMs: LIVE_LEAD_MS });
    this.#binding = track.bind(this.#sink());
    this.#report();
  }

  /** Stops playing and unbinds the track. Idempotent. */
  [Symbol.dispose](): void {
    this.#closed = true;
    this.#timer?.[Symbol.dispose]();
    this.#binding[Symbol.dispose]();
  }

  #sink(): PlayoutSink {
    return {
      sampleRate: this.#track.sampleRate,
      onReady: (source) => this.#take(source),
      flush: (epoch) => Promise.resolve(this.#flush(epoch)),
      pause: () => {
        this.#paused = true;
        this.#timer?.[Symbol.dispose]();
        this.#timer = undefined;
      },
      resume: () => {
        this.#paused = false;
        this.#wake();
      },
    };
  }

  #take(source: PlayoutSource): void {
    if (this.#closed) return;
    for (let chunk = source.read(); chunk; chunk = source.read()) {
      this.#queue.push(chunk.samples);
      this.#arrived += chunk.samples.length;
      if (this.#track.mode === "live") this.#trimmed += this.#accelerate.limit(this.#queue);
    }
    this.#wake();
  }

  #flush(epoch: number): FlushResult {
    const result = {
      playedMs: this.#toMs(this.#played),
      discardedMs: this.#toMs(this.#queue.length),
    };
    this.#queue.clear();
    this.#epoch = epoch;
    this.#played = this.#trimmed = 0;
    this.#accelerate.reset();
    return result;
  }

  /** Starts playing unless it does. Time without audio is not caught up. */
  #wake(): void {
    if (this.#timer) return;
    const lateMs = this.#clock.now() - this.#nextAt;
    if (lateMs > 0) {
      this.#accelerate.underrun(lateMs);
      this.#nextAt = this.#clock.now();
    }
    this.#scheduleTick();
  }

  #scheduleTick(): void {
    if (this.#timer || this.#paused || this.#closed || this.#queue.length === 0) return;
    const now = this.#clock.now();
    this.#timer = this.#clock.schedule(() => this.#tick(), Math.max(0, this.#nextAt - now));
  }

  #tick(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    this.#nextAt = Math.max(this.#nextAt, now - CATCH_UP_MS);
    while (this.#nextAt <= now && this.#queue.length > 0 && !this.#closed) {
      if (this.#track.mode === "live") {
        const lead = this.#queue.length - this.#arrived;
        this.#trimmed += this.#accelerate.trim(this.#queue, lead);
        this.#arrived = 0;
      }
      this.#play();
      this.#nextAt += TICK_MS;
    }
    this.#report();
    this.#scheduleTick();
  }

  #play(): void {
    // The receiver of the last one may have transferred its buffer, as to a worker.
    if (this.#frame.length === 0) this.#frame = new Int16Array(this.#frameSamples);
    const frame = this.#frame;
    const filled = this.#queue.shift(frame);
    frame.fill(0, filled);
    this.#played += filled;
    void this.#onFrame.run(frame);
  }

  #report(): void {
    this.#binding.report({
      epoch: this.#epoch,
      playedMs: this.#toMs(this.#played),
      trimmedMs: this.#toMs(this.#trimmed),
      bufferedMs: this.#toMs(this.#queue.length),
      heardDelayMs: this.#heardDelayMs,
    });
  }

  #toMs(samples: number): number {
    return samples * 1000 / this.#track.sampleRate;
  }
}
