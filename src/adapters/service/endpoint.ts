/** The addresses of a service. @module */
import { shown } from "../../events/checks.ts";

/** What a service's address begins with: over HTTP, or where a socket is opened. */
export type Scheme = "http" | "ws";

/**
 * Throws unless `value` is an address with one of these schemes, or with TLS.
 *
 * @throws {TypeError} names the expected and the actual value.
 */
export function checkBaseUrl(value: unknown, schemes: readonly Scheme[], example: string): void {
  const url = typeof value === "string" ? URL.parse(value) : null;
  if (url && schemes.some((one) => url.protocol === `${one}:` || url.protocol === `${one}s:`)) {
    return;
  }
  throw new TypeError(`baseUrl: expected an address like ${example}, got ${shown(value)}`);
}

/** Returns the address of a path below a base, whose query stays. */
export function endpoint(baseUrl: string, path: string): URL {
  const url = new URL(baseUrl);
  url.pathname = url.pathname.replace(/\/+$/, "") + path;
  return url;
}
