/** The socket by which a server hands out jobs to a worker. @module */
import { ServerMessage, WorkerMessage, WorkerPing } from "@livekit/protocol";
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
import { authorizedSocket, reasonOfRefusal } from "../wire/refused_socket.ts";

/** Time limit for opening, for the response to a registration, and for a reason. */
const STEP_MS = 5000;
/** Interval between signs of life, and the server's silence after which it counts as gone. */
const PING_MS = 5000;
const SILENCE_MS = 15_000;

/** A message of the server. */
export type FromServer = ServerMessage["message"];
/** A message of the worker. */
export type FromWorker = WorkerMessage["message"];

/** Options for {@linkcode WorkerSocket.open}. */
export interface WorkerSocketOptions {
  /** The node's address. */
  url: string;
  token: string;
  /** The registration. */
  register: FromWorker;
  /** A message after the response to the registration. */
  onMessage: (message: FromServer) => void;
  /** The server has said what time it has, in milliseconds since 1970. */
  onServerTime: (epochMs: number) => void;
  /** The socket ended; not called after {@linkcode WorkerSocket.close}. */
  onEnd: (end: SocketEnd) => void;
  /** Malformed messages came; called at most once a second. */
  onGarbage: (dropped: number) => void;
  signal: AbortSignal;
  clock: Clock;
  connect?: (url: string, token: string) => SocketPort;
  /** Asks the server why it refused. */
  fetch?: typeof fetch;
}

/** A worker's socket, once the server has registered the worker. */
export class WorkerSocket {
  readonly #socket: KeepaliveSocket;

  private constructor(socket: KeepaliveSocket) {
    this.#socket = socket;
  }

  /**
   * Opens a socket, and registers.
   *
   * @throws {EdgeError} the server refuses, cannot be reached, or does not respond in time.
   */
  static async open(options: WorkerSocketOptions): Promise<WorkerSocket> {
    const { url, token, register, onMessage, onEnd, signal, clock } = options;
    const connect = options.connect ?? authorizedSocket;
    const garbage = new DropCounter(clock, options.onGarbage);
    const registered = Promise.withResolvers<void>();
    registered.promise.catch(() => {});
    let isRegistered = false;
    let socket: KeepaliveSocket;
    try {
      socket = await KeepaliveSocket.open(`${url}/agent?protocol=1`, {
        name: "the server's socket for workers",
        openTimeoutMs: STEP_MS,
        keepalive: {
          intervalMs: PING_MS,
          message: () =>
            encode({
              case: "ping",
              value: new WorkerPing({ timestamp: BigInt(clock.epochMs()) }),
            }),
          silenceMs: SILENCE_MS,
        },
        onMessage: (data) => {
          const message = decode(data);
          if (message?.case === undefined) return garbage.add();
          if (message.case === "pong") return options.onServerTime(Number(message.value.timestamp));
          if (message.case !== "register") return onMessage(message);
          isRegistered = true;
          registered.resolve();
        },
        onEnd: (end) => {
          if (isRegistered && end.kind !== "closed") return onEnd(end);
          const text = "the server closed the socket instead of registering the worker";
          registered.reject(new ConnectionError(text, { code: "lost", retryable: true }));
        },
        signal,
        clock,
        connect: (address) => connect(address, token),
      });
    } catch (error) {
      if (signal.aborted || (error as EdgeError).code !== "unreachable") throw error;
      throw await reasonOf(options);
    }
    socket.send(encode(register));
    try {
      await waitFor(registered.promise, "registering", { timeoutMs: STEP_MS, signal, clock });
      return new WorkerSocket(socket);
    } catch (error) {
      // Not awaited: a socket without a response may not close in time either.
      socket.close();
      if (error instanceof EdgeError || signal.aborted) throw error;
      throw new ConnectionError(`the server did not register the worker within ${STEP_MS} ms`, {
        code: "timeout",
        retryable: true,
      });
    }
  }

  /** Sends a message; does nothing while the socket is not open. */
  send(message: FromWorker): void {
    this.#socket.send(encode(message));
  }

  /** Closes the socket: the server hands out no more jobs. */
  async close(): Promise<void> {
    await this.#socket.close();
  }
}

/** Asks the server why it refused. */
async function reasonOf(options: WorkerSocketOptions): Promise<unknown> {
  const { url, token, signal, clock } = options;
  const doing = "registering the worker";
  return await reasonOfRefusal(`${url.replace(/^ws/, "http")}/agent?protocol=1`, {
    doing,
    token,
    signal,
    clock,
    fetch: options.fetch,
    timeoutMs: STEP_MS,
    // One that lets the worker in asks for a socket: then only the socket had failed.
    explain: ({ status, message }) =>
      status === 401 || status === 403 || status === 404
        ? rejectionError(doing, { status, message })
        : rejectionError(`${doing}: the socket could not be opened`, {}),
  });
}

function encode(message: FromWorker): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new WorkerMessage({ message }).toBinary());
}

/** Returns the message in a frame; `undefined` for a malformed one. */
function decode(data: string | Uint8Array): FromServer | undefined {
  if (typeof data === "string") return undefined;
  try {
    return ServerMessage.fromBinary(data).message;
  } catch {
    return undefined;
  }
}
