import {
  backOffMs,
  type BackOffOptions,
  type Clock,
  EdgeError,
  retry,
} from "@ringline/edge/toolkit";

/** How often something is tried in all, unless said otherwise. */
export const TRIES = 3;

/** How far apart something is tried, unless said otherwise. */
export const BACK_OFF: Readonly<BackOffOptions> = {
  firstMs: 250,
  maxMs: 5000,
  random: () => Math.random(),
};

/** How often and how far apart something is tried. */
export interface Retrying extends Partial<BackOffOptions> {
  /** In all. Default 3. */
  tries?: number;
  signal?: AbortSignal;
  clock?: Clock;
}

/** Whether trying the same again makes sense. */
export function isRetryable(error: unknown): boolean {
  return error instanceof EdgeError && error.retryable;
}

/** Does something, and again while it fails with an error that says so. */
export function retrying<T>(act: () => Promise<T>, options: Retrying = {}): Promise<T> {
  const { tries: mostTries = TRIES, signal, clock, ...backOff } = options;
  return retry(act, {
    signal,
    clock,
    waitMs: (error, tries) =>
      tries < mostTries && isRetryable(error)
        ? backOffMs(tries, { ...BACK_OFF, ...backOff })
        : undefined,
  });
}
