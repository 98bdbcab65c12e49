/**
 * The page's responses over `node:http`, on the edge's own server and on an application's: one at a time on
 * each connection, to requests without a body.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket as TcpSocket } from "node:net";
import { messageOf } from "../../../events/error_text.ts";
import type { PageApp } from "./page_app.ts";
import { headersOf } from "./request_headers.ts";

/** Options for {@linkcode pageResponder}. */
export interface PageResponderOptions {
  app: PageApp;
  /** Learns of a request that failed. */
  log(line: string): void;
}

/** Responds to a request for the page. */
export type PageResponder = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Returns what responds. A connection that sends another request before its response is ended: browsers do
 * not, and thousands of requests in one packet would keep the calls from being heard.
 */
export function pageResponder({ app, log }: PageResponderOptions): PageResponder {
  const responding = new WeakSet<TcpSocket>();
  return (request, response) => {
    const tcp = request.socket;
    if (tcp.destroyed) return;
    if (responding.has(tcp)) return void tcp.destroy();
    responding.add(tcp);
    // What lies in the same packet is parsed before this; the next request of an honest client after it.
    setImmediate(() => responding.delete(tcp));
    try {
      if (hasBody(request)) return refuse(response, 413, () => tcp.destroy());
      const url = addressOf(request);
      if (!url) return refuse(response, 400);
      const headers = headersOf(request);
      if (!headers) return refuse(response, 431);
      const page = app({ method: request.method ?? "GET", path: url.pathname, headers });
      const length = String(page.body.length);
      response.writeHead(page.status, { ...page.headers, "content-length": length });
      response.end(page.body);
    } catch (error) {
      log(`a request failed: ${messageOf(error)}`);
      response.destroy();
    }
  };
}

/** Returns the address of a request, if it is one. The host is checked as a header. */
export function addressOf({ url = "/" }: Pick<IncomingMessage, "url">): URL | undefined {
  return URL.parse(url, "http://page") ?? undefined;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined ||
    Number(headers["content-length"] ?? 0) !== 0;
}

function refuse(response: ServerResponse, status: number, onSent?: () => void): void {
  response.writeHead(status, { "connection": "close", "content-length": "0" });
  response.end(onSent);
}
