/** The server of a double that streams over WebSockets: acts, refusals, and how it breaks off. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "npm:ws@8.23.0";
import type { ServiceAct } from "../../../src/testing/conformance/models/service_act.ts";
import { sleep } from "../../../src/events/waiting.ts";

/** A socket of a client, as far as doubles use it. */
export interface ClientSocket {
  send(data: string | Uint8Array): void;
  send(data: string | Uint8Array, options: { fin: boolean; binary?: boolean }): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
  on(event: "message", listener: (data: Uint8Array, isBinary: boolean) => void): void;
  on(event: "close", listener: () => void): void;
}

/** What a double does with one connection. */
export type Serve<Act> = (connection: ServedConnection<Act>) => void;

/** A connection of a client. */
export class ServedConnection<Act> {
  readonly url: URL;
  readonly socket: ClientSocket;
  readonly headers: IncomingMessage["headers"];
  readonly #service: SocketService<Act & ServiceAct>;
  readonly #gone = new AbortController();

  constructor(
    service: SocketService<Act & ServiceAct>,
    socket: ClientSocket,
    request: IncomingMessage,
  ) {
    this.#service = service;
    this.socket = socket;
    this.url = new URL(request.url!, "http://127.0.0.1");
    this.headers = request.headers;
    socket.on("close", () => this.#gone.abort());
  }

  get act(): Act {
    return this.#service.act as Act;
  }

  /** Goes on to the next act. */
  next(): void {
    this.#service.next();
  }

  /** Sends a message, kept with all that was said. */
  send(message: object | string): void {
    const text = typeof message === "string" ? message : JSON.stringify(message);
    this.#service.sent.push(message);
    if (!this.#service.act.byByte) return this.socket.send(text);
    // A message in fragments, cut also within a character.
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; at++) {
      this.socket.send(bytes.slice(at, at + 1), { fin: at + 1 === bytes.length, binary: false });
    }
  }

  /** Waits; throws when the client is gone. */
  async pause(ms: number, signal?: AbortSignal): Promise<void> {
    const any = AbortSignal.any([this.#gone.signal, ...signal ? [signal] : []]);
    if (ms > 0) await sleep(ms, { signal: any });
    any.throwIfAborted();
  }

  /** Does something that may take time; that the client is gone is no failure. */
  run(act: () => Promise<void>): void {
    void act().catch((error) => {
      if (error?.name !== "AbortError") throw error;
    });
  }
}

/** A server that refuses, or serves a socket. */
export class SocketService<Act extends ServiceAct> implements AsyncDisposable {
  /** All messages of the clients that are text, read as JSON where they are that. */
  readonly received: unknown[] = [];
  /** All messages that were sent. */
  readonly sent: unknown[] = [];
  requests = 0;
  readonly connections = new Set<ServedConnection<Act>>();
  readonly #acts: Act[];
  readonly #server: Server;

  private constructor(acts: readonly Act[], serve: Serve<Act>) {
    this.#acts = [...acts];
    const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    this.#server = createServer((_request, response) => void response.writeHead(404).end());
    this.#server.on("upgrade", (request: IncomingMessage, tcp, head) => {
      this.requests++;
      const { status, message = "", retryAfter } = this.act;
      if (status !== undefined) {
        this.next();
        const body = JSON.stringify({ err_code: "REFUSED", err_msg: message });
        const after = retryAfter === undefined ? "" : `retry-after: ${retryAfter}\r\n`;
        tcp.end(
          `HTTP/1.1 ${status} Refused\r\ncontent-type: application/json\r\n${after}` +
            `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
        );
        return;
      }
      sockets.handleUpgrade(request, tcp, head, (socket: ClientSocket) => {
        const connection = new ServedConnection<Act>(this as never, socket, request);
        this.connections.add(connection);
        socket.on("close", () => this.connections.delete(connection));
        socket.on("message", (data, isBinary) => {
          if (!isBinary) this.received.push(read(data.toString()));
        });
        serve(connection);
      });
    });
  }

  /** Starts one on the loopback. */
  static async start<Act extends ServiceAct>(
    acts: readonly Act[],
    serve: Serve<Act>,
  ): Promise<SocketService<Act>> {
    const service = new SocketService(acts, serve);
    await new Promise<void>((resolve) => service.#server.listen(0, "127.0.0.1", resolve));
    return service;
  }

  get act(): Act {
    return this.#acts[0] ?? {} as Act;
  }

  next(): void {
    if (this.#acts.length > 1) this.#acts.shift();
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.connections) socket.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
