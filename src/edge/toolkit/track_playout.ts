/** The playout state of an audio track. @module */
import type { FlushResult, PlayoutReport, PlayoutSink, PlayoutSource } from "../audio_track.ts";
import type { Clock } from "../../events/clock.ts";
import { shown } from "../../events/checks.ts";
import { promised, UserHook } from "../../events/user_code.ts";
import { waitFor } from "../../events/waiting.ts";

/** A sink that does not respond to a flush within this time is taken to have stopped. */
const FLUSH_LIMIT_MS = 2000;

/** The sink that a track is bound to, and the audio played over all its sinks. */
export class TrackPlayout {
  readonly #sampleRate: number;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  #binding: TrackSinkBinding | undefined;
  #epoch = 0;
  /** The audio played before the current binding and epoch. */
  #playedMs = 0;
  #trimmedMs = 0;
  /** The audio of the current epoch that earlier bindings played and lost. */
  #epochPlayedMs = 0;
  #epochLostMs = 0;
  #heardMs = 0;

  constructor(sampleRate: number, clock: Clock, onError: (error: unknown) => void) {
    this.#sampleRate = sampleRate;
    this.#clock = clock;
    this.#onError = onError;
  }

  get isBound(): boolean {
    return this.#binding !== undefined;
  }

  /** Returns whether the bound sink reads `source`. */
  isReadBy(source: PlayoutSource): boolean {
    return this.#binding?.source === source;
  }

  pause(): void {
    this.#binding?.pause();
  }

  resume(): void {
    this.#binding?.resume();
  }

  get epoch(): number {
    return this.#epoch;
  }

  get playedMs(): number {
    return this.#playedMs + (this.#binding?.playedMs ?? 0);
  }

  get trimmedMs(): number {
    return this.#trimmedMs + (this.#binding?.trimmedMs ?? 0);
  }

  get heardMs(): number {
    const played = this.playedMs;
    const binding = this.#binding;
    // The last sample played is heard `heardDelayMs` after it was played.
    const unheard = binding
      ? Math.max(0, binding.heardDelayMs - (this.#clock.now() - binding.progressAt))
      : 0;
    this.#heardMs = Math.max(this.#heardMs, Math.min(played, played - unheard));
    return this.#heardMs;
  }

  /** How far the sink is ahead of what it has played, including the samples on their way. */
  get aheadMs(): number {
    return this.#binding?.aheadMs ?? 0;
  }

  bind(sink: PlayoutSink, source: PlayoutSource): TrackSinkBinding {
    if (this.#binding) throw new TypeError("the audio track is published already");
    if (sink.sampleRate !== this.#sampleRate) {
      throw new RangeError(
        `expected a sink of ${this.#sampleRate} samples a second, got one of ${sink.sampleRate}`,
      );
    }
    return this.#binding = new TrackSinkBinding(sink, source, this.#clock, this.#onError);
  }

  /** Ends the current binding; returns whether that was `binding`. */
  unbind(binding: TrackSinkBinding | undefined = this.#binding): boolean {
    if (!binding || this.#binding !== binding) return false;
    this.#playedMs += binding.playedMs;
    this.#trimmedMs += binding.trimmedMs;
    this.#epochPlayedMs += binding.playedMs;
    this.#epochLostMs += binding.aheadMs;
    this.#binding = undefined;
    binding.lose();
    return true;
  }

  /** Calls the sink: audio is due. */
  wake(): void {
    this.#binding?.wake();
  }

  /** Counts samples that the sink has read. */
  countRead(samples: number): void {
    this.#binding?.countRead(samples);
  }

  /** Takes a sink's report. Returns whether it is of the current binding and epoch. */
  take(binding: TrackSinkBinding, report: PlayoutReport): boolean {
    if (this.#binding !== binding || report.epoch !== this.#epoch) return false;
    binding.take(report, this.#clock.now());
    return true;
  }

  /** Begins an epoch. Returns the played and lost audio of the one that ends. */
  async flush(): Promise<FlushResult> {
    const binding = this.#binding;
    const playedBefore = this.#epochPlayedMs;
    const lostBefore = this.#epochLostMs;
    this.#epoch++;
    this.#epochPlayedMs = this.#epochLostMs = 0;
    if (!binding) return { playedMs: playedBefore, discardedMs: lostBefore };

    const known = binding.beginEpoch();
    this.#playedMs += known.playedMs;
    this.#trimmedMs += known.trimmedMs;
    const result = await binding.flush(this.#epoch, {
      playedMs: known.playedMs,
      discardedMs: Math.max(0, known.readMs - known.playedMs - known.trimmedMs),
    });
    this.#playedMs += result.playedMs - known.playedMs;
    return {
      playedMs: playedBefore + result.playedMs,
      discardedMs: lostBefore + result.discardedMs,
    };
  }
}

/** A sink, and its progress in the current epoch. */
export class TrackSinkBinding {
  readonly #lost = new AbortController();
  readonly #clock: Clock;
  readonly #ready: UserHook<void>;
  readonly #pause: UserHook<boolean>;
  readMs = 0;
  playedMs = 0;
  trimmedMs = 0;
  heardDelayMs = 0;
  /** The time of the sink's last known progress. */
  progressAt: number;

  constructor(
    readonly sink: PlayoutSink,
    readonly source: PlayoutSource,
    clock: Clock,
    onError: (error: unknown) => void,
  ) {
    const options = { clock, report: onError, context: "the playout sink" };
    this.#clock = clock;
    this.#ready = new UserHook<void>(() => sink.onReady(source), options);
    this.#pause = new UserHook<boolean>((paused) => paused ? sink.pause() : sink.resume(), options);
    this.progressAt = clock.now();
  }

  pause(): void {
    void this.#pause.run(true);
  }

  resume(): void {
    void this.#pause.run(false);
  }

  /** How far the sink is ahead of what it has played, including the samples on their way. */
  get aheadMs(): number {
    const ms = this.readMs - this.playedMs - this.trimmedMs;
    // A rounding error of the sums: less than half a sample is none.
    return ms < 500 / this.sink.sampleRate ? 0 : ms;
  }

  wake(): void {
    void this.#ready.run();
  }

  countRead(samples: number): void {
    this.readMs += samples * 1000 / this.sink.sampleRate;
  }

  take(report: PlayoutReport, now: number): void {
    if (report.playedMs > this.playedMs) this.progressAt = now;
    this.playedMs = Math.max(this.playedMs, report.playedMs);
    this.trimmedMs = Math.max(this.trimmedMs, report.trimmedMs);
    this.heardDelayMs = report.heardDelayMs;
  }

  /** Starts counting anew. Returns the counts of the epoch that ends. */
  beginEpoch(): { readMs: number; playedMs: number; trimmedMs: number } {
    const { readMs, playedMs, trimmedMs } = this;
    this.readMs = this.playedMs = this.trimmedMs = 0;
    return { readMs, playedMs, trimmedMs };
  }

  /** Returns the sink's result, or `known` when the sink is lost or does not respond. */
  async flush(epoch: number, known: FlushResult): Promise<FlushResult> {
    const { signal } = this.#lost;
    const flushing = promised(() => this.sink.flush(epoch));
    const timeoutMs = FLUSH_LIMIT_MS;
    const options = { timeoutMs, signal, clock: this.#clock };
    try {
      const result = await waitFor(flushing, "flushing the playout sink", options);
      if (Number.isFinite(result?.playedMs) && Number.isFinite(result.discardedMs)) return result;
      throw new TypeError(`flush: expected { playedMs, discardedMs }, got ${shown(result)}`);
    } catch (error) {
      // A lost sink cannot respond.
      if (!signal.aborted) this.#ready.fail(error);
      return known;
    }
  }

  lose(): void {
    this.#lost.abort();
  }
}
