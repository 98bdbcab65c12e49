/**
 * What a message says of a wrong argument: what was expected, and what came.
 *
 * @module
 */

/** A value for a message: its kind and never its contents, unless it is short. */
export function shown(value: unknown): string {
  if (typeof value === "string") {
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
  }
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "symbol") return "a symbol";
  if (typeof value !== "object" || value === null) return String(value);
  try {
    if (Array.isArray(value)) return "an array";
    if (value instanceof Promise) return "a promise";
    // What a generator gives has no class with a name, but says what it is.
    const name: unknown = value.constructor?.name || Reflect.get(value, Symbol.toStringTag);
    return typeof name !== "string" || name === "" || name === "Object" ? "an object" : name;
  } catch {
    return "an object that cannot be read";
  }
}

/**
 * Throws unless `value` is an object: what options and such are given as.
 *
 * @param expected what it should have been, e.g. `"an object like { url: \"https://...\" }"`
 * @throws {TypeError} saying so, and what came.
 */
export function checkObject(
  value: unknown,
  name: string,
  expected: string = "an object",
): asserts value is object {
  if (typeof value === "object" && value !== null) return;
  throw new TypeError(`${name}: expected ${expected}, got ${shown(value)}`);
}

/**
 * Throws unless `value` is an object that has these methods.
 *
 * @throws {TypeError} naming the first that is missing.
 */
export function checkMethods(
  value: unknown,
  name: string,
  expected: string,
  methods: readonly string[],
): void {
  const found = value as Record<string, unknown> | undefined | null;
  if (typeof found !== "object" && typeof found !== "function" || found === null) {
    throw new TypeError(`${name}: expected ${expected}, got ${shown(value)}`);
  }
  for (const method of methods) {
    if (typeof found[method] === "function") continue;
    const lacks = found[method] === undefined
      ? `without a method ${method}`
      : `whose ${method} is ${shown(found[method])}`;
    throw new TypeError(`${name}: expected ${expected}, got ${shown(value)} ${lacks}`);
  }
}
