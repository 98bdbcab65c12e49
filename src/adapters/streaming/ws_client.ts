/**
 * npm's `ws` as a client, typed as far as it is used: the package carries no types of its own. Unlike
 * the runtime's `WebSocket` it tells why a service refuses, and can be ended without its consent.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";

/** An open or opening socket. */
export interface WsClient {
  /** Bytes that the network has not taken yet. */
  readonly bufferedAmount: number;
  send(data: string | Uint8Array): void;
  close(code?: number): void;
  /** Asks for a sign of life. */
  ping(): void;
  /** Ends the socket immediately. */
  terminate(): void;
  on(event: "open", listener: () => void): void;
  on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): void;
  /** The service responded, but not with a socket; without a listener it is an error. */
  on(
    event: "unexpected-response",
    listener: (request: unknown, response: IncomingMessage) => void,
  ): void;
  /** The answer to a ping. */
  on(event: "pong", listener: () => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  /** Comes last, once. */
  on(event: "close", listener: (code: number, reason: Buffer) => void): void;
}

/** Begins to open a socket. */
export type OpenWs = (url: URL, headers: Readonly<Record<string, string>>) => WsClient;

/**
 * Loads the package, and returns what opens sockets with it. It reads environment variables when it is
 * loaded: a program that uses no such service needs no permission for them.
 */
export async function loadWs(): Promise<OpenWs> {
  const { WebSocket } = await import("ws");
  const Client = WebSocket as new (url: URL, given: object) => WsClient;
  return (url, headers) => {
    const options = { headers, perMessageDeflate: false, maxPayload: 16 * 1024 * 1024 };
    return new Client(url, options);
  };
}
