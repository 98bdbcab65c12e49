/** The check of what a person types. @module */
import { checkJson } from "./json.ts";
import { shown } from "../events/checks.ts";

/**
 * Throws unless `value` is a text that a person can have typed: with something to read in it, and of at
 * most 5120 bytes as JSON in UTF-8.
 *
 * @throws {TypeError} it is not a text, or is blank.
 * @throws {RangeError} it is too long.
 */
export function checkWrittenText(value: unknown): asserts value is string {
  if (typeof value !== "string") {
    throw new TypeError(`text: expected a text, got ${shown(value)}`);
  }
  if (!/\S/.test(value)) throw new TypeError("text: expected words, got a blank one");
  checkJson(value, "a text", "text");
}
