import { setImmediate } from "node:timers";
import type { Clock } from "../events/clock.ts";
import { checkObject } from "../events/checks.ts";

/**
 * A clock that stands still until it is told to go on. Timers run in order, and what they set in
 * motion settles before the next one: hours of a call run in moments, the same way each time.
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

  /** @param options `startEpochMs`: the wall clock's time at the start. */
  /** Makes a virtual clock. */
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

  /** Sets the wall clock forward or back, as people and time servers do; `now` is not touched. */
  jumpWallClock(ms: number): void {
    this.#jumpMs += ms;
  }

  schedule(callback: () => void, ms: number): Disposable {
    if (ms === Infinity) return { [Symbol.dispose]: () => {} };
    const timer: Timer = { at: this.#now + Math.max(0, ms), callback };
    let index = this.#timers.length;
    // The first to be scheduled is the first to run: nearly always at the end already.
    while (index > 0 && this.#timers[index - 1]!.at > timer.at) index--;
    this.#timers.splice(index, 0, timer);
    return {
      [Symbol.dispose]: () => {
        const at = this.#timers.indexOf(timer);
        if (at >= 0) this.#timers.splice(at, 1);
      },
    };
  }

  /** How many timers are waiting: 0 when nothing was left behind. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Goes on by `ms` milliseconds, and lets everything settle that this sets in motion. */
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
   * Stalls: the time passes at once, and the timers due meanwhile run late, as those of a program
   * do that was busy or stopped.
   */
  async stall(ms: number): Promise<void> {
    this.#now += ms;
    await this.advance(0);
  }

  /**
   * Goes on until `promise` settles and gives what it resolves with.
   *
   * @throws what the promise rejects with; an error when nothing is scheduled that could settle it,
   *   or after `limitMs` (an hour unless given).
   */
  async until<T>(promise: PromiseLike<T>, limitMs = 3_600_000): Promise<T> {
    const end = this.#now + limitMs;
    let settled = false;
    const watched = Promise.resolve(promise).finally(() => settled = true);
    watched.catch(() => {});
    await settle();
    while (!settled) {
      const timer = this.#timers[0];
      // What is not virtual (a file, a stream) gets a turn before it is given up.
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
 * Lets everything settle that is set in motion, however long its chains of promises are: a turn of
 * the event loop begins when none of them can go on. (Immediates cost a thousandth of a timer.)
 */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Lets what is not virtual go on: a file, a stream. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
