/**
 * Errors for the refusals of LiveKit's servers. They hold nothing of the request: tokens are cut out of
 * every text.
 *
 * @module
 */
import { AuthenticationError, ConnectionError, type EdgeError } from "@ringline/edge/toolkit";

/** Returns a text without tokens, the users and queries of addresses, and the given secret. */
export function withoutSecrets(text: string, secret = ""): string {
  const clean = text.replace(/\beyJ[\w-]*\.[\w-]+\.[\w-]*/g, "[token]")
    .replace(/:\/\/[^/\s"']*@/g, "://[secret]@")
    .replace(/(:\/\/[^\s"'?#]*)[?#][^\s"']*/g, "$1?[secret]");
  return (secret === "" ? clean : clean.replaceAll(secret, "[secret]")).slice(0, 500);
}

/** Returns the error for a refusal by its status of HTTP; without one the server was not reached. */
export function rejectionError(
  doing: string,
  { status, message = "" }: { status?: number | undefined; message?: string },
): EdgeError {
  const text = message === "" ? doing : `${doing}: ${withoutSecrets(message)}`;
  if (status === undefined) {
    return new ConnectionError(text, { code: "unreachable", retryable: true });
  }
  if (status === 401) return new AuthenticationError(text, { code: "unauthorized" });
  if (status === 403) return new AuthenticationError(text, { code: "forbidden" });
  if (status === 404) return new ConnectionError(text, { code: "not-found" });
  if (status === 429) {
    return new ConnectionError(text, { code: "rate-limited", retryable: true });
  }
  if (status >= 500) {
    return new ConnectionError(text, { code: "service-failed", retryable: true });
  }
  return new ConnectionError(text, { code: "refused" });
}
