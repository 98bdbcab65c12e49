/**
 * A LocalEdge in the HTTP server of an application: one port for its own pages and the calls.
 *
 * The agent's program serves the page, whose files are no secret. Sockets go on to the media process,
 * which listens on the loopback alone then.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { connect, type Socket as TcpSocket } from "node:net";
import { checkMethods } from "../../events/checks.ts";
import { messageOf } from "../../events/error_text.ts";
import { isFromThisMachine, isLoopbackOrigin, plainAddress } from "./wire/auth.ts";
import { checkSource, isPagePath, pageApp, SIGNAL_PATH } from "./site/page_app.ts";
import type { LocalSettings } from "./wire/settings.ts";

/** Options for `LocalEdge.handle`. */
export interface HandleOptions {
  /**
   * The origin by which browsers reach the server, e.g. `"https://example.org"`: links begin with it.
   * Default: the loopback, at the port on which the server listens.
   */
  origin?: string;
}

type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Options for a {@linkcode Mount}. */
export interface MountInit extends HandleOptions {
  server: Server;
  settings: LocalSettings;
  /** The port of the media process; `undefined` while none runs. */
  port(): number | undefined;
  log(line: string): void;
}

/** The names of this machine's loopback, at any port, and the origins that the options name. */
function accepted(origins: readonly string[]) {
  const given = new Set(origins.map((one) => new URL(one).origin));
  const hosts = new Set([...given].map((one) => new URL(one).host));
  return {
    origins: { has: (origin: string) => given.has(origin) || isLoopbackOrigin(origin) },
    hosts: { has: (host: string) => hosts.has(host) || isLoopbackOrigin(`http://${host}`) },
  };
}

/** Returns the page's answer to a request; an edge that is not mounted has it too. */
export function pageResponse(
  origins: readonly string[],
  log: (line: string) => void,
): (request: Request) => Promise<Response> {
  const app = pageApp({ allowed: accepted(origins), log });
  return async (request) => await app.fetch(request);
}

/** What an edge has added to a server. */
export class Mount {
  readonly #init: MountInit;
  readonly #origins: readonly string[];
  readonly #app: (request: Request) => Promise<Response>;
  /** The application's own handlers, which get all other requests. */
  readonly #others: readonly RequestHandler[];

  /** Takes the page's requests from the server's handlers, and its sockets. */
  constructor(init: MountInit) {
    const { server, origin, settings } = init;
    checkMethods(server, "server", "a server of node:http", ["on", "listeners", "address"]);
    this.#init = init;
    if (origin !== undefined && !/^https?:$/.test(URL.parse(origin)?.protocol ?? "")) {
      throw new TypeError(`origin must be like "https://example.org", got "${origin}"`);
    }
    this.#origins = [...settings.origins, ...(origin === undefined ? [] : [origin])];
    this.#app = pageResponse(this.#origins, init.log);
    this.#others = server.listeners("request") as RequestHandler[];
    server.removeAllListeners("request");
    server.on("request", this.#onRequest);
    server.on("upgrade", this.#onUpgrade);
  }

  /** The origin of links; throws while the server does not listen. */
  get origin(): string {
    const { server, origin } = this.#init;
    if (origin !== undefined) return new URL(origin).origin;
    const address = server.address();
    if (typeof address !== "object" || address === null) {
      throw new TypeError("the server does not listen on a port: await that, or pass origin");
    }
    const scheme = "setSecureContext" in server ? "https" : "http";
    return `${scheme}://127.0.0.1:${address.port}`;
  }

  /** Returns its handlers to the server. */
  close(): void {
    const { server } = this.#init;
    server.removeListener("request", this.#onRequest);
    server.removeListener("upgrade", this.#onUpgrade);
    for (const other of this.#others) server.on("request", other);
  }

  readonly #onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const url = URL.parse(request.url ?? "/", "http://page");
    if (url && isPagePath(url.pathname)) return void this.#respond(url, request, response);
    for (const other of this.#others) other.call(this.#init.server, request, response);
    if (this.#others.length > 0) return;
    response.writeHead(404, { "content-type": "text/plain" });
    response.end("There is nothing at this address.");
  };

  async #respond(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { method = "GET" } = request;
      const answer = await this.#app(new Request(url, { method, headers: headersOf(request) }));
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      response.end(Buffer.from(await answer.arrayBuffer()));
    } catch (error) {
      this.#init.log(`a request failed: ${messageOf(error)}`);
      response.destroy();
    }
  }

  readonly #onUpgrade = (request: IncomingMessage, tcp: TcpSocket, head: Buffer): void => {
    const { server, log } = this.#init;
    if (URL.parse(request.url ?? "/", "http://page")?.pathname !== SIGNAL_PATH) {
      // One of the application's own, if it has any.
      if (server.listenerCount("upgrade") === 1) refuse(tcp, "404 Not Found");
      return;
    }
    tcp.on("error", () => {});
    const headers = headersOf(request);
    const rejection = checkSource(headers, accepted(this.#origins));
    if (rejection) {
      log(`rejected a socket: ${rejection.code}: ${rejection.detail}`);
      return refuse(tcp, "403 Forbidden");
    }
    const port = this.#init.port();
    if (port === undefined) return refuse(tcp, "503 Service Unavailable");
    this.#forward({ request, tcp, head, headers, port });
  };

  /** Passes a socket on to the media process, with the names by which that knows itself. */
  #forward({ request, tcp, head, headers, port }: {
    request: IncomingMessage;
    tcp: TcpSocket;
    head: Buffer;
    headers: Headers;
    port: number;
  }): void {
    const remoteAddress = plainAddress(tcp.remoteAddress);
    const isNear = isFromThisMachine({ remoteAddress, headers, settings: this.#init.settings });
    const host = `127.0.0.1:${port}`;
    const lines = [`GET ${SIGNAL_PATH} HTTP/1.1`, `Host: ${host}`, `Origin: http://${host}`];
    for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
      const name = request.rawHeaders[at]!;
      if (!/^(host|origin)$/i.test(name)) lines.push(`${name}: ${request.rawHeaders[at + 1]}`);
    }
    // Seen from there all sockets come from this machine: this says which do not.
    if (!isNear) lines.push(`X-Forwarded-For: ${remoteAddress}`);
    const inner = connect({ host: "127.0.0.1", port });
    inner.on("error", () => tcp.destroy());
    inner.on("close", () => tcp.destroy());
    tcp.on("close", () => inner.destroy());
    inner.setNoDelay(true);
    tcp.setNoDelay(true);
    inner.write(`${lines.join("\r\n")}\r\n\r\n`);
    if (head.length > 0) inner.write(head);
    inner.pipe(tcp);
    tcp.pipe(inner);
  }
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
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

function refuse(tcp: TcpSocket, status: string): void {
  tcp.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => {
    tcp.destroy();
  });
}
