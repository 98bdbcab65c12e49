import { type Clock, ConnectionError, systemClock, waitFor } from "@ringline/edge/toolkit";

/** Bytes that may wait to be sent before a socket is given up as too slow. */
const MAX_BUFFERED = 1024 * 1024;
/** How long the other side may take to answer that we close. */
const CLOSE_LIMIT_MS = 500;

/** Why a socket ended. */
export type SocketEnd =
  /** The other side closed it, or the network broke it. */
  | { kind: "lost"; code: number }
  /** Nothing was heard for too long. */
  | { kind: "silent" }
  /** What was sent was not taken. */
  | { kind: "slow" }
  /** We closed it. */
  | { kind: "closed" };

/** How a socket is opened and watched. */
export interface KeepaliveSocketOptions {
  /** Limit for opening, in milliseconds. */
  openTimeoutMs: number;
  /** Something is sent this often. */
  pingMs: number;
  /** What is sent. */
  ping: () => string | Uint8Array<ArrayBuffer>;
  /** Silence after which the other side counts as dead. */
  silenceMs: number;
  onMessage: (data: string | Uint8Array<ArrayBuffer>) => void;
  /** Called once, if it was opened. */
  onEnd: (end: SocketEnd) => void;
  /** What it is called in errors. */
  name: string;
  signal?: AbortSignal;
  clock?: Clock;
  /** Makes the socket; `WebSocket` unless given. */
  connect?: (url: string) => WebSocket;
}

/** A WebSocket that says that it is alive, and knows when the other side is not. */
export class KeepaliveSocket {
  readonly #raw: WebSocket;
  readonly #options: KeepaliveSocketOptions;
  readonly #clock: Clock;
  readonly #gone = Promise.withResolvers<void>();
  #heardAt: number;
  #ping: Disposable | undefined;
  #watch: Disposable | undefined;
  #isOpen = false;
  #ended = false;

  /** Opens a socket; rejects, and leaves nothing open, when that fails. */
  static async open(url: string, options: KeepaliveSocketOptions): Promise<KeepaliveSocket> {
    options.signal?.throwIfAborted();
    const { name, openTimeoutMs, signal, clock } = options;
    const opened = Promise.withResolvers<void>();
    const socket = new KeepaliveSocket(url, options, opened);
    try {
      await waitFor(opened.promise, name, { timeoutMs: openTimeoutMs, signal, clock });
    } catch (error) {
      socket.#discard();
      if (!(error instanceof DOMException && error.name === "TimeoutError")) throw error;
      throw new ConnectionError(`${name} did not open within ${openTimeoutMs} ms`, {
        code: "timeout",
        retryable: true,
      });
    }
    return socket;
  }

  private constructor(
    url: string,
    options: KeepaliveSocketOptions,
    opened: PromiseWithResolvers<void>,
  ) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#heardAt = this.#clock.now();
    const raw = this.#raw = options.connect?.(url) ?? new WebSocket(url);
    raw.binaryType = "arraybuffer";
    raw.onopen = () => {
      if (this.#ended) return raw.close(1000);
      this.#isOpen = true;
      this.#heardAt = this.#clock.now();
      this.#schedulePing();
      this.#scheduleWatch();
      opened.resolve();
    };
    raw.onmessage = ({ data }) => {
      if (this.#ended) return;
      this.#heardAt = this.#clock.now();
      if (typeof data === "string") options.onMessage(data);
      else if (data instanceof ArrayBuffer) options.onMessage(new Uint8Array(data));
    };
    // What an error says may name the address with its query; `onclose` follows it.
    raw.onerror = (event) => event.preventDefault?.();
    raw.onclose = ({ code }) => {
      this.#gone.resolve();
      opened.reject(
        new ConnectionError(`${options.name} could not be opened`, {
          code: "unreachable",
          retryable: true,
        }),
      );
      this.#end({ kind: "lost", code });
    };
  }

  /** Whether messages can be sent. */
  get isOpen(): boolean {
    return this.#isOpen && !this.#ended && this.#raw.readyState === WebSocket.OPEN;
  }

  /** Sends a message; does nothing once the socket has ended. */
  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (!this.isOpen) return;
    if (this.#raw.bufferedAmount > MAX_BUFFERED) {
      this.#end({ kind: "slow" });
      return this.#discard();
    }
    this.#raw.send(data);
  }

  /** Closes the socket, and waits a little for the other side to have seen it. Idempotent. */
  async close(code = 1000): Promise<void> {
    this.#end({ kind: "closed" });
    this.#discard(code);
    const wait = { timeoutMs: CLOSE_LIMIT_MS, clock: this.#clock };
    await waitFor(this.#gone.promise, "closing", wait).catch(() => {});
  }

  #schedulePing(): void {
    this.#ping = this.#clock.schedule(() => {
      this.send(this.#options.ping());
      if (!this.#ended) this.#schedulePing();
    }, this.#options.pingMs);
  }

  #scheduleWatch(): void {
    const rest = this.#heardAt + this.#options.silenceMs - this.#clock.now();
    if (rest <= 0) {
      this.#end({ kind: "silent" });
      return this.#discard();
    }
    this.#watch = this.#clock.schedule(() => this.#scheduleWatch(), rest);
  }

  #discard(code = 1000): void {
    this.#ended = true;
    try {
      this.#raw.close(code);
    } catch {
      // It was never opened, or is closed already.
    }
  }

  #end(end: SocketEnd): void {
    this.#ping?.[Symbol.dispose]();
    this.#watch?.[Symbol.dispose]();
    if (this.#ended) return;
    this.#ended = true;
    if (this.#isOpen) this.#options.onEnd(end);
  }
}
