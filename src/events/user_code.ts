/**
 * Calls of code that the application or another package provides: hooks, components, filters,
 * handlers, edges. Such a function may throw, reject, never settle or return a value that its type
 * forbids. That is reported, and ends neither the call nor the program.
 *
 * Clocks and audio kernels are called directly: without them nothing works anyway.
 *
 * @module
 */
import type { Clock } from "./clock.ts";
import { shown } from "./checks.ts";
import { DropCounter } from "./drop_counter.ts";
import { describeError } from "./error_text.ts";

/** Takes an error that was survived, and the action that failed. */
export type Report = (error: unknown, context: string) => void;

/**
 * Returns the promise in a function's result, or `undefined` if it is not one. It settles as the result
 * does, even if reading or calling `then` throws. The caller handles its rejection.
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

/** Calls a function and returns its result as a promise, which rejects if the function throws. */
export function promised<T>(call: () => T | PromiseLike<T>): Promise<T> {
  return new Promise((resolve) => resolve(call()));
}

/** Calls a function and ignores its result. Calls `fail` with an error, now or later. */
export function attempt(call: () => unknown, fail: (error: unknown) => void): void {
  try {
    promiseIn(call())?.catch(fail);
  } catch (error) {
    fail(error);
  }
}

/** Options for a {@linkcode UserHook}. */
export interface UserHookOptions {
  /** Measures the second between two reports. */
  clock: Clock;
  /** Called with an error, at most once a second. */
  report: Report;
  /** Names the failed action in a report. */
  context: string;
}

/**
 * A function that is called repeatedly, for instance every 20 ms. It reports errors at most once a
 * second, with a count. A call that does not return a promise allocates nothing.
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

  /** Calls the function. Returns a promise, which never rejects, if it is not done yet. */
  run(a: A, b: B): Promise<void> | undefined {
    try {
      return promiseIn(this.#call(a, b))?.then(() => {}, this.#fail);
    } catch (error) {
      this.fail(error);
      return undefined;
    }
  }

  /** Calls the function. Returns its result, or `undefined` if it is not the expected one. */
  ask<T>(a: A, b: B, expected: Expected<T>): T | undefined {
    try {
      const value = this.#call(a, b);
      if (expected.is(value)) return value;
      const promise = promiseIn(value);
      // An unhandled rejection would end the program. The promise itself is reported.
      promise?.catch(() => {});
      const got = promise ? "a promise, which is not waited for here" : shown(value);
      throw new TypeError(`expected ${expected.what}, got ${got}`);
    } catch (error) {
      this.fail(error);
      return undefined;
    }
  }

  /** Like {@linkcode UserHook.ask}, but accepts a promise. Returns one then, which never rejects. */
  askLater<T>(a: A, b: B, expected: Expected<T>): T | undefined | Promise<T | undefined> {
    try {
      const value = this.#call(a, b);
      if (expected.is(value)) return value;
      const promise = promiseIn(value);
      if (!promise) throw unexpectedResult(value, expected);
      return promise.then((later) => {
        if (expected.is(later)) return later;
        throw unexpectedResult(later, expected);
      }).catch((error) => {
        this.fail(error);
        return undefined;
      });
    } catch (error) {
      this.fail(error);
      return undefined;
    }
  }

  /** Reports a failure that was found elsewhere. */
  fail(error: unknown): void {
    this.#lastError = error;
    this.#failures.add();
  }
}

/** A check of a result. */
export interface Expected<T> {
  /** Describes the expected result in errors. */
  readonly what: string;
  is(value: unknown): value is T;
}

/** Expects a boolean; a truthy value is an error. */
export const isBoolean: Expected<boolean> = {
  what: "true or false",
  is: (value) => typeof value === "boolean",
};

function unexpectedResult(value: unknown, expected: Expected<unknown>): TypeError {
  return new TypeError(`expected ${expected.what}, got ${shown(value)}`);
}
