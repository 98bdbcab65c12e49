import type { FlushResult, PlayoutReport, PlayoutSink } from "../audio_track.ts";
import type { Clock } from "../../events/clock.ts";
import { shown } from "../../events/checks.ts";
import { promised, UserHook } from "../../events/user_code.ts";
import { waitFor } from "../../events/waiting.ts";

/** A port that does not answer a flush within this time is taken for silent. */
const FLUSH_LIMIT_MS = 2000;

interface Pushed {
  readonly samples: Int16Array;
  readonly epoch: number;
  readonly final: boolean;
}

/** The far end of a track: the port it is bound to, and what was played over all its ports. */
export class TrackPlayout {
  readonly #sampleRate: number;
  readonly #clock: Clock;
  readonly #onFailure: (error: unknown) => void;
  #binding: TrackSinkBinding | undefined;
  #epoch = 0;
  /** What was played before the current binding and epoch. */
  #playedMs = 0;
  #trimmedMs = 0;
  /** What earlier bindings played and lost of the current epoch. */
  #epochPlayedMs = 0;
  #epochLostMs = 0;
  #heardMs = 0;

  constructor(sampleRate: number, clock: Clock, onFailure: (error: unknown) => void) {
    this.#sampleRate = sampleRate;
    this.#clock = clock;
    this.#onFailure = onFailure;
  }

  get isBound(): boolean {
    return this.#binding !== undefined;
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

  /** How far the port is ahead of what it has played, the samples on their way included. */
  get aheadMs(): number {
    return this.#binding?.aheadMs ?? 0;
  }

  bind(port: PlayoutSink): TrackSinkBinding {
    if (this.#binding) throw new TypeError("the audio track is published already");
    if (port.sampleRate !== this.#sampleRate) {
      throw new RangeError(
        `expected a port of ${this.#sampleRate} samples a second, got one of ${port.sampleRate}`,
      );
    }
    return this.#binding = new TrackSinkBinding(port, this.#clock, this.#onFailure);
  }

  /** Ends the current binding; gives whether `binding` was that. */
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

  push(samples: Int16Array, options: { final: boolean }): void {
    this.#binding?.push(samples, this.#epoch, options);
  }

  /** Takes what a binding's port reports; gives whether that is of the present. */
  take(binding: TrackSinkBinding, report: PlayoutReport): boolean {
    if (this.#binding !== binding || report.epoch !== this.#epoch) return false;
    binding.take(report, this.#clock.now());
    return true;
  }

  /** Begins an epoch; gives what was played and lost of the one that ends. */
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
      discardedMs: Math.max(0, known.pushedMs - known.playedMs - known.trimmedMs),
    });
    this.#playedMs += result.playedMs - known.playedMs;
    return {
      playedMs: playedBefore + result.playedMs,
      discardedMs: lostBefore + result.discardedMs,
    };
  }
}

/** A port, and what is known of it in the current epoch. */
export class TrackSinkBinding {
  readonly #lost = new AbortController();
  readonly #clock: Clock;
  readonly #push: UserHook<Pushed>;
  readonly #pause: UserHook<boolean>;
  pushedMs = 0;
  playedMs = 0;
  trimmedMs = 0;
  heardDelayMs = 0;
  /** When something was last played, as far as is known. */
  progressAt: number;

  constructor(readonly port: PlayoutSink, clock: Clock, onFailure: (error: unknown) => void) {
    const options = { clock, report: onFailure, context: "the playout port" };
    this.#clock = clock;
    this.#push = new UserHook<Pushed>(
      ({ samples, epoch, final }) => port.push(samples, epoch, { final }),
      options,
    );
    this.#pause = new UserHook<boolean>((paused) => paused ? port.pause() : port.resume(), options);
    this.progressAt = clock.now();
  }

  pause(): void {
    void this.#pause.run(true);
  }

  resume(): void {
    void this.#pause.run(false);
  }

  /** How far the port is ahead of what it has played, the samples on their way included. */
  get aheadMs(): number {
    const ms = this.pushedMs - this.playedMs - this.trimmedMs;
    // Sums of fractions of a millisecond: less than half a sample is nothing.
    return ms < 500 / this.port.sampleRate ? 0 : ms;
  }

  push(samples: Int16Array, epoch: number, options: { final: boolean }): void {
    this.pushedMs += samples.length * 1000 / this.port.sampleRate;
    void this.#push.run({ samples, epoch, final: options.final });
  }

  take(report: PlayoutReport, now: number): void {
    if (report.playedMs > this.playedMs) this.progressAt = now;
    this.playedMs = Math.max(this.playedMs, report.playedMs);
    this.trimmedMs = Math.max(this.trimmedMs, report.trimmedMs);
    this.heardDelayMs = report.heardDelayMs;
  }

  /** Starts counting anew; gives what was known of the epoch that ends. */
  beginEpoch(): { pushedMs: number; playedMs: number; trimmedMs: number } {
    const { pushedMs, playedMs, trimmedMs } = this;
    this.pushedMs = this.playedMs = this.trimmedMs = 0;
    return { pushedMs, playedMs, trimmedMs };
  }

  /** The port's answer, or `known` when it is lost before it answers, or does not answer. */
  async flush(epoch: number, known: FlushResult): Promise<FlushResult> {
    const { signal } = this.#lost;
    const flushing = promised(() => this.port.flush(epoch));
    const timeoutMs = FLUSH_LIMIT_MS;
    const options = { timeoutMs, signal, clock: this.#clock };
    try {
      const result = await waitFor(flushing, "flushing the playout port", options);
      if (Number.isFinite(result?.playedMs) && Number.isFinite(result.discardedMs)) return result;
      throw new TypeError(`flush: expected { playedMs, discardedMs }, got ${shown(result)}`);
    } catch (error) {
      // One that is gone has nothing to answer.
      if (!signal.aborted) this.#push.fail(error);
      return known;
    }
  }

  lose(): void {
    this.#lost.abort();
  }
}
