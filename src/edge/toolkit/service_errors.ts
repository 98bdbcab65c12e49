/**
 * Errors for the refusals of services over HTTP. They hold nothing of the request: secrets are cut out
 * of every text.
 *
 * @module
 */
import { checkOptions, shown } from "../../events/checks.ts";
import { AuthenticationError, ConnectionError, type EdgeError } from "../errors.ts";

/** The most characters of a service's text that an error repeats. */
const MAX_CHARS = 500;

/**
 * Returns a text, of 500 characters at most, without tokens (JWT), the users and queries of addresses,
 * and the given secrets.
 *
 * @example
 * ```ts
 * import { withoutSecrets } from "@ringline/edge/toolkit";
 *
 * const text = withoutSecrets("no key 7f3a at https://example.org/?key=7f3a", "7f3a");
 * console.log(text); // no key [secret] at https://example.org/?[secret]
 * ```
 */
export function withoutSecrets(text: string, ...secrets: readonly string[]): string {
  if (typeof text !== "string") throw new TypeError(`text: expected a text, got ${shown(text)}`);
  let clean = text.replace(/\beyJ[\w-]*\.[\w-]+\.[\w-]*/g, "[token]")
    .replace(/:\/\/[^/\s"']*@/g, "://[secret]@")
    .replace(/(:\/\/[^\s"'?#]*)[?#][^\s"']*/g, "$1?[secret]");
  for (const secret of secrets) if (secret) clean = clean.replaceAll(secret, "[secret]");
  return clean.slice(0, MAX_CHARS);
}

/**
 * Returns the error for a refusal by its status of HTTP; without one, the service was not reached. What
 * may pass is retryable: no response, 429, and 500 or above.
 *
 * @param doing the request, in words: the beginning of the error's text
 */
export function rejectionError(
  doing: string,
  rejection: { status?: number | undefined; message?: string | undefined },
): EdgeError {
  checkOptions(
    rejection,
    "rejection",
    { status: true, message: true },
    "an object like { status: 404 }",
  );
  const { status, message = "" } = rejection;
  const text = message === "" ? doing : `${doing}: ${withoutSecrets(message)}`;
  if (status === undefined) {
    return new ConnectionError(text, { code: "unreachable", retryable: true });
  }
  if (status === 401) return new AuthenticationError(text, { code: "unauthorized" });
  if (status === 403) return new AuthenticationError(text, { code: "forbidden" });
  if (status === 404) return new ConnectionError(text, { code: "not-found" });
  if (status === 429) return new ConnectionError(text, { code: "rate-limited", retryable: true });
  if (status >= 500) return new ConnectionError(text, { code: "service-failed", retryable: true });
  return new ConnectionError(text, { code: "refused" });
}
