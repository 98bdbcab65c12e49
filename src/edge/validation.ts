/**
 * Checks of users, calls and joins. They run before anything is started, so that a wrong argument is
 * found here and not in the process that runs other agents' calls.
 *
 * @module
 */
import { checkJson } from "./json.ts";
import { checkObject, checkOptions, checkSignal, shown } from "../events/checks.ts";

/** The most characters of an identifier or a name. */
const MAX_TEXT = 255;
/** The most characters of a picture's URL. */
const MAX_URL = 4096;
const CONTROL = /[\p{Cc}\u2028-\u202E\u2066-\u2069]/u;

/**
 * Whether a text has characters that end a line, or change the direction of the text around them:
 * they can make a name look like another.
 */
export function hasControlCharacters(text: string): boolean {
  return CONTROL.test(text);
}

/**
 * Throws unless `value` is a number of things.
 *
 * @throws {RangeError} names the expected and the actual value of `name`
 */
export function checkCount(value: unknown, name: string): asserts value is number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return;
  throw new RangeError(`${name}: expected a whole number from 0 on, got ${shown(value)}`);
}

/**
 * Throws unless `value` is a text that can be shown and sent.
 *
 * @throws {TypeError} names the expected and the actual value of `name`
 */
export function checkText(
  value: unknown,
  name: string,
  most: number = MAX_TEXT,
): asserts value is string {
  if (
    typeof value === "string" && value !== "" && value.length <= most && value.isWellFormed() &&
    !hasControlCharacters(value)
  ) return;
  const got = typeof value !== "string"
    ? shown(value)
    : value.length > most
    ? `one of ${value.length}`
    : JSON.stringify(value);
  throw new TypeError(
    `${name}: expected a text of 1 to ${most} characters without control characters, got ${got}`,
  );
}

/**
 * Throws unless `value` is a `User` that every edge can bring into a call.
 *
 * @throws {TypeError} names the wrong field
 * @throws {RangeError} its `custom` has more than 5120 bytes as JSON
 */
export function checkUser(value: unknown, name: string): void {
  if (typeof value !== "object" || value === null) {
    throw new TypeError(`${name}: expected a user with an id and a name, got ${shown(value)}`);
  }
  const { id, name: called, image, custom } = value as Record<string, unknown>;
  checkText(id, `${name}.id`);
  checkText(called, `${name}.name`);
  if (image !== undefined) checkText(image, `${name}.image`, MAX_URL);
  if (custom === undefined) return;
  if (typeof custom !== "object" || custom === null || Array.isArray(custom)) {
    throw new TypeError(`${name}.custom: expected an object, got ${shown(custom)}`);
  }
  checkJson(custom, `${name}.custom`, "it");
}

/**
 * Throws unless `value` is a `Call`, or an object like one.
 *
 * @throws {TypeError} names the wrong field
 */
export function checkCall(value: unknown): void {
  if (typeof value !== "object" || value === null) {
    throw new TypeError(`call: expected a Call, got ${shown(value)}`);
  }
  const { id, type } = value as Record<string, unknown>;
  checkText(id, "call.id");
  checkText(type, "call.type");
}

/**
 * Throws unless these are valid arguments of a join. Every edge begins with this check.
 *
 * @throws {TypeError} names the wrong argument
 */
export function checkJoin(agent: unknown, call: unknown, options: unknown): void {
  checkObject(agent, "agent", "an EdgeAgent, as Agent hands to its edge");
  checkUser((agent as { user?: unknown }).user, "agent.user");
  checkCall(call);
  const given = options as { signal?: unknown; timeoutMs?: unknown };
  checkOptions(given, "options", { signal: true, timeoutMs: true }, "an object, or nothing");
  checkSignal(given.signal, "options.signal");
}
