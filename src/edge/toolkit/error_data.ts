/** Errors of an edge as they cross between its two processes. @module */
import { checkObject } from "../../events/checks.ts";
import { messageOf } from "../../events/error_text.ts";
import { AuthenticationError, ConnectionError, EdgeError, ProtocolError } from "../errors.ts";

/** An error of an edge as JSON. */
export interface ErrorData {
  /** Its class. */
  readonly kind: "authentication" | "protocol" | "connection";
  /** Its code. */
  readonly code: string;
  /** Its text. */
  readonly message: string;
  /** Whether another try may succeed. */
  readonly retryable: boolean;
}

/** Returns an error as JSON; what is no `EdgeError` becomes a connection's error with the code `failed`. */
export function toErrorData(error: unknown): ErrorData {
  if (!(error instanceof EdgeError)) {
    return { kind: "connection", code: "failed", message: messageOf(error), retryable: false };
  }
  const { code, message, retryable } = error;
  const kind = error instanceof AuthenticationError
    ? "authentication"
    : error instanceof ProtocolError
    ? "protocol"
    : "connection";
  return { kind, code, message, retryable };
}

/** Returns the error of {@linkcode toErrorData}. */
export function fromErrorData(data: ErrorData): EdgeError {
  checkObject(data, "data", "an object of toErrorData");
  const { kind, code, message, retryable } = data;
  const options = { code, retryable };
  if (kind === "authentication") return new AuthenticationError(message, options);
  if (kind === "protocol") return new ProtocolError(message, options);
  return new ConnectionError(message, options);
}
