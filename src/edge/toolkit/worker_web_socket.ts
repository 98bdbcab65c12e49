/**
 * A WebSocket that can be abandoned. Deno's own ends only when the other side agrees, and until then
 * keeps the program from ending (denoland/deno#36337): a peer that the network lost would keep it
 * forever. This one lives in a worker, which can be ended at any time.
 *
 * @module
 */
import { type Clock, systemClock } from "../../events/clock.ts";
import { checkOptions } from "../../events/checks.ts";
import type { SocketPort } from "./keepalive_socket.ts";

/** How long the other side may take for its part of closing. */
const CLOSE_TIMEOUT_MS = 500;

/** Options for a {@linkcode WorkerWebSocket}. */
export interface WorkerWebSocketOptions {
  /** Sent with the request that opens the socket, e.g. `authorization`. */
  headers?: Record<string, string>;
  /** Default: the system's clock. */
  clock?: Clock;
}

/** A command to the worker. */
type Command =
  | { connect: string; headers: Record<string, string> }
  | { send: string | Uint8Array<ArrayBuffer> }
  | { close: number | undefined };
/** A message of the worker; `taken` is how much of what was sent the network has taken. */
type WorkerMessage =
  | { opened: true }
  | { data: string | ArrayBuffer }
  | { taken: number }
  | { failure: string; isForbidden: boolean }
  | { code: number; reason: string };

/**
 * A WebSocket in a worker of its own, for {@linkcode KeepaliveSocketOptions.connect}. `onclose`
 * follows on `close()` within half a second, whatever the other side does.
 */
export class WorkerWebSocket implements SocketPort {
  readonly #worker = new Worker(WORKER, { type: "module" });
  readonly #clock: Clock;
  #timer: Disposable | undefined;
  #sent = 0;
  #taken = 0;
  /** As a `WebSocket`'s. */
  readyState: number = WebSocket.CONNECTING;
  /** Binary messages come as `ArrayBuffer` whatever is set. */
  binaryType: BinaryType = "arraybuffer";
  /** Called when messages can be sent. */
  onopen: SocketPort["onopen"] = null;
  /** Called with each message. */
  onmessage: SocketPort["onmessage"] = null;
  /** Called with what went wrong; `onclose` follows. */
  onerror: SocketPort["onerror"] = null;
  /** Called at the end, once. */
  onclose: SocketPort["onclose"] = null;

  /** Begins to open a socket. */
  constructor(url: string, options: WorkerWebSocketOptions = {}) {
    checkOptions(options, "options", { headers: true, clock: true });
    const { headers = {}, clock = systemClock } = options;
    this.#clock = clock;
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(event.message, undefined);
      this.#closed(1006, "");
    };
    this.#command({ connect: url, headers });
  }

  /** Bytes of what was sent that the network has not taken yet. */
  get bufferedAmount(): number {
    return this.#sent - this.#taken;
  }

  /** Sends a message; does nothing while the socket is not open. */
  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (this.readyState !== WebSocket.OPEN) return;
    this.#sent += data.length;
    this.#command({ send: data });
  }

  /** Closes the socket, and ends it where the other side does not do its part in time. */
  close(code?: number): void {
    if (this.readyState >= WebSocket.CLOSING) return;
    this.readyState = WebSocket.CLOSING;
    this.#command({ close: code });
    this.#timer = this.#clock.schedule(() => this.#closed(1006, ""), CLOSE_TIMEOUT_MS);
  }

  #command(command: Command): void {
    this.#worker.postMessage(command);
  }

  #receive(message: WorkerMessage): void {
    if ("data" in message) {
      this.onmessage?.(new MessageEvent("message", { data: message.data }));
    } else if ("taken" in message) {
      this.#taken = message.taken;
    } else if ("failure" in message) {
      const { failure, isForbidden } = message;
      this.#fail(failure, isForbidden ? new Deno.errors.NotCapable(failure) : undefined);
    } else if ("code" in message) {
      this.#closed(message.code, message.reason);
    } else if (this.readyState === WebSocket.CONNECTING) {
      this.readyState = WebSocket.OPEN;
      this.onopen?.(new Event("open"));
    }
  }

  #fail(message: string, error: Error | undefined): void {
    this.onerror?.(new ErrorEvent("error", { message, error, cancelable: true }));
  }

  #closed(code: number, reason: string): void {
    if (this.readyState === WebSocket.CLOSED) return;
    this.readyState = WebSocket.CLOSED;
    this.#timer?.[Symbol.dispose]();
    this.#worker.terminate();
    this.onclose?.(new CloseEvent("close", { code, reason }));
  }
}

/** The worker's program. It must use nothing from outside: the worker gets its source alone. */
function work(port: {
  postMessage(message: WorkerMessage): void;
  onmessage: ((event: MessageEvent<Command>) => void) | null;
}): void {
  let socket: WebSocket | undefined;
  let sent = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const reportTaken = (): void => {
    const waiting = socket!.bufferedAmount;
    timer = waiting > 0 ? setTimeout(reportTaken, 20) : undefined;
    port.postMessage({ taken: sent - waiting });
  };
  const connect = (url: string, headers: Record<string, string>): WebSocket => {
    const created = new WebSocket(url, { headers });
    created.binaryType = "arraybuffer";
    created.onopen = () => port.postMessage({ opened: true });
    created.onmessage = ({ data }) => port.postMessage({ data });
    // The close event that follows says that it is over, and only this one why.
    created.onerror = (event) => {
      const failure = event instanceof ErrorEvent ? event.message : "";
      port.postMessage({ failure, isForbidden: false });
    };
    created.onclose = ({ code, reason }) => port.postMessage({ code, reason });
    return created;
  };
  port.onmessage = ({ data: command }) => {
    try {
      if ("connect" in command) socket = connect(command.connect, command.headers);
      else if ("close" in command) socket?.close(command.close);
      else if (socket?.readyState === WebSocket.OPEN) {
        socket.send(command.send);
        sent += command.send.length;
        if (timer === undefined) reportTaken();
      }
    } catch (error) {
      const isForbidden = error instanceof Deno.errors.NotCapable;
      const failure = error instanceof Error ? error.message : String(error);
      port.postMessage({ failure, isForbidden });
      port.postMessage({ code: 1006, reason: "" });
    }
  };
}

/** A file of its own would have to be read, which a program may not be allowed to. */
const WORKER = `data:application/javascript,${encodeURIComponent(`(${work})(self)`)}`;
