/** What the conformance kits of models have in common: their tests, their time, their faults. @module */
import type { ConformanceTest } from "../conformance.ts";
import { checkObject, shown } from "../../../events/checks.ts";
import { InferenceError } from "../../../inference/contracts/errors.ts";
import { sleep, waitFor } from "../../../events/waiting.ts";
import type { VirtualClock } from "../../virtual_clock.ts";

/** Registers tests, those of parts that are left out as ignored. */
export function registerTests(name: string, tests: Iterable<ConformanceTest>): void {
  for (const { name: sentence, ignore, run } of tests) {
    Deno.test({ name: `${name}: ${sentence}`, ignore, fn: run });
  }
}

/** The time of a test: the model's clock where it is a virtual one, or the machine's. */
export class TestTime {
  constructor(
    readonly clock: VirtualClock | undefined,
    readonly limitMs: number,
  ) {}

  /** Waits for a promise. */
  until<T>(promise: PromiseLike<T>, what: string): Promise<T> {
    if (this.clock) return this.clock.until(promise, this.limitMs);
    return waitFor(promise, what, { timeoutMs: this.limitMs });
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    if (this.clock) await this.clock.advance(ms);
    else await sleep(ms);
  }

  /** Waits until a condition holds. */
  async eventually(condition: () => boolean, what: string): Promise<void> {
    const stepMs = 10;
    for (let passed = 0; !condition(); passed += stepMs) {
      if (passed >= this.limitMs) throw new Error(`did not happen: ${what}`);
      await this.pass(stepMs);
    }
  }
}

/** Everything that an iterable yields, and the error that it ends with. */
export interface Collected<T> {
  readonly items: T[];
  readonly error: unknown;
}

/** Reads an iterable to its end. */
export async function collect<T>(source: AsyncIterable<T>): Promise<Collected<T>> {
  const items: T[] = [];
  try {
    for await (const item of source) items.push(item);
  } catch (error) {
    return { items, error };
  }
  return { items, error: undefined };
}

/** Fails unless the error is one of a model, with the given properties. */
export function expectInferenceError(
  error: unknown,
  expected: { retryable?: boolean; status?: number; text?: string },
): asserts error is InferenceError {
  if (!(error instanceof InferenceError)) {
    throw new Error(`expected an InferenceError, got ${String(error)}`);
  }
  const { retryable, status, text } = expected;
  if (retryable !== undefined && error.retryable !== retryable) {
    throw new Error(`expected retryable ${retryable}, got ${error.retryable}: ${error.message}`);
  }
  if (status !== undefined && error.status !== status) {
    throw new Error(`expected the status ${status}, got ${error.status}: ${error.message}`);
  }
  if (text !== undefined && !error.message.includes(text)) {
    throw new Error(`expected the service's words ${JSON.stringify(text)}, got: ${error.message}`);
  }
}

/** Cuts bytes into pieces of one size. */
export function cut(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer>[] {
  const pieces = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.slice(at, at + size));
  return pieces;
}

/** Throws a TypeError unless a kit can work with these arguments. */
export function checkKit(factory: unknown, options: unknown): void {
  if (typeof factory !== "function") {
    throw new TypeError(`factory: expected a function of acts, got ${shown(factory)}`);
  }
  checkObject(options, "options", "an object like { name }");
}
