/**
 * A WebSocket to a page: it accepts only checked messages, within its limits, and detects when it is dead.
 *
 * @module
 */
import type { Clock } from "../../../events/clock.ts";
import { type LocalLimits, RateLimit } from "../wire/limits.ts";
import { CloseCode, type GoodbyeCode, Rejection } from "../wire/rejection.ts";
import { type ClientMessage, parseClientMessage, type ServerMessage } from "../wire/signalling.ts";

/** Bytes that may wait to be sent before a socket is closed as too slow. */
const MAX_BUFFERED = 1024 * 1024;
/** From this many waiting bytes on, optional messages are left out. */
const BUSY = 64 * 1024;
/** Milliseconds without a message after which a socket counts as cut; pages ping every second. */
const SILENCE_MS = 4000;

/** How a socket ended. */
export type PageSocketEnd =
  /** The page said so: it left, was closed, or navigated away. */
  | "left"
  /** It broke off without a close frame: the browser is gone, or its network is. */
  | "broken"
  /** It has been silent for too long. */
  | "silent"
  /** The server closed it. */
  | "closed";

/** Callbacks of a socket. */
export interface SocketHandlers {
  onMessage(message: ClientMessage): void;
  /** Called once. */
  onEnd(end: PageSocketEnd): void;
}

/** The parts of a WebSocket that are used. */
export type RawSocket = Pick<
  WebSocket,
  "send" | "close" | "readyState" | "bufferedAmount" | "onmessage" | "onclose" | "onerror"
>;

/** Options for a {@linkcode Socket}. */
export interface SocketInit {
  clock: Clock;
  limits: LocalLimits;
  /** The address of the other end, for the log. */
  remote: string;
  /** Whether that is a browser on this machine; default `false`. */
  sameMachine?: boolean;
  /** Receives a line about a rejection. */
  log(line: string): void;
}

/** One page's signalling. */
export class Socket {
  readonly #raw: RawSocket;
  readonly #options: SocketInit;
  readonly #rate: RateLimit;
  #handlers: SocketHandlers | undefined;
  #heardAt: number;
  #watch: Disposable | undefined;
  #ended = false;
  readonly #done = Promise.withResolvers<void>();
  /** Resolves when it has ended for the server, whether or not the other end has closed. */
  readonly ended: Promise<void> = this.#done.promise;

  constructor(raw: RawSocket, options: SocketInit) {
    this.#raw = raw;
    this.#options = options;
    this.#rate = new RateLimit(options.clock, options.limits.messagesPerSecond);
    this.#heardAt = options.clock.now();
    raw.onmessage = (event) => this.#receive(event.data);
    // A page that leaves sends a close frame with one of these codes; a killed browser sends none.
    raw.onclose = ({ wasClean, code }) =>
      this.#end(wasClean && (code === 1000 || code === 1001) ? "left" : "broken");
    raw.onerror = (event) => (event as Event).preventDefault?.();
  }

  /** The address of the other end. */
  get remote(): string {
    return this.#options.remote;
  }

  /** Whether the browser on the other end is known to run on this machine. */
  get sameMachine(): boolean {
    return this.#options.sameMachine ?? false;
  }

  /** Whether it has not ended. */
  get isOpen(): boolean {
    return !this.#ended;
  }

  /** Sets the handlers; they replace the earlier ones. */
  listen(handlers: SocketHandlers): void {
    this.#handlers = handlers;
  }

  /** Starts to expect a message every few seconds. */
  watch(): void {
    if (this.#ended || this.#watch) return;
    const look = (): void => {
      const rest = this.#heardAt + SILENCE_MS - this.#options.clock.now();
      if (rest <= 0) return this.#finish("silent", CloseCode.CUT, "silent");
      this.#watch = this.#options.clock.schedule(look, rest);
    };
    look();
  }

  /** Sends a message; leaves out `optional` ones while the connection is busy. */
  send(message: ServerMessage, options: { optional?: boolean } = {}): void {
    if (this.#ended || this.#raw.readyState !== WebSocket.OPEN) return;
    if (options.optional && this.#raw.bufferedAmount > BUSY) return;
    if (this.#raw.bufferedAmount > MAX_BUFFERED) return this.reject(new Rejection("too-slow"));
    try {
      this.#raw.send(JSON.stringify(message));
    } catch {
      // It closed in the meantime; `onclose` follows.
    }
  }

  /** Sends a rejection to the page and to the log, and closes. */
  reject(rejection: Rejection): void {
    if (this.#ended) return;
    const detail = rejection.detail ? ` (${rejection.detail})` : "";
    this.#options.log(`rejected ${this.remote}: ${rejection.code}: ${rejection.message}${detail}`);
    const { code, message } = rejection;
    try {
      this.#raw.send(JSON.stringify({ type: "rejected", code, message }));
    } catch {
      // The page is gone.
    }
    this.#finish("closed", CloseCode.REJECTED, code);
  }

  /** Closes with an error: with a rejection as it is, with any other as the server's failure. */
  fail(error: unknown): void {
    this.reject(error instanceof Rejection ? error : new Rejection("server-failed", String(error)));
  }

  /** Sends a goodbye and closes. */
  goodbye(code: GoodbyeCode): void {
    this.send({ type: "goodbye", code });
    this.#finish("closed", code === "replaced" ? CloseCode.REPLACED : CloseCode.GOODBYE, code);
  }

  /** Closes without a message; for a socket that has done what it was opened for. */
  close(): void {
    this.#finish("closed", 1000, "");
  }

  #receive(data: unknown): void {
    if (this.#ended) return;
    this.#heardAt = this.#options.clock.now();
    const { limits } = this.#options;
    if (typeof data !== "string") return this.reject(new Rejection("bad-message", "not text"));
    if (data.length > limits.messageSize) {
      return this.reject(new Rejection("message-too-large", `${data.length} characters`));
    }
    if (!this.#rate.take()) return this.reject(new Rejection("too-many-messages"));
    const message = parseClientMessage(data);
    if (message === undefined) return this.reject(new Rejection("bad-message"));
    try {
      this.#handlers?.onMessage(message);
    } catch (error) {
      this.fail(error);
    }
  }

  #finish(end: PageSocketEnd, code: number, reason: string): void {
    try {
      this.#raw.close(code, reason);
    } catch {
      // It was closed before.
    }
    this.#end(end);
  }

  #end(end: PageSocketEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#watch?.[Symbol.dispose]();
    this.#raw.onmessage = null;
    this.#done.resolve();
    this.#handlers?.onEnd(end);
  }
}
