/**
 * The HTTP server: the page's files, and the sockets that pages signal over.
 *
 * @module
 */
import { Hono } from "hono";
import type { Clock } from "../../../events/clock.ts";
import { type AllowLists, allowLists, isFromThisMachine, ownOrigin } from "../wire/auth.ts";
import { pageFiles } from "./page.ts";
import { Rejection } from "../wire/rejection.ts";
import type { LocalSettings } from "../wire/settings.ts";
import type { ClientMessage } from "../wire/signalling.ts";
import { OpenSockets } from "./open_sockets.ts";
import { Socket } from "./socket.ts";

/**
 * Multiple of `limits.sockets` that may wait for the other end's close. Deno waits for it without a
 * limit; browsers close immediately.
 */
const MAX_CLOSING = 4;

/** Options for {@linkcode HttpServer}. */
export interface HttpServerOptions {
  settings: LocalSettings;
  clock: Clock;
  /** Receives lines about rejections and failures. */
  log(line: string): void;
  /** Handles a socket's first message; throws a `Rejection` to turn the page away. */
  onFirstMessage(socket: Socket, message: ClientMessage): void;
}

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

/** A running server. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #http: Deno.HttpServer<Deno.NetAddr>;
  readonly #allowed: AllowLists;
  readonly #sockets = new OpenSockets();
  /** One promise for each socket that has not closed at both ends. */
  readonly #closing = new Set<Promise<void>>();
  /** The origin of the links to calls. */
  readonly origin: string;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    const { host, port, tls } = options.settings;
    const app = this.#app();
    this.#http = Deno.serve({
      hostname: host,
      port,
      ...(tls ? { cert: tls.cert, key: tls.key } : {}),
      onListen() {},
      onError: (error) => {
        options.log(`a request failed: ${error}`);
        return new Response("The server failed.", { status: 500 });
      },
    }, (request, info) => {
      const rejection = this.#check(request);
      if (rejection) {
        options.log(`rejected ${remote(info)}: ${rejection.code}: ${rejection.detail}`);
        return new Response(rejection.message, { status: 403, headers: SECURITY_HEADERS });
      }
      // Not one of Hono's routes: the response of an upgrade must go out unchanged.
      if (new URL(request.url).pathname === "/signal") return this.#signal(request, remote(info));
      return app.fetch(request);
    }) as Deno.HttpServer<Deno.NetAddr>;
    const address = {
      ...options.settings,
      announcedAddress: options.settings.announcedAddress,
      port: this.#http.addr.port,
      tls: tls !== undefined,
    } as const;
    this.#allowed = allowLists(address);
    this.origin = ownOrigin(address);
  }

  /** Resolves when every socket is closed; for the time after all goodbyes. */
  async socketsClosed(): Promise<void> {
    await Promise.all(this.#closing);
  }

  /** Stops listening. */
  async close(): Promise<void> {
    await this.#http.shutdown();
  }

  #app(): Hono {
    const app = new Hono();
    app.use(async (context, next) => {
      await next();
      for (const [name, value] of Object.entries(SECURITY_HEADERS)) context.header(name, value);
      const origin = context.req.header("origin");
      if (origin !== undefined) {
        // The origin is allowed, or #check would have rejected the request.
        context.header("access-control-allow-origin", origin);
        context.header("vary", "origin");
      }
    });
    for (const { path, type, text } of pageFiles) {
      app.get(path, (context) => context.body(text, 200, { "content-type": type }));
    }
    app.notFound((context) => context.text("There is nothing at this address.", 404));
    return app;
  }

  /** Rejects requests for another host name, and requests of foreign pages. */
  #check(request: Request): Rejection | undefined {
    const host = request.headers.get("host") ?? new URL(request.url).host;
    if (!this.#allowed.hosts.has(host.toLowerCase())) {
      return new Rejection("wrong-host", `Host ${JSON.stringify(host.slice(0, 100))}`);
    }
    const origin = request.headers.get("origin");
    const upgrade = request.headers.get("upgrade") !== null;
    // Browsers omit Origin where a person follows a link, and never with a WebSocket.
    if (origin === null && !upgrade) return undefined;
    if (origin === null || !this.#allowed.origins.has(origin.toLowerCase())) {
      return new Rejection("wrong-origin", `Origin ${JSON.stringify(origin?.slice(0, 100))}`);
    }
    return undefined;
  }

  #signal(request: Request, remote: string): Response {
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return new Response("This address is for WebSockets.", { status: 426 });
    }
    const { settings, clock, log } = this.#options;
    if (this.#closing.size >= settings.limits.sockets * MAX_CLOSING) {
      log(`rejected ${remote}: too-many-sockets: ${this.#closing.size} have not closed`);
      return new Response("The server has too many connections right now.", { status: 503 });
    }
    // Before the upgrade, which consumes the request.
    const { headers } = request;
    const sameMachine = isFromThisMachine({ remoteAddress: remote, headers, settings });
    const { socket: raw, response } = Deno.upgradeWebSocket(request);
    const closed = Promise.withResolvers<void>();
    this.#closing.add(closed.promise);
    raw.addEventListener("close", () => {
      this.#closing.delete(closed.promise);
      closed.resolve();
    });
    const socket = new Socket(raw, { clock, limits: settings.limits, remote, sameMachine, log });
    if (this.#sockets.size >= settings.limits.sockets) {
      const silent = this.#sockets.oldestSilent();
      if (silent === undefined) {
        raw.onopen = () => socket.reject(new Rejection("too-many-sockets"));
        return response;
      }
      silent.reject(new Rejection("too-many-sockets", "it had not said hello"));
    }
    this.#sockets.add(socket);
    const helloTimer = clock.schedule(
      () => socket.reject(new Rejection("hello-timeout")),
      settings.limits.helloMs,
    );
    socket.listen({
      onMessage: (message) => {
        helloTimer[Symbol.dispose]();
        this.#sockets.spoke(socket);
        this.#options.onFirstMessage(socket, message);
      },
      onEnd: () => helloTimer[Symbol.dispose](),
    });
    return response;
  }
}

function remote(info: Deno.ServeHandlerInfo): string {
  return info.remoteAddr.transport === "tcp" ? info.remoteAddr.hostname : "?";
}
