/**
 * What Stream's services answer when they refuse, as errors of this package. Nothing of what was
 * sent goes into them: tokens and secrets are cut out of every text.
 *
 * @module
 */
import {
  AuthenticationError,
  ConnectionError,
  type EdgeError,
  messageOf,
} from "@ringline/edge/toolkit";

/** Stream's own number for a token that was valid once. */
const TOKEN_EXPIRED = 40;

/** What is known of a refusal. */
export interface Rejection {
  /** The status of HTTP, where there was an answer. */
  status?: number | undefined;
  /** Stream's own number. */
  code?: number | undefined;
  message: string;
  /** What was asked for, for people to read. */
  doing: string;
}

/** Cuts tokens out of a text, and the secrets given. */
export function withoutSecrets(text: string, ...secrets: string[]): string {
  let clean = text.replace(/\beyJ[\w-]*\.[\w-]+\.[\w-]*/g, "[token]");
  for (const secret of secrets) if (secret) clean = clean.replaceAll(secret, "[secret]");
  return clean.slice(0, 500);
}

/** The error for a refusal. */
export function rejectionError(refusal: Rejection): EdgeError {
  const { status, code, doing } = refusal;
  const message = `${doing}: ${withoutSecrets(refusal.message)}`;
  if (code === TOKEN_EXPIRED) {
    return new AuthenticationError(message, { code: "token-expired", retryable: true });
  }
  if (status === undefined) {
    return new ConnectionError(message, { code: "unreachable", retryable: true });
  }
  if (status === 401) return new AuthenticationError(message, { code: "unauthorized" });
  if (status === 403) return new AuthenticationError(message, { code: "forbidden" });
  if (status === 404) return new ConnectionError(message, { code: "not-found" });
  if (status === 429) {
    return new ConnectionError(message, { code: "rate-limited", retryable: true });
  }
  if (status >= 500) {
    return new ConnectionError(message, { code: "service-failed", retryable: true });
  }
  return new ConnectionError(message, { code: "refused" });
}

/** A request that nobody answered in time. */
export interface Silence {
  /** What was asked for, for people to read. */
  doing: string;
  /** Who was asked. */
  where: string;
  /** The limit of one try. */
  timeoutMs: number;
  /** How often it is tried in all. Default 1. */
  tries?: number | undefined;
}

/** The error for a service that did not answer in time. */
export function silenceError({ doing, where, timeoutMs, tries = 1 }: Silence): EdgeError {
  const limit = `${timeoutMs} ms${tries > 1 ? `, the limit of each of ${tries} tries` : ""}`;
  return new ConnectionError(`${doing}: no answer from ${where} within ${limit}`, {
    code: "timeout",
    retryable: true,
  });
}

/** Why a request got no answer that can be read, for people to read. */
export function describeFailure(where: string, error: unknown): string {
  const cause = innermost(error);
  // What a parser says quotes the answer, and half a token is not known for one.
  if (cause instanceof SyntaxError) return `the answer of ${where} is no JSON`;
  // A failed fetch names the whole address, and a query may carry what must not be shown.
  const reason = messageOf(cause)
    .replace(/ for url \(\S*\)/g, "")
    .replace(/(https?:\/\/[^\s?#]+)[?#]\S*/g, "$1");
  return `${where} cannot be reached: ${reason}`;
}

/** The error at the bottom; Stream's SDK keeps what failed as the `code`, not as the `cause`. */
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
