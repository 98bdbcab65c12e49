/** Time that tests move. @module */
import { setImmediate } from "node:timers";
import { type Clock, systemClock } from "../events/clock.ts";
import { checkOptions } from "../events/checks.ts";
import { waitFor } from "../events/waiting.ts";

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
  /** The latest first, so that the next is cheap to add and to take. */
  readonly #timers: Timer[] = [];
  /** What the clock is held for. */
  readonly #held = new Set<Promise<void>>();
  readonly #startEpochMs: number;
  #now = 0;
  #jumpMs = 0;

  /**
   * Creates a clock that stands at 0.
   *
   * @param options `startEpochMs`: the wall clock's time at the start
   */
  constructor(options: { startEpochMs?: number } = {}) {
    checkOptions(
      options,
      "options",
      { startEpochMs: true },
      "an object like { startEpochMs: 0 }, or nothing",
    );
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
    this.#add(timer);
    return { [Symbol.dispose]: () => this.#remove(timer) };
  }

  /** The number of waiting timers: 0 when nothing is left. */
  get pending(): number {
    return this.#timers.length;
  }

  /** When the next timer is due; `Infinity` without one. */
  get nextAt(): number {
    return this.#timers.at(-1)?.at ?? Infinity;
  }

  /**
   * Holds the clock until `promise` settles, and returns what it settles with: for what takes real
   * time, such as a file or a request. In virtual time it takes none.
   *
   * @throws what the promise rejects with; a `TimeoutError` after `timeoutMs` of real time (default
   *   30,000), for instance because the promise waits for this very clock.
   */
  async real<T>(promise: PromiseLike<T>, options: { timeoutMs?: number } = {}): Promise<T> {
    checkOptions(options, "options", { timeoutMs: true });
    const { timeoutMs = 30_000 } = options;
    const what =
      "the result that the virtual clock is held for (does it wait for this very clock?)";
    const result = waitFor(promise, what, { timeoutMs, clock: systemClock });
    const held = result.then(() => {}, () => {});
    this.#held.add(held);
    try {
      return await result;
    } finally {
      this.#held.delete(held);
    }
  }

  /** Advances by `ms` milliseconds, and lets all started promises settle. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.#settle();
    while (this.nextAt <= end) {
      this.#runNext();
      await this.#settle();
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
    await this.#settle();
    while (!settled) {
      // Real I/O (a file, a stream) gets some turns before this gives up.
      for (let turns = 0; turns < 20 && this.nextAt === Infinity && !settled; turns++) await turn();
      if (settled) break;
      if (this.nextAt === Infinity) {
        throw new Error(
          "nothing is scheduled that could settle the promise; " +
            "if it waits for a file or a request, hold the clock for that: clock.real(promise)",
        );
      }
      if (this.nextAt > end) throw new Error(`the promise did not settle within ${limitMs} ms`);
      this.#runNext();
      await this.#settle();
    }
    return await watched;
  }

  #runNext(): void {
    const timer = this.#timers.pop()!;
    this.#now = Math.max(this.#now, timer.at);
    timer.callback();
  }

  /** Lets all started promises settle, and what the clock is held for. */
  async #settle(): Promise<void> {
    await settle();
    while (this.#held.size > 0) {
      await Promise.all(this.#held);
      await settle();
    }
  }

  /** Adds a timer, to run after those that are due at the same time. */
  #add(timer: Timer): void {
    const timers = this.#timers;
    const index = this.#find(timer.at);
    timers.push(timer);
    for (let at = timers.length - 1; at > index; at--) timers[at] = timers[at - 1]!;
    timers[index] = timer;
  }

  #remove(timer: Timer): void {
    const timers = this.#timers;
    for (let at = this.#find(timer.at); timers[at]?.at === timer.at; at++) {
      if (timers[at] === timer) return void timers.splice(at, 1);
    }
  }

  /** Returns the index of the first timer that is due at a time or before it. */
  #find(at: number): number {
    let low = 0, high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#timers[middle]!.at > at) low = middle + 1;
      else high = middle;
    }
    return low;
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
