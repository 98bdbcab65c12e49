/**
 * Where the package says things. Anything with these four methods will do, `console` included.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import { checkMethods } from "./checks.ts";
import { describeError } from "./error_text.ts";
import { UserHook } from "./user_code.ts";

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

const guarded = new WeakSet<Logger>([consoleLogger, silentLogger]);

/**
 * A logger whose failures are written to the console, at most once a second, and reach nobody else.
 *
 * @throws {TypeError} `logger` lacks a method.
 */
export function guardedLogger(logger: Logger, clock: Clock): Logger {
  if (guarded.has(logger)) return logger;
  const expected = "a logger, e.g. console";
  checkMethods(logger, "logger", expected, ["debug", "info", "warn", "error"]);
  const say = (level: keyof Logger): (message: string) => void => {
    const hook = new UserHook<string>((message) => logger[level](message), {
      clock,
      report: (error, context) => console.error(`${context}: ${describeError(error)}`),
      context: `logger.${level}`,
    });
    return (message) => void hook.run(message);
  };
  const result: Logger = {
    debug: say("debug"),
    info: say("info"),
    warn: say("warn"),
    error: say("error"),
  };
  guarded.add(result);
  return result;
}
