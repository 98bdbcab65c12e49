/** The check of custom events. @module */
import { checkJson, MAX_JSON_BYTES } from "./json.ts";

/** The most bytes that a custom event may have, as JSON in UTF-8. */
export const MAX_CUSTOM_EVENT_BYTES: number = MAX_JSON_BYTES;

/**
 * Checks that `data` can be sent as a custom event and returns it as JSON text.
 *
 * @throws {TypeError} it is not JSON: `undefined`, a function, a symbol, a bigint, a number that is
 *   not finite, an object with a prototype of its own, or a cycle somewhere in it.
 * @throws {RangeError} it has more than 5120 bytes.
 */
export function checkCustomEvent(data: unknown): string {
  return checkJson(data, "a custom event", "data");
}
