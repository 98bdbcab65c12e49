/**
 * A client's WebSocket with what a call needs of it: a limit for opening, a sign of life sent at
 * intervals, an end when the other side is silent or does not take what is sent, and a bounded
 * close.
 *
 * @module
 */
import { checkOptions } from "../../events/checks.ts";
import { type Clock, systemClock } from "../../events/clock.ts";
import { isTimeout, waitFor } from "../../events/waiting.ts";
import { ConnectionError } from "../errors.ts";

/** Default of {@linkcode KeepaliveSocketOptions.maxBufferedBytes}. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
/** How long closing waits for the other side to confirm it. */
const CLOSE_TIMEOUT_MS = 500;

/** Why a socket ended. */
export type SocketEnd =
  /**
   * The other side closed it, the network broke it, or it never opened. `failure` is the runtime's
   * reason, empty where there is none; it may contain the socket's address.
   */
  | {
    readonly kind: "lost";
    readonly code: number;
    readonly reason: string;
    readonly failure: string;
    /** Whether the program lacks the permission for this address. */
    readonly isForbidden: boolean;
  }
  /** The other side sent nothing for `silenceMs`. */
  | { readonly kind: "silent" }
  /** More than `maxBufferedBytes` were waiting when another message was sent. */
  | { readonly kind: "slow" }
  /** This side closed it. */
  | { readonly kind: "closed" };

/** The part of a `WebSocket` that a {@linkcode KeepaliveSocket} uses. */
export interface SocketPort {
  /** As a `WebSocket`'s. */
  readonly readyState: number;
  /** Bytes that the network has not taken yet. */
  readonly bufferedAmount: number;
  /** Set to `"arraybuffer"`. */
  binaryType: BinaryType;
  /** Called when messages can be sent. */
  onopen: ((event: Event) => unknown) | null;
  /** Called with each message. */
  onmessage: ((event: MessageEvent) => unknown) | null;
  /** Called with what went wrong; `onclose` follows. */
  onerror: ((event: Event) => unknown) | null;
  /** Called at the end, once. */
  onclose: ((event: CloseEvent) => unknown) | null;
  /** Sends a message. */
  send(data: string | Uint8Array<ArrayBuffer>): void;
  /** Begins to close. */
  close(code?: number): void;
}

/** Keepalive messages, and how long the other side may be silent. */
export interface KeepaliveOptions {
  /** Interval between the messages that are sent, in milliseconds. */
  intervalMs: number;
  /** Returns the message to send; `undefined` sends none this time. */
  message: () => string | Uint8Array<ArrayBuffer> | undefined;
  /** Silence after which the other side counts as gone, in milliseconds. */
  silenceMs: number;
}

/** Options for a {@linkcode KeepaliveSocket}. */
export interface KeepaliveSocketOptions {
  /** Default: no signs of life are sent, and silence is no reason to end. */
  keepalive?: KeepaliveOptions;
  /** Bytes that may wait to be sent before the other side counts as too slow. Default 1 MiB. */
  maxBufferedBytes?: number;
  /** Called once, when messages can be sent. */
  onOpen?: () => void;
  /** Called with each message. */
  onMessage: (data: string | Uint8Array<ArrayBuffer>) => void;
  /** Called once, also for a socket that never opened. */
  onEnd: (end: SocketEnd) => void;
  /** Default: the system's clock. */
  clock?: Clock;
  /** Creates the socket. Default: `new WebSocket(url)`. */
  connect?: (url: string) => SocketPort;
}

/** Options for {@linkcode KeepaliveSocket.open}. */
export interface OpenSocketOptions extends Omit<KeepaliveSocketOptions, "onOpen"> {
  /** Names the socket in errors, e.g. "the SFU's socket". */
  name: string;
  /** Limit for opening, in milliseconds. */
  openTimeoutMs: number;
  /** Called once, if the socket was opened. */
  onEnd: (end: SocketEnd) => void;
  /** Ends the wait for opening. */
  signal?: AbortSignal;
}

/**
 * A WebSocket that shows that it is alive, and notices when the other side is not.
 *
 * @example
 * ```ts
 * import { KeepaliveSocket } from "@ringline/edge/toolkit";
 *
 * using server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
 * const ended = Promise.withResolvers<string>();
 * const socket = new KeepaliveSocket(`ws://127.0.0.1:${server.addr.port}`, {
 *   keepalive: { intervalMs: 5000, message: () => "ping", silenceMs: 12_000 },
 *   onMessage: (data) => console.log(data),
 *   onEnd: ({ kind }) => ended.resolve(kind),
 * });
 * (await server.accept()).close();
 * console.log(await ended.promise); // lost
 * await socket.close();
 * ```
 */
export class KeepaliveSocket implements AsyncDisposable {
  readonly #port: SocketPort;
  readonly #options: KeepaliveSocketOptions;
  readonly #clock: Clock;
  readonly #gone = Promise.withResolvers<void>();
  #receivedAt = 0;
  #keepaliveTimer: Disposable | undefined;
  #silenceTimer: Disposable | undefined;
  #isOpen = false;
  #isEnded = false;

  /**
   * Opens a socket, and returns it once messages can be sent.
   *
   * @throws {ConnectionError} `timeout`: it did not open in time; `unreachable`: it ended first. No
   *   socket is left open.
   */
  static async open(url: string, options: OpenSocketOptions): Promise<KeepaliveSocket> {
    const { name, openTimeoutMs, signal, onEnd, ...rest } = options;
    signal?.throwIfAborted();
    const opened = Promise.withResolvers<void>();
    let isOpened = false;
    const socket = new KeepaliveSocket(url, {
      ...rest,
      onOpen: () => {
        isOpened = true;
        opened.resolve();
      },
      onEnd: (end) => {
        if (isOpened) return onEnd(end);
        const message = `${name} could not be opened`;
        opened.reject(new ConnectionError(message, { code: "unreachable", retryable: true }));
      },
    });
    try {
      const { clock } = options;
      await waitFor(opened.promise, name, { timeoutMs: openTimeoutMs, signal, clock });
    } catch (error) {
      socket.#end({ kind: "closed" });
      if (!isTimeout(error)) throw error;
      throw new ConnectionError(`${name} did not open within ${openTimeoutMs} ms`, {
        code: "timeout",
        retryable: true,
      });
    }
    return socket;
  }

  /** Begins to open a socket. */
  constructor(url: string, options: KeepaliveSocketOptions) {
    checkOptions(options, "options", {
      keepalive: true,
      maxBufferedBytes: true,
      onOpen: true,
      onMessage: true,
      onEnd: true,
      clock: true,
      connect: true,
    }, "an object like { onMessage, onEnd }");
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const port: SocketPort = options.connect?.(url) ?? new WebSocket(url);
    this.#port = port;
    port.binaryType = "arraybuffer";
    let failure = "";
    let isForbidden = false;
    port.onopen = () => {
      if (this.#isEnded) return port.close(1000);
      this.#isOpen = true;
      this.#receivedAt = this.#clock.now();
      this.#scheduleKeepalive();
      this.#scheduleSilence();
      options.onOpen?.();
    };
    port.onmessage = ({ data }) => {
      if (this.#isEnded) return;
      this.#receivedAt = this.#clock.now();
      if (typeof data === "string") options.onMessage(data);
      else if (data instanceof ArrayBuffer) options.onMessage(new Uint8Array(data));
    };
    port.onerror = (event) => {
      // Unhandled it would be printed, with the address and its query. `onclose` follows.
      event.preventDefault?.();
      if (!(event instanceof ErrorEvent)) return;
      failure = event.message;
      isForbidden = event.error instanceof Deno.errors.NotCapable;
    };
    port.onclose = ({ code, reason }) => {
      this.#gone.resolve();
      this.#end({ kind: "lost", code, reason, failure, isForbidden });
    };
  }

  /** Whether messages can be sent. */
  get isOpen(): boolean {
    return this.#isOpen && !this.#isEnded && this.#port.readyState === WebSocket.OPEN;
  }

  /** Bytes that the network has not taken yet. */
  get bufferedBytes(): number {
    return this.#port.bufferedAmount;
  }

  /** Sends a message; does nothing while the socket is not open. */
  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (!this.isOpen) return;
    const { maxBufferedBytes = MAX_BUFFERED_BYTES } = this.#options;
    if (this.#port.bufferedAmount > maxBufferedBytes) return this.#end({ kind: "slow" });
    this.#port.send(data);
  }

  /** Closes the socket, and waits half a second at most for the other side. Idempotent. */
  async close(code = 1000): Promise<void> {
    this.#end({ kind: "closed" }, code);
    const options = { timeoutMs: CLOSE_TIMEOUT_MS, clock: this.#clock };
    await waitFor(this.#gone.promise, "closing", options).catch(() => {});
  }

  /** Closes the socket as {@linkcode KeepaliveSocket.close} does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #scheduleKeepalive(): void {
    const { keepalive } = this.#options;
    if (!keepalive) return;
    this.#keepaliveTimer = this.#clock.schedule(() => {
      const message = keepalive.message();
      if (message !== undefined) this.send(message);
      if (!this.#isEnded) this.#scheduleKeepalive();
    }, keepalive.intervalMs);
  }

  #scheduleSilence(): void {
    const { keepalive } = this.#options;
    if (!keepalive) return;
    const restMs = this.#receivedAt + keepalive.silenceMs - this.#clock.now();
    if (restMs <= 0) return this.#end({ kind: "silent" });
    this.#silenceTimer = this.#clock.schedule(() => this.#scheduleSilence(), restMs);
  }

  #end(end: SocketEnd, code = 1000): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#keepaliveTimer?.[Symbol.dispose]();
    this.#silenceTimer?.[Symbol.dispose]();
    if (end.kind !== "lost") this.#port.close(code);
    this.#options.onEnd(end);
  }
}
