/**
 * What Stream's services answer when they refuse, as errors of this package. Nothing of what was
 * sent goes into them: tokens and secrets are cut out of every text.
 *
 * @module
 */
import { AuthenticationError, ConnectionError, type EdgeError } from "../errors.ts";

/** Stream's own number for a token that was valid once. */
const TOKEN_EXPIRED = 40;

/** What is known of a refusal. */
export interface Refusal {
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
export function refusalError(refusal: Refusal): EdgeError {
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

/** The error for a service that did not answer in time. */
export function silenceError(doing: string, timeoutMs: number): EdgeError {
  return new ConnectionError(`${doing}: no answer within ${timeoutMs} ms`, {
    code: "timeout",
    retryable: true,
  });
}
