/**
 * The HTTP server: the page's files, and the sockets that pages signal over.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Socket as TcpSocket } from "node:net";
import type { Clock } from "../../../events/clock.ts";
import {
  type AllowLists,
  allowLists,
  isFromThisMachine,
  isLoopback,
  ownOrigin,
  plainAddress,
} from "../wire/auth.ts";
import { AddressList } from "../wire/address_list.ts";
import { messageOf } from "../../../events/error_text.ts";
import { Rejection } from "../wire/rejection.ts";
import type { LocalSettings } from "../wire/settings.ts";
import type { ClientMessage } from "../wire/signalling.ts";
import { Connections } from "./connections.ts";
import { BYTES_PER_UNIT, FrameLimit } from "./frame_limit.ts";
import { Listener } from "./listener.ts";
import { checkSource, pageApp, SIGNAL_PATH } from "../site/page_app.ts";
import { addressOf, pageResponder } from "../site/respond.ts";
import { headersOf } from "../site/request_headers.ts";
import { type RawSocket, Socket } from "./socket.ts";
import { webSocketServer } from "./ws.ts";

/** What {@linkcode HttpServer} needs. */
export interface HttpServerInit {
  settings: LocalSettings;
  clock: Clock;
  /** Receives lines about rejections and failures. */
  log(line: string): void;
  /** The port was lost and is opened again, or cannot be opened yet. */
  onLost(error: Error): void;
  /** Handles a socket's first message; rejects with a `Rejection` to turn the page away. */
  onFirstMessage(socket: Socket, message: ClientMessage): Promise<void>;
}

/** A running server. */
export class HttpServer {
  readonly #options: HttpServerInit;
  readonly #listener: Listener;
  readonly #allowed: AllowLists;
  readonly #connections: Connections;
  readonly #webSockets;
  /** One promise for each socket that has not closed at both ends. */
  readonly #closing = new Set<Promise<void>>();
  /** The origin of the links to calls. */
  readonly origin: string;

  private constructor(options: HttpServerInit, listener: Listener) {
    const { settings, clock } = options;
    const { limits } = settings;
    const { host, tls, announcedAddress, origins } = front(settings);
    this.#options = options;
    this.#listener = listener;
    const address = {
      host,
      announcedAddress,
      origins,
      port: listener.port,
      tls: tls !== undefined,
    };
    this.#allowed = allowLists(address);
    this.origin = ownOrigin(address);
    const proxies = new AddressList(settings.proxies, "proxies");
    this.#connections = new Connections({
      clock,
      most: limits.sockets,
      mostPerAddress: limits.socketsPerAddress,
      isShared: (remote) => isLoopback(remote) || proxies.has(remote),
    });
    this.#webSockets = webSocketServer({ maxPayload: limits.messageSize * BYTES_PER_UNIT });
  }

  /** Listens; rejects with the operating system's error. */
  static async open(options: HttpServerInit): Promise<HttpServer> {
    const { settings, onLost } = options;
    const { port } = settings;
    const { host, tls } = front(settings);
    const listener = await Listener.open({
      host,
      port,
      tls,
      onLost,
      onError: (error) => options.log(`a connection failed: ${messageOf(error)}`),
      // No connection arrives before this function has continued.
      onConnection: (tcp) => server.#connect(tcp),
      onRequest: (request, response) => respond(request, response),
      onUpgrade: (request, tcp, head) => server.#upgrade(request, tcp, head),
    });
    const server = new HttpServer(options, listener);
    const respond = pageResponder({
      app: pageApp({ allowed: server.#allowed, log: options.log }),
      log: options.log,
    });
    return server;
  }

  /** Resolves when every socket is closed; for the time after all goodbyes. */
  async socketsClosed(): Promise<void> {
    await Promise.all(this.#closing);
  }

  /** Stops listening and ends all connections. */
  async close(): Promise<void> {
    const closed = this.#listener.close();
    this.#connections.destroyAll();
    await closed;
  }

  #connect(tcp: TcpSocket): void {
    if (tcp.destroyed) return;
    this.#connections.add(idOf(tcp), tcp, plainAddress(tcp.remoteAddress));
  }

  #upgrade(request: IncomingMessage, tcp: TcpSocket, head: Buffer): void {
    const headers = headersOf(request);
    if (!headers) return refuse(tcp, "431 Request Header Fields Too Large", "");
    const remote = plainAddress(tcp.remoteAddress);
    const rejection = checkSource(headers, this.#allowed);
    if (rejection) {
      this.#options.log(`rejected ${remote}: ${rejection.code}: ${rejection.detail}`);
      return refuse(tcp, "403 Forbidden", rejection.message);
    }
    if (addressOf(request)?.pathname !== SIGNAL_PATH) {
      return refuse(tcp, "404 Not Found", "There is no WebSocket at this address.");
    }
    this.#webSockets.handleUpgrade(request, tcp, head, (raw) => {
      const { settings } = this.#options;
      const sameMachine = isFromThisMachine({ remoteAddress: remote, headers, settings });
      this.#signal(raw, tcp, { remote, sameMachine });
    });
  }

  #signal(
    raw: RawSocket,
    tcp: TcpSocket,
    { remote, sameMachine }: { remote: string; sameMachine: boolean },
  ): void {
    const { settings: { limits }, clock, log } = this.#options;
    const connections = this.#connections;
    const id = idOf(tcp);
    const socket = new Socket(raw, { clock, limits, remote, sameMachine, log });
    const closed = Promise.withResolvers<void>();
    this.#closing.add(closed.promise);
    tcp.on("close", () => {
      this.#closing.delete(closed.promise);
      closed.resolve();
    });
    connections.upgraded(
      id,
      () => socket.reject(new Rejection("too-many-sockets", "it had not said hello")),
    );
    const helloTimer = clock.schedule(
      () => socket.reject(new Rejection("hello-timeout")),
      limits.helloMs,
    );
    const limit = new FrameLimit(clock, limits);
    let isWelcome = false;
    void socket.ended.then(() => {
      limit.finish();
      helloTimer[Symbol.dispose]();
      connections.closing(id);
    });
    // Before the WebSocket's parser, which gets the same piece.
    tcp.prependListener("data", (piece: Buffer) => {
      if (limit.take(piece)) return;
      // It ends with the first of these bytes.
      piece.fill(0);
      socket.reject(new Rejection(isWelcome ? "too-many-messages" : "message-too-large"));
      tcp.destroy();
    });
    socket.listen({
      onMessage: (message) => {
        // A page says no more before it is welcome.
        socket.listen({ onMessage() {}, onEnd() {} });
        this.#options.onFirstMessage(socket, message).then(() => {
          helloTimer[Symbol.dispose]();
          if (!socket.isOpen) return;
          isWelcome = true;
          limit.admit();
          connections.admit(id);
        }, (error) => socket.fail(error));
      },
      onEnd() {},
    });
  }
}

/** The names of the server: behind an application's, which has checked the page's, the loopback's. */
function front(
  { mounted, host, tls, announcedAddress, origins }: LocalSettings,
): Pick<LocalSettings, "host" | "tls" | "announcedAddress" | "origins"> {
  if (mounted) {
    return { host: "127.0.0.1", tls: undefined, announcedAddress: undefined, origins: [] };
  }
  return { host, tls, announcedAddress, origins };
}

/** A TCP connection has the same id as the TLS connection on it. */
function idOf({ remoteAddress, remotePort }: TcpSocket): string {
  return `${remoteAddress} ${remotePort}`;
}

function refuse(tcp: TcpSocket, status: string, message: string): void {
  tcp.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${message.length}\r\n\r\n${message}`,
    () => tcp.destroy(),
  );
}
