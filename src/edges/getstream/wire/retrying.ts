import { type Clock, EdgeError, sleep, systemClock } from "@ringline/edge/toolkit";

/** How often something is tried in all, unless said otherwise. */
export const TRIES = 3;

/** How often and how far apart something is tried. */
export interface Retrying {
  /** In all. Default 3. */
  tries?: number;
  /** Before the second; twice as long before each one after it. Default 250. */
  delayMs?: number;
  /** The most that is waited. Default 5000. */
  maxDelayMs?: number;
  signal?: AbortSignal;
  clock?: Clock;
  /** From 0 to 1, so that many agents do not come back at once. Default `Math.random`. */
  random?: () => number;
}

/** Whether trying the same again makes sense. */
export function isRetryable(error: unknown): boolean {
  return error instanceof EdgeError && error.retryable;
}

/** The wait before try number `attempt` (from 1), growing and a little random. */
export function backOffMs(attempt: number, options: Retrying = {}): number {
  const { delayMs = 250, maxDelayMs = 5000, random = Math.random } = options;
  const ms = Math.min(maxDelayMs, delayMs * 2 ** Math.max(0, attempt - 1));
  return Math.round(ms * (0.75 + 0.5 * random()));
}

/** Does something, and again while it fails with an error that says so. */
export async function retrying<T>(act: () => Promise<T>, options: Retrying = {}): Promise<T> {
  const { tries = TRIES, signal, clock = systemClock } = options;
  for (let attempt = 1;; attempt++) {
    signal?.throwIfAborted();
    try {
      return await act();
    } catch (error) {
      if (attempt >= tries || !isRetryable(error)) throw error;
    }
    await sleep(backOffMs(attempt, options), { signal, clock });
  }
}
