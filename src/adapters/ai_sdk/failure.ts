/** Errors of the AI SDK as this library's. @module */
import { AISDKError, APICallError, LoadAPIKeyError, RetryError } from "ai";
import { InferenceError } from "@ringline/edge";
import { messageOf, retryAfterMs } from "@ringline/edge/toolkit";

const MAX_DETAIL_CHARS = 500;

/** Converts an error of the SDK, of a provider, or of the stream. */
export function failure(cause: unknown): InferenceError {
  if (cause instanceof InferenceError) return cause;
  const last = RetryError.isInstance(cause) ? cause.lastError : cause;
  const message = `ai-sdk: ${[textOf(last), detailOf(last)].filter(Boolean).join(": ")}`;
  if (LoadAPIKeyError.isInstance(last)) {
    return new InferenceError(message, { code: "no-key", cause });
  }
  if (APICallError.isInstance(last)) {
    const { statusCode: status = 0, isRetryable: retryable } = last;
    if (status >= 400) {
      return new InferenceError(message, { code: codeOf(status), retryable, status, cause });
    }
    // A connection that breaks off is an error of the response to the SDK, not to be tried again.
    const isCut = last.cause instanceof TypeError;
    const code = isCut ? "cut-off" : status === 0 ? "unreachable" : "malformed";
    const why = isCut ? `${message}: ${messageOf(last.cause)}` : message;
    return new InferenceError(why, { code, retryable: retryable || isCut, cause });
  }
  // What the SDK itself says is wrong stays wrong; what a service says in its stream, or a connection
  // that breaks, need not.
  const retryable = !AISDKError.isInstance(last);
  return new InferenceError(message, { code: "failed", retryable, cause });
}

/** Returns how long the service asks to wait, in milliseconds. */
export function askedWaitMs({ cause }: InferenceError): number | undefined {
  const headers = APICallError.isInstance(cause) ? cause.responseHeaders : undefined;
  return headers && retryAfterMs(new Headers(headers));
}

function codeOf(status: number): string {
  return status === 429 ? "rate-limited" : status === 401 ? "unauthorized" : "refused";
}

/** Returns the text of an error; services put it into `error`, or into `error.message`. */
function textOf(error: unknown): string {
  if (typeof error !== "object" || error === null || error instanceof Error) {
    return messageOf(error);
  }
  const { error: inner } = error as { error?: unknown };
  return inner == null ? messageOf(error) : textOf(inner);
}

/**
 * Returns why a server refused, which the SDK has not read: a provider knows its vendor's form of errors, and many
 * servers of the same interface have that of FastAPI, for which the SDK says the status's name alone.
 */
function detailOf(error: unknown): string | undefined {
  if (!APICallError.isInstance(error) || !error.responseBody) return undefined;
  try {
    const { detail } = JSON.parse(error.responseBody);
    const text = typeof detail === "string" ? detail : detail && JSON.stringify(detail);
    return text?.slice(0, MAX_DETAIL_CHARS);
  } catch {
    return undefined;
  }
}
