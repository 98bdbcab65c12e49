/**
 * Where the package says things. Anything with these four methods will do, `console` included.
 *
 * @module
 */

/** Takes lines for people to read. Media never goes into one. */
export interface Logger {
  /** What only helps to find a fault. */
  debug(message: string): void;
  /** What happens. */
  info(message: string): void;
  /** What went wrong and was survived. */
  warn(message: string): void;
  /** What went wrong. */
  error(message: string): void;
}

/** Warnings and errors on the console, nothing else. */
export const consoleLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: (message) => console.warn(message),
  error: (message) => console.error(message),
};

/** Says nothing. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
};

/** An error for a log line: its name and message, never its data. */
export function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
