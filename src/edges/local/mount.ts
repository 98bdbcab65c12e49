/**
 * A LocalEdge in the HTTP server of an application: one port for its own pages and the calls.
 *
 * The agent's program serves the page, whose files are no secret. Sockets go on to the media process,
 * which listens on the loopback alone then.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { connect, type Socket as TcpSocket } from "node:net";
import { checkMethods, shown } from "../../events/checks.ts";
import { isFromThisMachine, isLoopbackOrigin, plainAddress } from "./wire/auth.ts";
import { checkSource, isPagePath, pageApp, SIGNAL_PATH } from "./site/page_app.ts";
import { addressOf, type PageResponder, pageResponder } from "./site/respond.ts";
import { headersOf } from "./site/request_headers.ts";
import type { LocalSettings } from "./wire/settings.ts";

/** Options for `LocalEdge.handle`. */
export interface HandleOptions {
  /**
   * The origin by which browsers reach the server, e.g. `"https://example.org"`: links begin with it.
   * Default: the loopback, at the port on which the server listens.
   */
  origin?: string;
}

type RequestArguments = [IncomingMessage, ServerResponse];
type UpgradeArguments = [IncomingMessage, TcpSocket, Buffer];
type UpgradeDecision = (request: IncomingMessage) => boolean;
/** A server since Node 24.9: https://nodejs.org/api/http.html#httpcreateserveroptions-requestlistener */
type UpgradeDecider = { shouldUpgradeCallback?: UpgradeDecision };

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

/** Returns the page's response to a request; an edge that is not mounted has it too. */
export function pageResponse(
  origins: readonly string[],
  log: (line: string) => void,
): (request: Request) => Response {
  const app = pageApp({ allowed: accepted(origins), log });
  return ({ method, url, headers }) => {
    const page = app({ method, path: new URL(url).pathname, headers });
    return new Response(method === "HEAD" ? null : page.body, page);
  };
}

/** The servers in which an edge is mounted: a second one would never see a request. */
const mounted = new WeakSet<Server>();

/**
 * What an edge has added to a server. It stands before the server's `emit`, and leaves the handlers
 * where they are: the application, or a library such as `ws`, may add and remove some at any time.
 */
export class Mount {
  readonly #init: MountInit;
  readonly #origins: readonly string[];
  readonly #respond: PageResponder;
  /** The server's own method. */
  readonly #emit: Server["emit"];
  /** The server's own decision which requests are upgrades, in versions that ask. */
  readonly #isUpgrade: UpgradeDecision | undefined;
  #isClosed = false;

  /** Takes the page's requests, and its sockets, from the server's handlers. */
  constructor(init: MountInit) {
    const { server, origin, settings } = init;
    checkMethods(server, "server", "a server of node:http", ["on", "emit", "listeners", "address"]);
    if (mounted.has(server)) {
      throw new TypeError(
        "an edge is mounted in this server already: close it first, or use one edge for all calls",
      );
    }
    if (origin !== undefined) checkOrigin(origin);
    this.#init = init;
    this.#origins = [...settings.origins, ...(origin === undefined ? [] : [origin])];
    const { log } = init;
    this.#respond = pageResponder({
      app: pageApp({ allowed: accepted(this.#origins), log }),
      log,
    });
    this.#emit = server.emit;
    server.emit = this.#onEvent;
    // A server without any handler of this event cuts the connection.
    server.on("upgrade", ignore);
    const decider = server as UpgradeDecider;
    this.#isUpgrade = decider.shouldUpgradeCallback;
    if (this.#isUpgrade) decider.shouldUpgradeCallback = this.#shouldUpgrade;
    mounted.add(server);
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

  /** Leaves the server as it was. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { server } = this.#init;
    const decider = server as UpgradeDecider;
    // What another library has put before ours goes on to call ours, which only passes on now.
    if (server.emit === this.#onEvent) server.emit = this.#emit;
    if (decider.shouldUpgradeCallback === this.#shouldUpgrade) {
      decider.shouldUpgradeCallback = this.#isUpgrade!;
    }
    server.removeListener("upgrade", ignore);
    mounted.delete(server);
  }

  readonly #onEvent = (event: string | symbol, ...args: unknown[]): boolean => {
    if (!this.#isClosed) {
      if (event === "request" && this.#takeRequest(...args as RequestArguments)) return true;
      if (event === "upgrade" && this.#takeUpgrade(...args as UpgradeArguments)) return true;
    }
    return Reflect.apply(this.#emit, this.#init.server, [event, ...args]);
  };

  readonly #shouldUpgrade: UpgradeDecision = (request) => {
    const { server } = this.#init;
    if (!this.#isClosed) {
      if (isSignal(request)) return true;
      // Without handlers of its own, the application gets e.g. `Upgrade: h2c` as a request.
      if (!this.#hasUpgrades) return false;
    }
    return Reflect.apply(this.#isUpgrade!, server, [request]);
  };

  /** Whether the application has sockets of its own. */
  get #hasUpgrades(): boolean {
    return this.#init.server.listeners("upgrade").some((handler) => handler !== ignore);
  }

  #takeRequest(request: IncomingMessage, response: ServerResponse): boolean {
    const url = addressOf(request);
    if (url && isPagePath(url.pathname)) {
      this.#respond(request, response);
      return true;
    }
    if (this.#init.server.listenerCount("request") > 0) return false;
    response.writeHead(404, { "content-type": "text/plain" });
    response.end("There is nothing at this address.");
    return true;
  }

  #takeUpgrade(request: IncomingMessage, tcp: TcpSocket, head: Buffer): boolean {
    if (isSignal(request)) this.#connect(request, tcp, head);
    else if (this.#hasUpgrades) return false;
    else refuse(tcp, "404 Not Found");
    return true;
  }

  #connect(request: IncomingMessage, tcp: TcpSocket, head: Buffer): void {
    tcp.on("error", ignore);
    const headers = headersOf(request);
    if (!headers) return refuse(tcp, "431 Request Header Fields Too Large");
    const rejection = checkSource(headers, accepted(this.#origins));
    if (rejection) {
      this.#init.log(`rejected a socket: ${rejection.code}: ${rejection.detail}`);
      return refuse(tcp, "403 Forbidden");
    }
    const port = this.#init.port();
    if (port === undefined) return refuse(tcp, "503 Service Unavailable");
    this.#forward({ request, tcp, head, headers, port });
  }

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

function ignore(): void {}

function isSignal(request: IncomingMessage): boolean {
  return /^websocket$/i.test(request.headers.upgrade ?? "") &&
    addressOf(request)?.pathname === SIGNAL_PATH;
}

function checkOrigin(origin: unknown): void {
  const url = URL.parse(String(origin));
  if (typeof origin !== "string" || !/^https?:$/.test(url?.protocol ?? "")) {
    throw new TypeError(`origin: expected one like "https://example.org", got ${shown(origin)}`);
  }
  if (url!.href === `${url!.origin}/`) return;
  throw new TypeError(
    `origin: expected one like "${url!.origin}", got ${shown(origin)}: the page has no prefix, ` +
      "its paths are the server's /call/TYPE/ID, /signal and its files",
  );
}

function refuse(tcp: TcpSocket, status: string): void {
  tcp.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => {
    tcp.destroy();
  });
}
