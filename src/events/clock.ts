/**
 * The source of time. All code that waits or measures takes a {@linkcode Clock}, so that tests and the
 * simulator can run it in virtual time.
 *
 * @module
 */
import { checkMethods } from "./checks.ts";

/**
 * A source of time. `now` never goes back: measure durations with it. `epochMs` is for display only
 * and follows the machine's wall clock, jumps included.
 */
export interface Clock {
  /** Monotonic time in milliseconds, from an arbitrary start. */
  now(): number;
  /** Wall-clock time in milliseconds since 1970. */
  epochMs(): number;
  /**
   * Calls `callback` once, `ms` milliseconds from now and never before, unless the returned timer is
   * disposed first; never if `ms` is `Infinity`. Disposing late, or twice, does nothing.
   */
  schedule(callback: () => void, ms: number): Disposable;
}

/** Throws a TypeError unless `value` is a clock. */
export function checkClock(value: unknown): void {
  const expected = "a clock, e.g. systemClock";
  checkMethods(value, "clock", expected, ["now", "epochMs", "schedule"]);
}

/** The longest timer of the runtime: a longer one would fire immediately. */
const MAX_MS = 2 ** 31 - 1;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  epochMs: () => Date.now(),
  schedule(callback, ms) {
    const end = performance.now() + ms;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const scheduleRest = (left: number) => {
      if (left === Infinity) return;
      timer = left > MAX_MS
        ? setTimeout(() => scheduleRest(end - performance.now()), MAX_MS)
        // The runtime cuts the fraction off, and would fire up to 1 ms before the time.
        : setTimeout(callback, Math.ceil(left));
    };
    scheduleRest(ms);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};
