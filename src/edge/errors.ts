/**
 * The world's failures. Wrong arguments are `TypeError` and `RangeError`; running out of time is a
 * `DOMException` named `TimeoutError`; what the world does to a call is one of these.
 *
 * @module
 */
import { checkObject } from "../events/checks.ts";

/** What every error of this package carries beside its message. */
export interface EdgeErrorOptions extends ErrorOptions {
  /** Stable identifier to compare with, e.g. `"media-process-lost"`. */
  code: string;
  /** Whether trying the same thing again can succeed. Default `false`. */
  retryable?: boolean;
}

/** Base of this package's errors. */
export class EdgeError extends Error {
  /** The class's name. */
  override name = "EdgeError";
  /** Stable identifier to compare with. */
  readonly code: string;
  /** Whether trying the same thing again can succeed. */
  readonly retryable: boolean;

  /** Makes an edge error. */
  constructor(message: string, options: EdgeErrorOptions) {
    super(message, options);
    checkObject(options, "options", 'an object like { code: "timeout" }');
    this.code = options.code;
    this.retryable = options.retryable ?? false;
  }
}

/** A call could not be reached, or was lost. */
export class ConnectionError extends EdgeError {
  /** The class's name. */
  override name = "ConnectionError";
}

/** The service refused who we are or what we may do. */
export class AuthenticationError extends EdgeError {
  /** The class's name. */
  override name = "AuthenticationError";
}

/** Something was used after it had been closed. */
export class ClosedError extends EdgeError {
  /** The class's name. */
  override name = "ClosedError";
  /** Says that `what` is closed, e.g. `"the agent"`. */
  constructor(what: string, options?: ErrorOptions) {
    super(`${what} is closed`, { ...options, code: "closed" });
  }
}

/** What came from the other side is not what its protocol allows. */
export class ProtocolError extends EdgeError {
  /** The class's name. */
  override name = "ProtocolError";
}
