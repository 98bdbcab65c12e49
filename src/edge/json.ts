/** The check of data that is sent as JSON. @module */
import type { JsonValue } from "./types.ts";

/** The most bytes of what is sent as JSON: a custom event, a user's `custom`, the metadata of a call, a text. */
export const MAX_JSON_BYTES: number = 5120;

/** Returns how many bytes a value has as JSON, in UTF-8. */
export function jsonByteLength(value: JsonValue): number {
  return byteLength(JSON.stringify(value));
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}

/**
 * Checks that `data` is JSON of at most 5120 bytes in UTF-8 and returns it as text.
 *
 * @param what names the owner of the data in errors: `"a custom event"`
 * @param name names the data itself in errors
 * @throws {TypeError} it is not JSON: `undefined`, a function, a symbol, a bigint, a number that is
 *   not finite, an object with a prototype of its own, or a cycle somewhere in it.
 * @throws {RangeError} it has more than 5120 bytes.
 */
export function checkJson(data: unknown, what: string, name: string): string {
  // Every value takes at least one byte, so that a count of values bounds the walk.
  const walk = { what, values: MAX_JSON_BYTES };
  check(data, name, new Set(), walk);
  const text = JSON.stringify(data);
  const bytes = byteLength(text);
  if (bytes > MAX_JSON_BYTES) throw tooLarge(walk, `${bytes} bytes`);
  return text;
}

/** The owner of the data for errors, and how many more values are allowed. */
interface Walk {
  readonly what: string;
  values: number;
}

function tooLarge({ what }: Walk, got: string): RangeError {
  return new RangeError(
    `${what} has at most ${MAX_JSON_BYTES} bytes as JSON, this one has ${got}`,
  );
}

function check(
  value: unknown,
  path: string,
  parents: Set<object>,
  walk: Walk,
): asserts value is JsonValue {
  if (--walk.values < 0) throw tooLarge(walk, `more than ${MAX_JSON_BYTES} values`);
  switch (typeof value) {
    case "boolean":
      return;
    case "string":
      if (value.length > MAX_JSON_BYTES) throw tooLarge(walk, `a text of ${value.length}`);
      return;
    case "number":
      if (!Number.isFinite(value)) throw notJson(walk, path, String(value));
      return;
    case "object":
      break;
    default:
      throw notJson(walk, path, typeof value);
  }
  if (value === null) return;
  if (parents.has(value)) throw notJson(walk, path, "a cycle");
  if ("toJSON" in value && typeof value.toJSON === "function") {
    throw notJson(walk, path, `a ${value.constructor?.name}`);
  }
  // Every level takes two bytes: what is deeper does not fit, and would exhaust the stack.
  if (parents.size >= MAX_JSON_BYTES / 2) {
    throw tooLarge(walk, `more than ${MAX_JSON_BYTES / 2} levels`);
  }
  parents.add(value);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      check(value[index], `${path}[${index}]`, parents, walk);
    }
  } else {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
      throw notJson(walk, path, `a ${value.constructor?.name}`);
    }
    if (Object.getOwnPropertySymbols(value).length > 0) {
      throw notJson(walk, path, "a symbol as a name");
    }
    for (const [name, member] of Object.entries(value)) {
      check(member, `${path}.${name.slice(0, 40)}`, parents, walk);
    }
  }
  parents.delete(value);
}

function notJson({ what }: Walk, path: string, got: string): TypeError {
  return new TypeError(`${what}: expected JSON, but ${path} is ${got}`);
}
