/**
 * The socket to a server: binary messages, the response to a join within a time limit, signs of life.
 *
 * @module
 */
import {
  DisconnectReason,
  LeaveRequest,
  LeaveRequest_Action,
  Ping,
  SignalRequest,
  SignalResponse,
} from "@livekit/protocol";
import {
  type Clock,
  ConnectionError,
  DropCounter,
  EdgeError,
  KeepaliveSocket,
  rejectionError,
  type SocketEnd,
  type SocketPort,
  waitFor,
} from "@ringline/edge/toolkit";
import { authorizedSocket, reasonOfRefusal } from "../../wire/refused_socket.ts";
import { leaveError } from "./leaving.ts";

/** Time limit for opening, and for the first message. */
const OPEN_MS = 5000;
/** The longest interval between two pings: servers end a socket without one for 15 s. */
const PING_MS = 5000;

/** A message of the server. */
export type ServerMessage = SignalResponse["message"];
/** A message of the client. */
export type ClientMessage = SignalRequest["message"];

/** Options for {@linkcode SignalSocket.open}. */
export interface SignalSocketOptions {
  /** The address, with the request in it. */
  url: string;
  token: string;
  silenceMs: number;
  /** A message after the first one. */
  onMessage: (message: ServerMessage) => void;
  /** The socket ended; not called after {@linkcode SignalSocket.close}. */
  onEnd: (end: SocketEnd) => void;
  /** Malformed messages came; called at most once a second. */
  onGarbage: (dropped: number) => void;
  signal?: AbortSignal;
  clock: Clock;
  connect?: (url: string, token: string) => SocketPort;
  /** Asks the server why it refused. */
  fetch?: typeof fetch;
}

/** A server's socket that was let in. */
export class SignalSocket {
  /** The server's first message: `join`, or to one who resumes anything but `leave`. */
  readonly first: ServerMessage;
  readonly #socket: KeepaliveSocket;

  private constructor(socket: KeepaliveSocket, first: ServerMessage) {
    this.#socket = socket;
    this.first = first;
  }

  /**
   * Opens a socket, and waits for the first message.
   *
   * @throws {EdgeError} the server refuses, cannot be reached, or does not respond within 5 s.
   */
  static async open(options: SignalSocketOptions): Promise<SignalSocket> {
    const { url, token, clock, signal, silenceMs, onMessage, onEnd } = options;
    const connect = options.connect ?? authorizedSocket;
    const first = Promise.withResolvers<ServerMessage>();
    first.promise.catch(() => {});
    const garbage = new DropCounter(clock, options.onGarbage);
    let isFirst = true;
    let rttMs = 0;
    let socket: KeepaliveSocket;
    try {
      socket = await KeepaliveSocket.open(url, {
        name: "the server's socket",
        openTimeoutMs: OPEN_MS,
        keepalive: {
          intervalMs: Math.min(PING_MS, silenceMs / 3),
          message: () =>
            encode({
              case: "pingReq",
              value: new Ping({ timestamp: BigInt(clock.epochMs()), rtt: BigInt(rttMs) }),
            }),
          silenceMs,
        },
        onMessage: (data) => {
          const message = decode(data);
          if (message?.case === undefined) return garbage.add();
          if (message.case === "pongResp") {
            rttMs = Math.max(
              0,
              Math.round(clock.epochMs() - Number(message.value.lastPingTimestamp)),
            );
            return;
          }
          if (!isFirst) return onMessage(message);
          isFirst = false;
          if (message.case === "leave") first.reject(leaveError(message.value));
          else first.resolve(message);
        },
        onEnd: (end) => {
          if (!isFirst && end.kind !== "closed") return onEnd(end);
          const text = "the server closed the socket right after it was opened";
          first.reject(new ConnectionError(text, { code: "lost", retryable: true }));
        },
        signal,
        clock,
        connect: (address) => connect(address, token),
      });
    } catch (error) {
      if (signal?.aborted || (error as EdgeError).code !== "unreachable") throw error;
      throw await reasonOf(options, error);
    }
    try {
      const wait = { timeoutMs: OPEN_MS, signal, clock };
      return new SignalSocket(socket, await waitFor(first.promise, "the server's response", wait));
    } catch (error) {
      // Not awaited: a socket without a response may not close in time either.
      socket.close();
      if (error instanceof EdgeError || signal?.aborted) throw error;
      throw new ConnectionError(`the server did not respond within ${OPEN_MS} ms`, {
        code: "timeout",
        retryable: true,
      });
    }
  }

  /** Whether the socket is open. */
  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  /** Sends a message; does nothing while the socket is not open. */
  send(message: ClientMessage): void {
    this.#socket.send(encode(message));
  }

  /** Leaves the room, and closes the socket. */
  async leave(): Promise<void> {
    const value = new LeaveRequest({
      reason: DisconnectReason.CLIENT_INITIATED,
      action: LeaveRequest_Action.DISCONNECT,
    });
    this.send({ case: "leave", value });
    await this.#socket.close();
  }

  /** Closes the socket, and stays in the room for as long as the server waits. */
  async close(): Promise<void> {
    await this.#socket.close();
  }
}

/** Asks the server why it refused. */
async function reasonOf(options: SignalSocketOptions, error: unknown): Promise<unknown> {
  const { url, token, signal, clock } = options;
  const doing = "joining the room";
  const address = url.replace(/^ws/, "http").replace("/rtc/v1?", "/rtc/v1/validate?");
  return await reasonOfRefusal(address, {
    doing,
    token,
    signal,
    clock,
    fetch: options.fetch,
    timeoutMs: OPEN_MS,
    explain: ({ ok, status, message }) => ok ? error : rejectionError(doing, { status, message }),
  });
}

function encode(message: ClientMessage): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new SignalRequest({ message }).toBinary());
}

/** Returns the message in a frame; `undefined` for a malformed one. */
function decode(data: string | Uint8Array): ServerMessage | undefined {
  if (typeof data === "string") return undefined;
  try {
    return SignalResponse.fromBinary(data).message;
  } catch {
    return undefined;
  }
}
