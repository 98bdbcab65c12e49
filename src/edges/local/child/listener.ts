/**
 * A listening port. Deno's `node:http` stops accepting connections for good, without an event, when a
 * process runs out of file descriptors once. So this looks whether connections still arrive, and opens
 * the port again when they do not.
 *
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket as TcpSocket } from "node:net";
import type { Buffer } from "node:buffer";
import { backOffMs, retry } from "../../../events/retry.ts";
import { sleep } from "../../../events/waiting.ts";
import { isWildcard } from "../wire/auth.ts";
import { MAX_REQUEST_BYTES, RequestGate } from "./request_gate.ts";

/** Limits of one HTTP connection. Pages are small, and come quickly or not at all. */
const HTTP_LIMITS = {
  /** Milliseconds for a request's headers, and for a whole request. */
  headersTimeout: 5000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1000,
  /** Milliseconds for which a connection may wait for its next request. */
  keepAliveTimeout: 5000,
  /** Milliseconds for the handshake of TLS. */
  handshakeTimeout: 5000,
  maxHeaderSize: MAX_REQUEST_BYTES,
};

/** Milliseconds without a connection after which the listener is tried. */
const WATCH_MS = 2000;
/** Milliseconds within which a connection must arrive. */
const ARRIVAL_MS = 1000;
/** Tries that must fail: after a busy second the first one may be late only. */
const TRIES = 2;

/** Options for a {@linkcode Listener}. */
export interface ListenerInit {
  host: string;
  /** 0 for a free one. */
  port: number;
  tls: { cert: string; key: string } | undefined;
  /** A TCP connection has arrived. */
  onConnection(tcp: TcpSocket): void;
  onRequest(request: IncomingMessage, response: ServerResponse): void;
  /** A request wants another protocol. */
  onUpgrade(request: IncomingMessage, tcp: TcpSocket, head: Buffer): void;
  /** A handler threw; its connection was ended. */
  onError(error: unknown): void;
  /** The listener has ended, or cannot be opened again yet. */
  onLost(error: Error): void;
}

/** A port that stays open. It works in the machine's own time, as the operating system does. */
export class Listener {
  /** The port that it listens on. */
  readonly port: number;
  readonly #options: ListenerInit;
  readonly #ending = new AbortController();
  #server: Server;
  /** How many connections have arrived. */
  #arrivals = 0;

  private constructor(options: ListenerInit) {
    this.#options = options;
    this.#server = this.#create();
    this.port = options.port;
  }

  /** Opens the port; rejects with the operating system's error. */
  static async open(options: ListenerInit): Promise<Listener> {
    const listener = new Listener(options);
    await listen(listener.#server, options);
    const { port } = listener.#server.address() as AddressInfo;
    (listener as { port: number }).port = port;
    void listener.#keepOpen();
    return listener;
  }

  /** Stops listening, and ends the connections that wait for a request. */
  close(): Promise<void> {
    this.#ending.abort();
    return close(this.#server);
  }

  #create(): Server {
    const { tls, onConnection, onRequest, onUpgrade, onError } = this.#options;
    const guard = (tcp: TcpSocket, handle: () => void): void => guarded(tcp, handle, onError);
    const server = tls
      ? createTlsServer({ ...HTTP_LIMITS, cert: tls.cert, key: tls.key })
      : createServer(HTTP_LIMITS);
    server.on("connection", (tcp: TcpSocket) => {
      this.#arrivals++;
      // A reset must not end the process.
      tcp.on("error", () => {});
      guard(tcp, () => onConnection(tcp));
    });
    const gates = new WeakMap<object, RequestGate>();
    server.on(tls ? "secureConnection" : "connection", (tcp: TcpSocket) => {
      gates.set(tcp, new RequestGate(tcp));
    });
    server.on("request", (request, response) => {
      gates.get(request.socket)?.respondsWith(response);
      guard(request.socket, () => onRequest(request, response));
    });
    server.on("upgrade", (request, tcp, head) => {
      gates.get(tcp)?.open();
      guard(tcp as TcpSocket, () => onUpgrade(request, tcp as TcpSocket, head));
    });
    // Half a request that took too long, or none.
    server.on("clientError", (_error, tcp) => void tcp.destroy());
    server.on("tlsClientError", (_error: Error, tcp: TcpSocket) => void tcp.destroy());
    return server;
  }

  async #keepOpen(): Promise<void> {
    const { onLost } = this.#options;
    const { signal } = this.#ending;
    try {
      for (;;) {
        const arrivals = this.#arrivals;
        await sleep(WATCH_MS, { signal });
        if (this.#arrivals > arrivals || await this.#accepts()) continue;
        onLost(new Error(`no connections arrive on port ${this.port} any more: opening it again`));
        await retry(() => this.#openAgain(), {
          signal,
          waitMs: (error, tries) => {
            onLost(error as Error);
            return backOffMs(tries, { firstMs: 100, maxMs: 5000 });
          },
        });
      }
    } catch {
      // It was closed: nothing else ends it.
    }
  }

  /** Returns whether a connection of ours arrives. */
  async #accepts(): Promise<boolean> {
    const { host } = this.#options;
    const { signal } = this.#ending;
    const to = !isWildcard(host) ? host : host === "::" ? "::1" : "127.0.0.1";
    for (let tries = 0; tries < TRIES; tries++) {
      const arrivals = this.#arrivals;
      const probe = connect({ host: to, port: this.port });
      // It may be the last straw itself.
      probe.on("error", () => {});
      try {
        for (let waited = 0; waited < ARRIVAL_MS; waited += 50) {
          await sleep(50, { signal });
          if (this.#arrivals > arrivals) return true;
        }
      } finally {
        probe.destroy();
      }
    }
    return false;
  }

  async #openAgain(): Promise<void> {
    void close(this.#server);
    const server = this.#create();
    await listen(server, { ...this.#options, port: this.port });
    this.#server = server;
    if (this.#ending.signal.aborted) await close(server);
  }
}

/**
 * Calls a handler, and ends the connection where it throws: what is thrown out of a callback of the
 * HTTP parser is printed to standard output, which carries the wire to the agent's program.
 */
function guarded(tcp: TcpSocket, handle: () => void, onError: (error: unknown) => void): void {
  try {
    handle();
  } catch (error) {
    tcp.destroy();
    onError(error);
  }
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.removeListener("error", reject);
      // What ends it later shows in the missing connections.
      server.on("error", () => {});
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}
