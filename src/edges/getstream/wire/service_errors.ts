/**
 * Errors for the refusals of Stream's services. They hold nothing of the request: tokens and secrets
 * are cut out of every text.
 *
 * @module
 */
import {
  AuthenticationError,
  ConnectionError,
  type EdgeError,
  messageOf,
  rejectionError as statusError,
  withoutSecrets,
} from "@ringline/edge/toolkit";

/** Stream's number for an expired token. */
export const TOKEN_EXPIRED = 40;

/** A refusal for the number of requests, by a service that says how long to wait. */
export class RateLimitError extends ConnectionError {
  /** How long to wait before the next try, in milliseconds. */
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number) {
    const seconds = Math.ceil(retryAfterMs / 1000);
    super(`${message}; the service takes requests again in ${seconds} s`, {
      code: "rate-limited",
      retryable: true,
    });
    this.retryAfterMs = retryAfterMs;
  }
}

/** A refusal of a service. */
export interface Rejection {
  /** The status of HTTP, where there was a response. */
  status?: number | undefined;
  /** Stream's number for the reason. */
  code?: number | undefined;
  message: string;
  /** How long the service asks to wait. */
  retryAfterMs?: number | undefined;
  /** The request, in words for error texts. */
  doing: string;
}

/** Returns the error for a refusal. */
export function rejectionError(rejection: Rejection): EdgeError {
  const { status, code, doing } = rejection;
  const message = `${doing}: ${withoutSecrets(rejection.message)}`;
  if (code === TOKEN_EXPIRED) {
    return new AuthenticationError(message, { code: "token-expired", retryable: true });
  }
  if (status === 429 && rejection.retryAfterMs) {
    return new RateLimitError(message, rejection.retryAfterMs);
  }
  return statusError(doing, { status, message: rejection.message });
}

/** A request without a response in time. */
export interface Silence {
  /** The request, in words for error texts. */
  doing: string;
  /** The service, for people to read. */
  where: string;
  /** The time limit of one try. */
  timeoutMs: number;
  /** How often it is tried in all. Default 1. */
  tries?: number | undefined;
}

/** Returns the error for a service that did not respond in time. */
export function silenceError({ doing, where, timeoutMs, tries = 1 }: Silence): EdgeError {
  const limit = `${timeoutMs} ms${tries > 1 ? `, the limit of each of ${tries} tries` : ""}`;
  return new ConnectionError(`${doing}: no response from ${where} within ${limit}`, {
    code: "timeout",
    retryable: true,
  });
}

/** Returns why a request has no readable response, for people to read. */
export function describeFailure(where: string, error: unknown): string {
  const cause = innermost(error);
  // A parser's message quotes the response, and half a token would not be recognised and cut out.
  if (cause instanceof SyntaxError) return `the response of ${where} is not JSON`;
  // A failed fetch names the whole address, and its query may carry a secret.
  const reason = messageOf(cause)
    .replace(/ for url \(\S*\)/g, "")
    .replace(/(https?:\/\/[^\s?#]+)[?#]\S*/g, "$1");
  return `${where} cannot be reached: ${reason}`;
}

/** Returns the innermost error; Stream's SDK keeps it as the `code`, not as the `cause`. */
function innermost(error: unknown): unknown {
  let inner = error;
  for (let depth = 0; depth < 8 && inner instanceof Error; depth++) {
    const { cause, code } = inner as { cause?: unknown; code?: unknown };
    const next = cause instanceof Error ? cause : code;
    if (!(next instanceof Error)) break;
    inner = next;
  }
  return inner;
}
