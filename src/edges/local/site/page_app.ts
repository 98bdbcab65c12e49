/**
 * The page's files and their headers, as a function from a request to a response: it listens on nothing.
 *
 * @module
 */
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

/** The path of each call's page. */
const CALL_PATH = "/call/:type/:id";

/** What the page's app reads of a request. */
export interface PageRequest {
  method: string;
  /** Without a query. */
  path: string;
  headers: Headers;
}

/** A response, whole: the files are small. */
export interface PageResponse {
  status: number;
  headers: Record<string, string>;
  body: Uint8Array<ArrayBuffer>;
}

/** Responds to requests for the page. */
export type PageApp = (request: PageRequest) => PageResponse;

/** Options for {@linkcode pageApp}. */
export interface PageAppOptions {
  allowed: AllowLists;
  /** Learns of a request that was turned away. */
  log(line: string): void;
}

/** Each file, encoded once: an attacker's requests cost little more than a look in here. */
const files = new Map(pageFiles.map(({ path, type, text }) => {
  return [path, { status: 200, type, body: new TextEncoder().encode(text) }];
}));

/** Whether a path is one of the page's, or its socket's. The start page's is the application's own. */
export function isPagePath(path: string): boolean {
  return path === SIGNAL_PATH || path !== "/" && files.has(route(path));
}

/** Creates the app. */
export function pageApp({ allowed, log }: PageAppOptions): PageApp {
  return (request) => {
    const { headers } = request;
    const rejection = checkSource(headers, allowed);
    if (rejection) log(`rejected a request: ${rejection.code}: ${rejection.detail}`);
    const { status, type, body } = rejection ? plain(403, rejection.message) : found(request);
    const origin = headers.get("origin");
    return {
      status,
      headers: {
        ...SECURITY_HEADERS,
        "content-type": type,
        ...(origin !== null && !rejection
          ? { "access-control-allow-origin": origin, "vary": "origin" }
          : {}),
      },
      body,
    };
  };
}

function found({ method, path }: PageRequest) {
  const isRead = method === "GET" || method === "HEAD";
  if (isRead && path === SIGNAL_PATH) return plain(426, "This address is for WebSockets.");
  return isRead && files.get(route(path)) || plain(404, "There is nothing at this address.");
}

/** Returns the path of the file for a path. */
function route(path: string): string {
  return /^\/call\/[^/]+\/[^/]+$/.test(path) ? CALL_PATH : path;
}

function plain(status: number, text: string) {
  return { status, type: "text/plain; charset=UTF-8", body: new TextEncoder().encode(text) };
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
