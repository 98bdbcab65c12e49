/**
 * npm's `ws`, typed as far as it is used: the package carries no types of its own.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Socket as TcpSocket } from "node:net";
import { WebSocketServer as Server } from "ws";
import type { RawSocket } from "./socket.ts";

/** Turns upgraded HTTP connections into WebSockets. */
export interface WebSocketServer {
  handleUpgrade(
    request: IncomingMessage,
    tcp: TcpSocket,
    head: Buffer,
    onOpen: (socket: RawSocket) => void,
  ): void;
}

/** Options for {@linkcode webSocketServer}. */
export interface WebSocketServerOptions {
  /** The most bytes of one message; a larger one closes the socket with code 1009. */
  maxPayload: number;
}

/** Creates one. */
export function webSocketServer({ maxPayload }: WebSocketServerOptions): WebSocketServer {
  const options = { noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload };
  return new (Server as new (given: typeof options) => WebSocketServer)(options);
}
