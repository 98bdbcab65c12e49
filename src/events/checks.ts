/**
 * Checks of arguments, whose errors name the expected and the actual value.
 *
 * @module
 */

/** Returns a value for an error message: its kind, and its contents only if they are short. */
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
    // The result of a generator has no named class, but a tag.
    const name: unknown = value.constructor?.name || Reflect.get(value, Symbol.toStringTag);
    return typeof name !== "string" || name === "" || name === "Object" ? "an object" : name;
  } catch {
    return "an object that cannot be read";
  }
}

/**
 * Throws unless `value` is an object, as options are.
 *
 * @param expected the expected value, e.g. `"an object like { url: \"https://...\" }"`
 * @throws {TypeError} names the expected and the actual value.
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
 * @throws {TypeError} names the first missing method.
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

/**
 * Throws unless `options` is an object that has only options that there are: `deno run` checks no types,
 * and a name with a typo would be ignored in silence. An option of `undefined` counts as left out.
 *
 * @param name the name of the options in an error, e.g. `"options"`
 * @param known an entry for each option: the compiler finds one that is missing, or too many
 * @param expected the expected value, e.g. `"an object like { url: \"https://...\" }"`
 * @throws {TypeError} names the first unknown option and those that there are, or the actual value.
 *
 * @example
 * ```ts
 * import { checkOptions } from "@ringline/edge/toolkit";
 *
 * interface DoorOptions {
 *   open?: boolean;
 * }
 * function door(options: DoorOptions = {}): boolean {
 *   checkOptions(options, "options", { open: true });
 *   return options.open ?? false;
 * }
 * console.log(door({ open: true })); // true
 * ```
 */
export function checkOptions<
  Options extends object,
  Known extends Readonly<Record<keyof Options, unknown>>,
>(
  options: Options,
  name: string,
  known: Known & Readonly<Record<Exclude<keyof Known, keyof Options>, never>>,
  expected?: string,
): void {
  checkObject(options, name, expected);
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || Object.hasOwn(known, option)) continue;
    const names = Object.keys(known);
    throw new TypeError(
      `${name}: expected ${names.length === 0 ? "no options" : `only ${names.join(", ")}`}, got ${
        shown(option)
      }`,
    );
  }
}

/**
 * Throws unless `signal` is an `AbortSignal`, or left out.
 *
 * @throws {TypeError} names the actual value.
 */
export function checkSignal(
  signal: unknown,
  name: string,
): asserts signal is AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw new TypeError(`${name}: expected an AbortSignal, got ${shown(signal)}`);
}
