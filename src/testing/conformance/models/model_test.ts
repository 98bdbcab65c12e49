/** What the conformance kits of models have in common: their tests, their time, their faults. @module */
import type { ConformanceTest } from "../conformance.ts";
import { shown } from "../../../events/checks.ts";
import { InferenceError } from "../../../inference/contracts/errors.ts";

/** Registers tests, those of parts that are left out as ignored. */
export function registerTests(name: string, tests: Iterable<ConformanceTest>): void {
  for (const { name: sentence, ignore, run } of tests) {
    Deno.test({ name: `${name}: ${sentence}`, ignore, fn: run });
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

/** Throws a TypeError unless a kit can work with this factory. */
export function checkFactory(factory: unknown): void {
  if (typeof factory === "function") return;
  throw new TypeError(`factory: expected a function of acts, got ${shown(factory)}`);
}
