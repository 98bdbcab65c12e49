/** Iterating with an abort signal. @module */
import type { Clock } from "./clock.ts";
import { checkMethods, shown } from "./checks.ts";
import { attempt, promised, promiseIn } from "./user_code.ts";
import { waitFor } from "./waiting.ts";

/**
 * Iterates the result of `open` until `signal` is aborted, and then throws its reason, even if the
 * source ignores the signal and never settles. It stops the source without waiting for it.
 *
 * It waits in the same way for a promise of a source, which an `async` function that is not a generator
 * returns. `what` names the function in errors.
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
  // One listener for all items: adding one costs more than all the rest of an item.
  let give: ((reason: unknown) => void) | undefined;
  const onAbort = () => give?.(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    iterator = iteratorOf(await waitFor(opening, what, { signal, clock }), what);
    while (true) {
      const next = promised(() => iterator!.next());
      const result = await new Promise<IteratorResult<T>>((resolve, reject) => {
        give = reject;
        next.then(resolve, reject);
        if (signal.aborted) reject(signal.reason);
      });
      if (typeof result !== "object" || result === null) {
        throw new TypeError(
          `${what}: expected next() to return { value, done }, got ${shown(result)}`,
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
    signal.removeEventListener("abort", onAbort);
    // Not awaited: a generator returns only once its own pending await has settled.
    if (iterator && !ended) stop(iterator);
    else if (!iterator) opening.then((late) => stop(iteratorOf(late, what))).catch(() => {});
  }
}

function iteratorOf<T>(source: AsyncIterable<T>, what: string): AsyncIterator<T> {
  const iterate: unknown = (source as AsyncIterable<T> | undefined | null)?.[Symbol.asyncIterator];
  if (typeof iterate !== "function") {
    throw new TypeError(
      `${what}: expected an AsyncIterable, as an \`async *\` function does, got ${shown(source)}`,
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
