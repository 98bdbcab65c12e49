/**
 * Retries, on an injected clock.
 *
 * @module
 */
import { type Clock, systemClock } from "./clock.ts";
import { checkMethods, checkOptions } from "./checks.ts";
import { sleep } from "./waiting.ts";

/** Options for {@linkcode retry}. */
export interface RetryOptions {
  /**
   * Decides after each failure, the number of tries so far included: returns how many milliseconds
   * to wait before the next try, or `undefined` to give up.
   */
  waitMs: (error: unknown, tries: number) => number | undefined;
  /** Aborts the retries, which then reject with the signal's reason. */
  signal?: AbortSignal;
  /** Default: the machine's clock. */
  clock?: Clock;
}

/**
 * Calls `act` until it succeeds or `waitMs` gives up.
 *
 * @throws the last error when it gave up, or the signal's reason.
 */
export async function retry<T>(act: () => Promise<T>, options: RetryOptions): Promise<T> {
  checkOptions(
    options,
    "options",
    { waitMs: true, signal: true, clock: true },
    "an object like { waitMs }",
  );
  const { waitMs, signal, clock = systemClock } = options;
  for (let tries = 1;; tries++) {
    signal?.throwIfAborted();
    let ms: number | undefined;
    try {
      return await act();
    } catch (error) {
      signal?.throwIfAborted();
      ms = waitMs(error, tries);
      if (ms === undefined) throw error;
    }
    await sleep(ms, { signal, clock });
  }
}

/** Options for {@linkcode backOffMs}. */
export interface BackOffOptions {
  /** After the first try; twice as long after each one that follows. */
  firstMs: number;
  /** The longest wait. */
  maxMs?: number;
  /**
   * A source of numbers from 0 to 1, which spread the wait by a quarter to both sides, so that many
   * agents do not retry at the same moment. Default: no spread.
   */
  random?: () => number;
}

/** Returns the wait after so many tries: it doubles, up to a limit. */
export function backOffMs(tries: number, options: BackOffOptions): number {
  checkOptions(
    options,
    "options",
    { firstMs: true, maxMs: true, random: true },
    "an object like { firstMs: 500 }",
  );
  const { firstMs, maxMs = Infinity, random = () => 0.5 } = options;
  const ms = Math.min(maxMs, firstMs * 2 ** Math.max(0, tries - 1));
  return Math.round(ms * (0.75 + 0.5 * random()));
}

/**
 * Returns how long a service asks to wait before the next try, in milliseconds, by the headers
 * `retry-after-ms` or `retry-after`; `undefined` where it does not.
 */
export function retryAfterMs(headers: Headers): number | undefined {
  checkMethods(headers, "headers", "the Headers of a response", ["get"]);
  const ms = headers.get("retry-after-ms");
  const after = headers.get("retry-after");
  if (ms === null && after === null) return undefined;
  const seconds = Number(after);
  const wait = ms !== null ? Number(ms) : Number.isFinite(seconds)
    ? 1000 * seconds
    // A date, by the service's own time where it says that.
    : Date.parse(after!) - (Date.parse(headers.get("date") ?? "") || Date.now());
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined;
}
