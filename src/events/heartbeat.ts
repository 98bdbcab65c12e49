/** Notices that a process that this program has started hangs. @module */
import { type Clock, systemClock } from "./clock.ts";

/** How often such a process says something, in milliseconds. */
export const BEAT_MS = 500;
/** Milliseconds between two looks. */
const CHECK_MS = 250;
/** Milliseconds of silence after which it is not worth waiting for. */
const QUIET_MS = 1000;

/** Options of a {@linkcode Heartbeat}. */
export interface HeartbeatOptions {
  /** It has said nothing for 1 s. Called at each look until it says something. */
  onQuiet?(): void;
  /** It has said nothing for `silentMs`, although it says something twice a second. Called once. */
  onSilent(): void;
  /** How long it may say nothing, in milliseconds. Default 3000. */
  silentMs?: number;
  /** Default: the machine's. A process lives in real time, whatever the edge's clock is. */
  clock?: Clock;
}

/**
 * Measures for how long a process has said nothing. A program that was blocked or asleep could not hear
 * it: such time does not count, and before it judges the process it reads what came in meanwhile. A look
 * that is late may come before that reading, so the next one judges.
 */
export class Heartbeat implements Disposable {
  readonly #options: HeartbeatOptions;
  readonly #clock: Clock;
  /** The silence after which a process is suspected, in milliseconds: the next look judges. */
  readonly #suspectMs: number;
  #silentMs = 0;
  #saidAt: number;
  #lookedAt: number;
  #wasLate = false;
  #timer: Disposable;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#suspectMs = (options.silentMs ?? 3000) - CHECK_MS;
    this.#saidAt = this.#lookedAt = this.#clock.now();
    this.#timer = this.#schedule();
  }

  /** When the process last said something, in the clock's milliseconds. */
  get saidAt(): number {
    return this.#saidAt;
  }

  /** Whether it has said nothing for 1 s. */
  get isQuiet(): boolean {
    return this.#silentMs >= QUIET_MS;
  }

  /** The process says something. */
  says(): void {
    this.#silentMs = 0;
    this.#saidAt = this.#clock.now();
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
  }

  #schedule(): Disposable {
    return this.#clock.schedule(() => this.#look(), CHECK_MS);
  }

  #look(): void {
    const now = this.#clock.now();
    const passedMs = now - this.#lookedAt;
    const isLate = passedMs >= 2 * CHECK_MS;
    if (this.#silentMs >= this.#suspectMs && (!isLate || this.#wasLate)) {
      return this.#options.onSilent();
    }
    // What is more is this program's own lag.
    this.#silentMs += Math.min(passedMs, CHECK_MS, now - this.#saidAt);
    this.#lookedAt = now;
    this.#wasLate = isLate;
    this.#timer = this.#schedule();
    if (this.isQuiet) this.#options.onQuiet?.();
  }
}
