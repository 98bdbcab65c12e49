/** Retries of requests to Stream's services. @module */
import {
  backOffMs,
  type BackOffOptions,
  type Clock,
  EdgeError,
  retry,
  systemClock,
} from "@ringline/edge/toolkit";

import { RateLimitError } from "./service_errors.ts";

/** The default number of tries in all. */
export const TRIES = 3;

/** The default pauses between tries. */
export const BACK_OFF: Readonly<BackOffOptions> = {
  firstMs: 250,
  maxMs: 5000,
  random: () => Math.random(),
};

/** The longest pause between two tries of one request, whatever the service asks for. */
const MAX_PAUSE_MS = 60_000;

/** Options for {@linkcode retrying}. */
export interface Retrying extends Partial<BackOffOptions> {
  /** The number of tries in all. Default 3. */
  tries?: number;
  /** When the caller gives up, by the clock: a service that asks to wait longer is not waited for. */
  deadline?: number | undefined;
  signal?: AbortSignal;
  clock?: Clock;
}

/** Whether trying the same again can succeed. */
export function isRetryable(error: unknown): boolean {
  return error instanceof EdgeError && error.retryable;
}

/**
 * Returns how long to wait after so many tries before the next one, longer where the service asks for
 * that; `undefined` where trying the same again cannot succeed.
 */
export function pauseAfter(
  error: unknown,
  tries: number,
  backOff: Partial<BackOffOptions> = {},
): number | undefined {
  if (!isRetryable(error)) return undefined;
  return Math.max(
    backOffMs(tries, { ...BACK_OFF, ...backOff }),
    error instanceof RateLimitError ? error.retryAfterMs : 0,
  );
}

/**
 * Runs `act`, and again while it fails with a retryable error. A provider of tokens that has used up its
 * time is not asked again: that would use up the caller's.
 */
export function retrying<T>(act: () => Promise<T>, options: Retrying = {}): Promise<T> {
  const { tries: mostTries = TRIES, deadline = Infinity, signal, clock = systemClock, ...backOff } =
    options;
  return retry(act, {
    signal,
    clock,
    waitMs: (error, tries) => {
      if (tries >= mostTries) return undefined;
      if (error instanceof EdgeError && error.code === "token-timeout") return undefined;
      const ms = pauseAfter(error, tries, backOff);
      if (ms === undefined || !(error instanceof RateLimitError)) return ms;
      return clock.now() + ms > deadline ? undefined : Math.min(MAX_PAUSE_MS, ms);
    },
  });
}
