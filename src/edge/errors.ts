/**
 * Errors of networks and services. A wrong argument is a `TypeError` or `RangeError` instead, and
 * running out of time is a `DOMException` named `TimeoutError`.
 *
 * @module
 */
import { checkObject } from "../events/checks.ts";

/** Options for an {@linkcode EdgeError}. */
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

  /** Creates an error. */
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

/** The service rejected the agent's identity or its permissions. */
export class AuthenticationError extends EdgeError {
  /** The class's name. */
  override name = "AuthenticationError";
}

/** A method was called on something closed. */
export class ClosedError extends EdgeError {
  /** The class's name. */
  override name = "ClosedError";
  /** Says that `what` is closed, e.g. `"the agent"`. */
  constructor(what: string, options?: ErrorOptions) {
    super(`${what} is closed`, { ...options, code: "closed" });
  }
}

/** The other side sent something that its protocol does not allow. */
export class ProtocolError extends EdgeError {
  /** The class's name. */
  override name = "ProtocolError";
}
