import { waitFor } from "../events/waiting.ts";
import type { Clock } from "../events/clock.ts";

/**
 * Iterates until `signal` is aborted, and throws its reason then: also where the source does not
 * look at the signal and would never come back. The source is told to stop and not waited for.
 */
export async function* untilAborted<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
  clock: Clock,
): AsyncGenerator<T, void, void> {
  const iterator = source[Symbol.asyncIterator]();
  let ended = false;
  try {
    while (true) {
      const result = await waitFor(iterator.next(), "the next item", { signal, clock });
      if (result.done) {
        ended = true;
        return;
      }
      yield result.value;
    }
  } catch (error) {
    ended = !signal.aborted;
    throw error;
  } finally {
    // A generator that waits for something else would not return before that is there.
    if (!ended) Promise.resolve(iterator.return?.()).catch(() => {});
  }
}
