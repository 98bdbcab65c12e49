/**
 * What an error says, whatever was thrown: anything may be, also what cannot be made into a text.
 *
 * @module
 */
import { shown } from "./checks.ts";

/** The message of what was thrown. Never throws itself. */
export function messageOf(error: unknown): string {
  return textOf(error, (found) => String(found.message));
}

/** An error for a log line: its name and message, never its data. Never throws itself. */
export function describeError(error: unknown): string {
  return textOf(error, ({ name, message }) => `${name}: ${message}`);
}

function textOf(error: unknown, tell: (error: Error) => string): string {
  try {
    if (error instanceof Error) return tell(error);
    if (typeof error !== "object" || error === null) return String(error);
    const { message } = error as { message?: unknown };
    if (typeof message === "string") return message;
    const text = String(error);
    return text.startsWith("[object ") ? shown(error) : text;
  } catch {
    return "an error that cannot be read";
  }
}
