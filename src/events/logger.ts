/**
 * The package's logging. An object with these four methods is a logger, `console` included.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import { checkMethods } from "./checks.ts";
import { describeError } from "./error_text.ts";
import { UserHook } from "./user_code.ts";

/** Writes log lines, which never contain media. */
export interface Logger {
  /** Logs a detail that helps to find a fault. */
  debug(message: string): void;
  /** Logs an event. */
  info(message: string): void;
  /** Logs a failure that was survived. */
  warn(message: string): void;
  /** Logs a failure. */
  error(message: string): void;
}

/** Logs warnings and errors to the console, and drops the rest. */
export const consoleLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: (message) => console.warn(message),
  error: (message) => console.error(message),
};

/** Drops all lines. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
};

const guarded = new WeakSet<Logger>([consoleLogger, silentLogger]);

/**
 * Returns a logger that writes failures of `logger` to the console, at most once a second, and never
 * throws.
 *
 * @throws {TypeError} `logger` lacks a method.
 */
export function guardedLogger(logger: Logger, clock: Clock): Logger {
  if (guarded.has(logger)) return logger;
  const expected = "a logger, e.g. console";
  checkMethods(logger, "logger", expected, ["debug", "info", "warn", "error"]);
  const guard = (level: keyof Logger): (message: string) => void => {
    const hook = new UserHook<string>((message) => logger[level](message), {
      clock,
      report: (error, context) => console.error(`${context}: ${describeError(error)}`),
      context: `logger.${level}`,
    });
    return (message) => void hook.run(message);
  };
  const result: Logger = {
    debug: guard("debug"),
    info: guard("info"),
    warn: guard("warn"),
    error: guard("error"),
  };
  guarded.add(result);
  return result;
}
