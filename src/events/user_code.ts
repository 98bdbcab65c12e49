/**
 * The one place through which code is called that somebody else wrote: hooks, components, filters,
 * handlers, edges. A function of theirs may throw, reject, never settle or return what its type
 * forbids. That is reported, and ends neither the call nor the program.
 *
 * Clocks and audio kernels are not called through here: everything rests on them, and there is
 * nothing to go on with when they fail.
 *
 * @module
 */
import type { Clock } from "./clock.ts";
import { shown } from "./checks.ts";
import { DropCounter } from "./drop_counter.ts";
import { describeError } from "./error_text.ts";

/** Takes what went wrong and was survived. */
export type Report = (error: unknown, context: string) => void;

/**
 * The promise in what a function returned; `undefined` where there is none to wait for. It settles
 * as that does, also where reading or calling `then` throws: whoever takes it sees to its rejection.
 */
export function promiseIn<T>(value: T | PromiseLike<T>): Promise<T> | undefined {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") {
    return undefined;
  }
  try {
    if (typeof (value as { then?: unknown }).then !== "function") return undefined;
  } catch (error) {
    return Promise.reject(error);
  }
  // Not `Promise.resolve`: that trusts a promise whose own `then` throws.
  return new Promise((resolve) => resolve(value));
}

/** Calls a function and gives what it comes to as a promise, which rejects with what it throws. */
export function promised<T>(call: () => T | PromiseLike<T>): Promise<T> {
  return new Promise((resolve) => resolve(call()));
}

/** Calls a function whose result is of no interest; `fail` is told what went wrong, now or later. */
export function attempt(call: () => unknown, fail: (error: unknown) => void): void {
  try {
    promiseIn(call())?.catch(fail);
  } catch (error) {
    fail(error);
  }
}

/** What a {@linkcode UserHook} is given. */
export interface UserHookOptions {
  /** What a second is measured with. */
  clock: Clock;
  /** Told what went wrong, at most once a second. */
  report: Report;
  /** What people read in a report. */
  context: string;
}

/**
 * A function that is called again and again, as every 20 ms: what it throws or rejects with is
 * reported at most once a second, with a count. Nothing is allocated for a call that returns at once.
 */
export class UserHook<A = void, B = void> {
  readonly #call: (a: A, b: B) => unknown;
  readonly #failures: DropCounter;
  readonly #fail = (error: unknown) => this.fail(error);
  #lastError: unknown;

  constructor(call: (a: A, b: B) => unknown, { clock, report, context }: UserHookOptions) {
    this.#call = call;
    this.#failures = new DropCounter(clock, (failures) => {
      const what = failures === 1 ? context : `${context} (${failures} times)`;
      attempt(
        () => report(this.#lastError, what),
        (second) => console.error(`${what}: ${describeError(second)}`),
      );
    });
  }

  /** Calls it. Gives a promise, which never rejects, where it has not finished yet. */
  run(a: A, b: B): Promise<void> | undefined {
    try {
      return promiseIn(this.#call(a, b))?.then(() => {}, this.#fail);
    } catch (error) {
      this.fail(error);
      return undefined;
    }
  }

  /** Calls it and gives its answer; `undefined` where it has none. A promise is no answer. */
  ask<T>(a: A, b: B, expected: Expected<T>): T | undefined {
    try {
      const value = this.#call(a, b);
      if (expected.is(value)) return value;
      const promise = promiseIn(value);
      // Its rejection would end the program; that it is one is told.
      promise?.catch(() => {});
      const got = promise ? "a promise, which is not waited for here" : shown(value);
      throw new TypeError(`expected ${expected.what}, got ${got}`);
    } catch (error) {
      this.fail(error);
      return undefined;
    }
  }

  /** The same for what may answer later: gives a promise then, which never rejects. */
  askLater<T>(a: A, b: B, expected: Expected<T>): T | undefined | Promise<T | undefined> {
    try {
      const value = this.#call(a, b);
      if (expected.is(value)) return value;
      const promise = promiseIn(value);
      if (!promise) throw wrongAnswer(value, expected);
      return promise.then((later) => {
        if (expected.is(later)) return later;
        throw wrongAnswer(later, expected);
      }).catch((error) => {
        this.fail(error);
        return undefined;
      });
    } catch (error) {
      this.fail(error);
      return undefined;
    }
  }

  /** Counts a failure that was found elsewhere. */
  fail(error: unknown): void {
    this.#lastError = error;
    this.#failures.add();
  }
}

/** What counts as an answer. */
export interface Expected<T> {
  /** For messages. */
  readonly what: string;
  is(value: unknown): value is T;
}

/** The answer is yes or no; what is merely truthy is a slip. */
export const yesOrNo: Expected<boolean> = {
  what: "true or false",
  is: (value) => typeof value === "boolean",
};

function wrongAnswer(value: unknown, expected: Expected<unknown>): TypeError {
  return new TypeError(`expected ${expected.what}, got ${shown(value)}`);
}
