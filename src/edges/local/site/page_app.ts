/**
 * The page's files and their headers, as a function from a request to a response: it listens on
 * nothing.
 *
 * @module
 */
import { Hono } from "hono";
import type { AllowLists } from "../wire/auth.ts";
import { Rejection } from "../wire/rejection.ts";
import { pageFiles } from "./page_files.ts";

/** The page loads nothing from elsewhere, runs nothing inline, and cannot be framed. */
const SECURITY_HEADERS: Record<string, string> = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join("; "),
  "permissions-policy": "camera=(self), microphone=(self), display-capture=(self)",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cross-origin-opener-policy": "same-origin",
  "cache-control": "no-cache",
};

/** The path of the WebSocket between page and server. */
export const SIGNAL_PATH = "/signal";

/** Options for {@linkcode pageApp}. */
export interface PageAppOptions {
  allowed: AllowLists;
  /** Learns of a request that was turned away, or failed. */
  log(line: string): void;
}

/** Whether a path is one of the page's, or its socket's. The start page's is the application's own. */
export function isPagePath(path: string): boolean {
  return path === SIGNAL_PATH || /^\/call\/[^/]+\/[^/]+$/.test(path) ||
    path !== "/" && pageFiles.some((file) => file.path === path);
}

/** Creates the app. */
export function pageApp({ allowed, log }: PageAppOptions): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    const { headers } = context.req.raw;
    const rejection = checkSource(headers, allowed);
    if (rejection) {
      log(`rejected a request: ${rejection.code}: ${rejection.detail}`);
      context.res = context.text(rejection.message, 403);
    } else await next();
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) context.header(name, value);
    const origin = headers.get("origin");
    if (origin !== null && !rejection) {
      context.header("access-control-allow-origin", origin);
      context.header("vary", "origin");
    }
  });
  for (const { path, type, text } of pageFiles) {
    app.get(path, (context) => context.body(text, 200, { "content-type": type }));
  }
  app.get(SIGNAL_PATH, (context) => context.text("This address is for WebSockets.", 426));
  app.notFound((context) => context.text("There is nothing at this address.", 404));
  app.onError((error, context) => {
    log(`a request failed: ${error}`);
    return context.text("The server failed.", 500);
  });
  return app;
}

/** Rejects requests for another host name, and requests of foreign pages. */
export function checkSource(headers: Headers, allowed: AllowLists): Rejection | undefined {
  const host = headers.get("host") ?? "";
  if (!allowed.hosts.has(host.toLowerCase())) {
    return new Rejection("wrong-host", `Host ${JSON.stringify(host.slice(0, 100))}`);
  }
  const origin = headers.get("origin");
  const upgrade = headers.get("upgrade") !== null;
  // Browsers omit Origin where a person follows a link, and never with a WebSocket.
  if (origin === null && !upgrade) return undefined;
  if (origin === null || !allowed.origins.has(origin.toLowerCase())) {
    return new Rejection("wrong-origin", `Origin ${JSON.stringify(origin?.slice(0, 100))}`);
  }
  return undefined;
}
