/** A time limit for each part of a stream. @module */
import type { Clock } from "../../events/clock.ts";
import { untilAborted } from "../../events/until_aborted.ts";
import { InferenceError } from "../contracts/errors.ts";

/** Options for {@linkcode limitSilence}. */
export interface LimitSilenceOptions<T> {
  /** The name of the source, for the error. */
  name: string;
  timeoutMs: number;
  clock: Clock;
  signal: AbortSignal;
  /** Whether this part ends a silence; metadata does not. */
  counts: (part: T) => boolean;
}

/**
 * Yields the parts of a stream until it is silent for too long, and then throws an error to try again.
 * The time that the reader takes does not count. The source is aborted when its reader leaves.
 */
export async function* limitSilence<T>(
  open: (signal: AbortSignal) => AsyncIterable<T>,
  { name, timeoutMs, clock, signal, counts }: LimitSilenceOptions<T>,
): AsyncGenerator<T, void, void> {
  const over = new AbortController();
  const both = AbortSignal.any([signal, over.signal]);
  const startTimer = () =>
    clock.schedule(() => {
      const message = `${name} returned nothing for ${timeoutMs} ms`;
      over.abort(new InferenceError(message, { code: "timeout", retryable: true }));
    }, timeoutMs);
  let timer = startTimer();
  try {
    for await (const part of untilAborted(() => open(both), name, both, clock)) {
      if (!counts(part)) {
        yield part;
        continue;
      }
      timer[Symbol.dispose]();
      yield part;
      timer = startTimer();
    }
  } finally {
    timer[Symbol.dispose]();
    over.abort(new DOMException("the reply is not needed", "AbortError"));
  }
}
