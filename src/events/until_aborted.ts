import type { Clock } from "./clock.ts";
import { checkMethods, shown } from "./checks.ts";
import { attempt, promised, promiseIn } from "./user_code.ts";
import { waitFor } from "./waiting.ts";

/**
 * Iterates what `open` gives until `signal` is aborted, and throws its reason then: also where the
 * source does not look at the signal and would never come back. The source is told to stop and not
 * waited for.
 *
 * A promise of a source, as an `async` function that is no generator gives, is waited for in the same
 * way. `what` names the function for messages.
 */
export async function* untilAborted<T>(
  open: () => AsyncIterable<T> | PromiseLike<AsyncIterable<T>>,
  what: string,
  signal: AbortSignal,
  clock: Clock,
): AsyncGenerator<T, void, void> {
  const opening = promised(open);
  let iterator: AsyncIterator<T> | undefined;
  let ended = false;
  try {
    iterator = iteratorOf(await waitFor(opening, what, { signal, clock }), what);
    while (true) {
      const result = await waitFor(iterator.next(), "the next item", { signal, clock });
      if (typeof result !== "object" || result === null) {
        throw new TypeError(
          `${what}: expected next() to give { value, done }, got ${shown(result)}`,
        );
      }
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
    if (iterator && !ended) stop(iterator);
    else if (!iterator) opening.then((late) => stop(iteratorOf(late, what))).catch(() => {});
  }
}

function iteratorOf<T>(source: AsyncIterable<T>, what: string): AsyncIterator<T> {
  const iterate: unknown = (source as AsyncIterable<T> | undefined | null)?.[Symbol.asyncIterator];
  if (typeof iterate !== "function") {
    throw new TypeError(
      `${what} must give an AsyncIterable, as an \`async *\` function does, got ${shown(source)}`,
    );
  }
  const iterator: AsyncIterator<T> = source[Symbol.asyncIterator]();
  promiseIn<unknown>(iterator)?.catch(() => {});
  checkMethods(iterator, what, "an AsyncIterator", ["next"]);
  return iterator;
}

function stop(iterator: AsyncIterator<unknown>): void {
  attempt(() => iterator.return?.(), () => {});
}
