/**
 * The page's answers over `node:http`, on the edge's own server and on an application's: one at a time on
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

/** Answers a request for the page. */
export type PageResponder = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Returns what answers. A connection that sends another request before its answer is ended: browsers do
 * not, and thousands of requests in one packet would keep the calls from being heard.
 */
export function pageResponder({ app, log }: PageResponderOptions): PageResponder {
  const answering = new WeakSet<TcpSocket>();
  return (request, response) => {
    const tcp = request.socket;
    if (tcp.destroyed) return;
    if (answering.has(tcp)) return void tcp.destroy();
    answering.add(tcp);
    // What lies in the same packet is parsed before this; the next request of an honest client after it.
    setImmediate(() => answering.delete(tcp));
    try {
      if (hasBody(request)) return refuse(response, 413, () => tcp.destroy());
      const url = addressOf(request);
      if (!url) return refuse(response, 400);
      const headers = headersOf(request);
      if (!headers) return refuse(response, 431);
      const answer = app({ method: request.method ?? "GET", path: url.pathname, headers });
      const length = String(answer.body.length);
      response.writeHead(answer.status, { ...answer.headers, "content-length": length });
      response.end(answer.body);
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
