/**
 * The text of an error. Anything can be thrown, even a value that cannot be converted to a string.
 *
 * @module
 */
import { shown } from "./checks.ts";

/** Returns the message of a thrown value. Never throws. */
export function messageOf(error: unknown): string {
  return textOf(error, (found) => String(found.message));
}

/** Returns an error as a log line: its name and message, without its data. Never throws. */
export function describeError(error: unknown): string {
  return textOf(error, ({ name, message }) => `${name}: ${message}`);
}

function textOf(error: unknown, format: (error: Error) => string): string {
  try {
    if (error instanceof Error) return format(error);
    if (typeof error !== "object" || error === null) return String(error);
    const { message } = error as { message?: unknown };
    if (typeof message === "string") return message;
    const text = String(error);
    return text.startsWith("[object ") ? shown(error) : text;
  } catch {
    return "an error that cannot be read";
  }
}
