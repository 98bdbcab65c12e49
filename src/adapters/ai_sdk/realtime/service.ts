/** What services say beside the SDK's events, and their failures. @module */
import { InferenceError, REALTIME_BUSY } from "@ringline/edge";
import type { SocketEnd } from "@ringline/edge/toolkit";

/** An item of a service's conversation, as far as it is read. */
export interface RawItem {
  readonly type?: string;
  readonly call_id?: string;
  readonly name?: string;
}

/** A failure in a service's words. */
export interface RawFailure {
  readonly code?: string | null;
  readonly type?: string | null;
  readonly message?: string;
}

/** The event of the service, as far as it says more than the SDK's. */
export interface RawEvent {
  readonly item_id?: string;
  readonly delta?: string;
  readonly item?: RawItem;
  readonly error?: RawFailure;
  readonly session?: { readonly expires_at?: number | null };
  readonly response?: {
    readonly metadata?: { readonly request?: string } | null;
    readonly status_details?: { readonly reason?: string; readonly error?: RawFailure } | null;
  };
}

/** Codes and types of failures after which another try may succeed. */
const TRANSIENT = [
  REALTIME_BUSY,
  "rate_limit_exceeded",
  "rate_limit_error",
  "server_error",
  "session_expired",
];

/** Returns the error for a failure that the service sent. */
export function serviceError(name: string, { code, type, message }: RawFailure): InferenceError {
  return new InferenceError(`${name}: ${message}`, {
    code: code ?? type ?? "failed",
    retryable: [code, type].some((one) => TRANSIENT.includes(one ?? "")),
  });
}

/** Returns the error for a socket that ended. */
export function socketError(name: string, end: SocketEnd): InferenceError {
  if (end.kind !== "lost") {
    const options = { code: "cut-off", retryable: true };
    return new InferenceError(`${name}: the socket is ${end.kind}`, options);
  }
  const { code, reason, failure, isForbidden } = end;
  if (isForbidden) {
    const options = { code: "permission-denied" };
    return new InferenceError(`${name}: cannot be reached: ${failure}`, options);
  }
  const status = Number(/status code: (\d{3})/.exec(failure)?.[1] ?? 0);
  if (status > 0) {
    return new InferenceError(`${name}: responded with ${status}`, {
      code: status === 401 ? "unauthorized" : status === 429 ? "rate-limited" : "refused",
      retryable: status === 429 || status >= 500,
      status,
    });
  }
  const why = [code, reason || failure].filter(Boolean).join(", ");
  return new InferenceError(`${name}: the socket was closed (${why})`, {
    code: "cut-off",
    retryable: true,
  });
}
