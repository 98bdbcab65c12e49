/** Errors of the media process, as they cross the wire. @module */
import { EdgeError } from "../../edge/errors.ts";
import type { WireError } from "../wire/control.ts";
import { messageOf } from "../../events/error_text.ts";

/** Returns an error as it crosses the wire; its stack stays here. */
export function toWireError(error: unknown): WireError {
  if (!(error instanceof Error)) {
    return { name: "Error", message: messageOf(error), code: "failed", retryable: false };
  }
  const { name } = error;
  const message = error.message.slice(0, 4000);
  if (error instanceof EdgeError) {
    return { name, message, code: error.code, retryable: error.retryable };
  }
  return { name, message, code: "failed", retryable: false };
}
