/**
 * The headers of a request, as the page's app and its checks read them.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";

/** Browsers send about 20, and each proxy a few more. */
const MAX_HEADERS = 100;

/**
 * Returns the headers, or `undefined` if there are more than a browser would send: what `Headers` and
 * `Request` do with them takes a time that grows with the square of their number.
 */
export function headersOf({ rawHeaders }: IncomingMessage): Headers | undefined {
  if (rawHeaders.length > MAX_HEADERS * 2) return undefined;
  const headers = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    try {
      headers.append(rawHeaders[at]!, rawHeaders[at + 1]!);
    } catch {
      // A header that browsers would not send.
    }
  }
  return headers;
}
