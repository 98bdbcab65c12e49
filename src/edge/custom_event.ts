import type { JsonValue } from "./types.ts";

/** The most bytes that a custom event may have, as JSON in UTF-8. */
export const MAX_CUSTOM_EVENT_BYTES = 5120;

/**
 * Checks that `data` can be sent as a custom event and returns it as JSON text.
 *
 * @throws {TypeError} it is not JSON: `undefined`, a function, a symbol, a bigint, a number that is
 *   not finite, an object with a prototype of its own, or a cycle somewhere in it.
 * @throws {RangeError} it has more than 5120 bytes.
 */
export function checkCustomEvent(data: unknown): string {
  // Every value takes at least one byte, so that a count of values bounds the walk.
  const budget = { values: MAX_CUSTOM_EVENT_BYTES };
  check(data, "data", new Set(), budget);
  const text = JSON.stringify(data);
  const bytes = new TextEncoder().encode(text).byteLength;
  if (bytes > MAX_CUSTOM_EVENT_BYTES) throw tooLarge(`${bytes} bytes`);
  return text;
}

function tooLarge(what: string): RangeError {
  return new RangeError(
    `a custom event has at most ${MAX_CUSTOM_EVENT_BYTES} bytes as JSON, this one has ${what}`,
  );
}

function check(
  value: unknown,
  path: string,
  parents: Set<object>,
  budget: { values: number },
): asserts value is JsonValue {
  if (--budget.values < 0) throw tooLarge(`more than ${MAX_CUSTOM_EVENT_BYTES} values`);
  switch (typeof value) {
    case "boolean":
      return;
    case "string":
      if (value.length > MAX_CUSTOM_EVENT_BYTES) throw tooLarge(`a text of ${value.length}`);
      return;
    case "number":
      if (!Number.isFinite(value)) throw notJson(path, String(value));
      return;
    case "object":
      break;
    default:
      throw notJson(path, typeof value);
  }
  if (value === null) return;
  if (parents.has(value)) throw notJson(path, "a cycle");
  if ("toJSON" in value && typeof value.toJSON === "function") {
    throw notJson(path, `a ${value.constructor?.name}`);
  }
  // Every level takes two bytes: what is deeper does not fit, and would exhaust the stack.
  if (parents.size >= MAX_CUSTOM_EVENT_BYTES / 2) {
    throw tooLarge(`more than ${MAX_CUSTOM_EVENT_BYTES / 2} levels`);
  }
  parents.add(value);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      check(value[index], `${path}[${index}]`, parents, budget);
    }
  } else {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
      throw notJson(path, `a ${value.constructor?.name}`);
    }
    if (Object.getOwnPropertySymbols(value).length > 0) throw notJson(path, "a symbol as a name");
    for (const [name, member] of Object.entries(value)) {
      check(member, `${path}.${name.slice(0, 40)}`, parents, budget);
    }
  }
  parents.delete(value);
}

function notJson(path: string, what: string): TypeError {
  return new TypeError(`a custom event must be JSON, but ${path} is ${what}`);
}
