import { setImmediate } from "node:timers";
import type { Clock } from "../events/clock.ts";
import { checkObject } from "../events/checks.ts";

/**
 * A clock that moves only when a test advances it. Timers run in order, and the promises that each one
 * starts settle before the next: hours of a call take moments, in the same way each time.
 *
 * @example
 * ```ts
 * import { VirtualClock } from "@ringline/edge/testing";
 *
 * const clock = new VirtualClock();
 * let rang = false;
 * clock.schedule(() => rang = true, 60_000);
 * await clock.advance(60_000);
 * console.log(rang, clock.now()); // true 60000
 * ```
 */
export class VirtualClock implements Clock {
  readonly #timers: Timer[] = [];
  readonly #startEpochMs: number;
  #now = 0;
  #jumpMs = 0;

  /**
   * Creates a clock that stands at 0.
   *
   * @param options `startEpochMs`: the wall clock's time at the start
   */
  constructor(options: { startEpochMs?: number } = {}) {
    checkObject(options, "options", "an object like { startEpochMs: 0 }, or nothing");
    this.#startEpochMs = options.startEpochMs ?? Date.UTC(2026, 0, 1);
  }

  now(): number {
    return this.#now;
  }

  epochMs(): number {
    return this.#startEpochMs + this.#now + this.#jumpMs;
  }

  /** Sets the wall clock forward or back, as people and time servers do; `now` stays. */
  jumpWallClock(ms: number): void {
    this.#jumpMs += ms;
  }

  schedule(callback: () => void, ms: number): Disposable {
    if (ms === Infinity) return { [Symbol.dispose]: () => {} };
    const timer: Timer = { at: this.#now + Math.max(0, ms), callback };
    let index = this.#timers.length;
    // Timers of one time run in order of scheduling; most belong at the end.
    while (index > 0 && this.#timers[index - 1]!.at > timer.at) index--;
    this.#timers.splice(index, 0, timer);
    return {
      [Symbol.dispose]: () => {
        const at = this.#timers.indexOf(timer);
        if (at >= 0) this.#timers.splice(at, 1);
      },
    };
  }

  /** The number of waiting timers: 0 when nothing is left. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Advances by `ms` milliseconds, and lets all started promises settle. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let timer; (timer = this.#timers[0]) && timer.at <= end;) {
      this.#timers.shift();
      this.#now = Math.max(this.#now, timer.at);
      timer.callback();
      await settle();
    }
    this.#now = end;
  }

  /**
   * Stalls: the time passes immediately, and timers that fell due run late, as in a program that was
   * busy or stopped.
   */
  async stall(ms: number): Promise<void> {
    this.#now += ms;
    await this.advance(0);
  }

  /**
   * Advances until `promise` settles, and returns its value.
   *
   * @throws what the promise rejects with; an error when no timer is scheduled that could settle it,
   *   or after `limitMs` (default: an hour).
   */
  async until<T>(promise: PromiseLike<T>, limitMs = 3_600_000): Promise<T> {
    const end = this.#now + limitMs;
    let settled = false;
    const watched = Promise.resolve(promise).finally(() => settled = true);
    watched.catch(() => {});
    await settle();
    while (!settled) {
      const timer = this.#timers[0];
      // Real I/O (a file, a stream) gets some turns before this gives up.
      if (!timer) {
        for (let turns = 0; turns < 20 && !settled && !this.#timers[0]; turns++) await turn();
        if (settled || this.#timers[0]) continue;
        throw new Error("nothing is scheduled that could settle the promise");
      }
      if (timer.at > end) throw new Error(`the promise did not settle within ${limitMs} ms`);
      this.#timers.shift();
      this.#now = Math.max(this.#now, timer.at);
      timer.callback();
      await settle();
    }
    return await watched;
  }
}

interface Timer {
  at: number;
  callback: () => void;
}

/**
 * Lets all started promises settle, however long their chains are: the next turn of the event loop
 * begins when none of them can continue. (An immediate costs a thousandth of a timer.)
 */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Lets real I/O continue: a file, a stream. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
