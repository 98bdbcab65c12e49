/**
 * Waiting with a time limit and an abort signal, on an injected clock, without leaving a timer or
 * a listener behind.
 *
 * @module
 */
import { type Clock, systemClock } from "./clock.ts";
import { checkOptions, shown } from "./checks.ts";
import { promiseIn } from "./user_code.ts";

/** Options for a wait. */
export interface WaitOptions {
  /** The time limit in milliseconds. Default: `Infinity`, no limit. */
  timeoutMs?: number;
  /** Aborts the wait, which then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** The source of time. Default: the machine's clock. */
  clock?: Clock;
}

const WAIT_OPTIONS = { timeoutMs: true, signal: true, clock: true } as const;

/** Returns the error of a wait that ran out of time: a `DOMException` named `TimeoutError`. */
export function timeoutError(what: string, timeoutMs: number): DOMException {
  return new DOMException(`${what} did not happen within ${timeoutMs} ms`, "TimeoutError");
}

/** Whether an error is that of a wait that ran out of time. */
export function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

/** Throws a RangeError unless `ms` is a duration: a number of at least 0, or `Infinity`. */
export function checkDuration(name: string, ms: number): void {
  if (typeof ms !== "number" || !(ms >= 0)) {
    throw new RangeError(`${name}: expected a number of milliseconds >= 0, got ${shown(ms)}`);
  }
}

/**
 * Waits for `value`, at most `timeoutMs` and until `signal` is aborted. A later result is ignored, a
 * rejection included. A value that is not a promise resolves immediately.
 */
export function waitFor<T>(
  value: T | PromiseLike<T>,
  what: string,
  options: WaitOptions = {},
): Promise<T> {
  checkOptions(options, "options", WAIT_OPTIONS);
  const { timeoutMs = Infinity, signal, clock = systemClock } = options;
  const promise = promiseIn(value);
  // However the wait ends, its rejection is handled here.
  promise?.catch(() => {});
  checkDuration("timeoutMs", timeoutMs);
  if (signal?.aborted) return Promise.reject(signal.reason);
  if (!promise) return Promise.resolve(value);
  return new Promise((resolve, reject) => {
    const timer = clock.schedule(() => {
      settle(() => reject(timeoutError(what, timeoutMs)));
    }, timeoutMs);
    const onAbort = () => settle(() => reject(signal!.reason));
    signal?.addEventListener("abort", onAbort, { once: true });
    function settle(act: () => void): void {
      timer[Symbol.dispose]();
      signal?.removeEventListener("abort", onAbort);
      act();
    }
    promise.then((value) => settle(() => resolve(value)), (error) => settle(() => reject(error)));
  });
}

/** A time limit as a signal. Disposing it ends the limit. */
export interface TimeLimit extends Disposable {
  /** Aborted with a `TimeoutError` when the time is over, or as one of the other signals is. */
  readonly signal: AbortSignal;
}

/** Creates a time limit for several steps. With `Infinity` only `signals` abort it. */
export function limitTime(
  what: string,
  options: { timeoutMs: number; signals?: readonly AbortSignal[]; clock?: Clock },
): TimeLimit {
  checkOptions(
    options,
    "options",
    { timeoutMs: true, signals: true, clock: true },
    "an object like { timeoutMs: 5000 }",
  );
  const { timeoutMs, signals = [], clock = systemClock } = options;
  checkDuration("timeoutMs", timeoutMs);
  const limit = new AbortController();
  const timer = clock.schedule(() => {
    limit.abort(timeoutError(what, timeoutMs));
  }, timeoutMs);
  return {
    signal: AbortSignal.any([limit.signal, ...signals]),
    [Symbol.dispose]: () => timer[Symbol.dispose](),
  };
}

/** Resolves after `ms` milliseconds of `clock`, or rejects with the signal's reason. */
export function sleep(ms: number, options: Omit<WaitOptions, "timeoutMs"> = {}): Promise<void> {
  checkOptions(options, "options", { signal: true, clock: true });
  const { signal, clock = systemClock } = options;
  checkDuration("ms", ms);
  if (signal?.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const timer = clock.schedule(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    function onAbort(): void {
      timer[Symbol.dispose]();
      reject(signal!.reason);
    }
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
