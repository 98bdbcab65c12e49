/** The socket to Stream's coordinator. @module */
import {
  AuthenticationError,
  type Clock,
  ConnectionError,
  EdgeError,
  isTimeout,
  type JsonValue,
  KeepaliveSocket,
  messageOf,
  ProtocolError,
  retry,
  type SocketEnd,
  type SocketPort,
  waitFor,
} from "@ringline/edge/toolkit";
import { pauseAfter } from "./wire/retrying.ts";
import { STREAM_CLIENT } from "./wire/client.ts";
import { rejectionError, TOKEN_EXPIRED } from "./wire/service_errors.ts";
import type { UserToken } from "./service/user_token.ts";

/** Time limits and intervals of a {@linkcode CoordinatorSocket}. */
export interface CoordinatorTimes {
  /** Limit for opening the socket, and for the service's greeting. */
  helloMs: number;
  pingMs: number;
  silenceMs: number;
  /** For the first try to come back, growing to `maxBackOffMs`. */
  backOffMs: number;
  maxBackOffMs: number;
}

const TIMES: CoordinatorTimes = {
  helloMs: 5000,
  pingMs: 20_000,
  silenceMs: 33_000,
  backOffMs: 250,
  maxBackOffMs: 10_000,
};

/** Both sockets bring an event within moments: so many others may come in between. */
const REMEMBERED = 100;

/** An event as the service sends it. */
export interface CoordinatorEvent {
  type: string;
  [name: string]: JsonValue;
}

/** What {@linkcode CoordinatorSocket} needs. */
export interface CoordinatorSocketInit {
  /** The video service's address. */
  videoUrl: string;
  apiKey: string;
  /** Who connects; fields beside the id become those of the user. */
  user: { id: string; name?: string; image?: string; custom?: Record<string, JsonValue> };
  token: UserToken;
  clock: Clock;
  /** Subscribes a new connection to the call's events. */
  subscribe: (connectionId: string, signal: AbortSignal) => Promise<void>;
  onEvent: (event: CoordinatorEvent) => void;
  /**
   * The socket was lost or could not be opened, and will be opened again unless the error says that the
   * call's events have stopped; or its token could not be renewed.
   */
  onError: (error: EdgeError) => void;
  times?: Partial<CoordinatorTimes>;
  connect?: (url: string) => SocketPort;
}

/**
 * The socket that brings custom events and `call.*` events. Media does not need it: its loss is an
 * error event and is repaired, as often as it takes, and never ends a call.
 */
export class CoordinatorSocket {
  readonly #options: CoordinatorSocketInit;
  readonly #times: CoordinatorTimes;
  readonly #stop = new AbortController();
  readonly #ready = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  /**
   * The latest events of two sockets while one takes over from the other, which may take long, with the
   * socket's number.
   */
  readonly #handover = new Map<string, number>();
  #isHandover = false;
  /** Whether it has reported a token that could not be renewed. */
  #hasWarned = false;
  #count = 0;

  constructor(options: CoordinatorSocketInit) {
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
    this.#ready.promise.catch(() => {});
    this.#running = this.#run();
  }

  /** Resolves when events come for the first time; rejects with the error of the first try. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Closes the socket. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort(new ConnectionError("the coordinator's socket is closed", { code: "closed" }));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { clock, onError } = this.#options;
    /** Closes the socket that the next one takes over from. */
    let old: (() => Promise<void>) | undefined;
    let failures = 0;
    const serve = async (): Promise<never> => {
      for (;;) {
        // An expired token is no failure: the next connection uses a new one immediately.
        old = await this.#connect(async () => {
          failures = 0;
          await old?.();
          old = undefined;
        });
        signal.throwIfAborted();
      }
    };
    const waitMs = (error: unknown): number | undefined => {
      this.#ready.reject(error);
      const { backOffMs: firstMs, maxBackOffMs: maxMs } = this.#times;
      const delayMs = pauseAfter(error, ++failures, { firstMs, maxMs });
      // A refusal for good: the same question has the same answer.
      onError(delayMs === undefined ? stopped(error) : error as EdgeError);
      return delayMs;
    };
    await retry(serve, { waitMs, signal, clock }).catch(() => {});
    await old?.();
    this.#ready.reject(signal.reason);
  }

  /**
   * Runs one connection until it ends, or until its token is about to expire: then it returns a function
   * that closes it, once another one has taken over.
   */
  async #connect(onReady: () => Promise<void>): Promise<(() => Promise<void>) | undefined> {
    const number = ++this.#count;
    const { signal } = this.#stop;
    const { clock, token, connect } = this.#options;
    const key = await token.get(signal);
    const hello = Promise.withResolvers<string>();
    const ended = Promise.withResolvers<SocketEnd>();
    hello.promise.catch(() => {});
    let connectionId: string | undefined;
    const socket = await KeepaliveSocket.open(addressOf(this.#options), {
      name: "the coordinator's socket",
      openTimeoutMs: this.#times.helloMs,
      keepalive: {
        intervalMs: this.#times.pingMs,
        message: () => JSON.stringify([{ type: "health.check", client_id: connectionId ?? "" }]),
        silenceMs: this.#times.silenceMs,
      },
      onMessage: (data) => {
        const event = parseEvent(data);
        if (!event) return;
        if (event.type === "connection.error") hello.reject(readError(event));
        else if (event.type === "connection.ok") hello.resolve(String(event.connection_id ?? ""));
        else if (event.type !== "health.check" && connectionId !== undefined) {
          if (!this.#isRepeated(String(data), number)) this.#options.onEvent(event);
        }
      },
      onEnd: (end) => ended.resolve(end),
      signal,
      clock,
      connect,
    });
    const abort = (): void => ended.resolve({ kind: "closed" });
    signal.addEventListener("abort", abort, { once: true });
    let renewal: Disposable | undefined;
    let isExpiring = false;
    try {
      // The end of the socket also ends the wait for its greeting.
      ended.promise.then((end) => hello.reject(endError(end)));
      connectionId = await this.#authenticate(socket, key, hello.promise);
      await this.#options.subscribe(connectionId, signal);
      await onReady();
      this.#isHandover = false;
      this.#handover.clear();
      this.#ready.resolve();
      renewal = clock.schedule(async () => {
        if (await this.#isRenewed(key)) {
          isExpiring = true;
          ended.resolve({ kind: "closed" });
        }
      }, Math.max(1000, token.remainingMs));
      const end = await ended.promise;
      if (end.kind !== "closed") throw endError(end);
      if (!isExpiring || signal.aborted) return undefined;
      this.#isHandover = true;
      return () => socket.close();
    } finally {
      renewal?.[Symbol.dispose]();
      signal.removeEventListener("abort", abort);
      if (!this.#isHandover || !isExpiring) await socket.close();
    }
  }

  /** Says who connects; returns the connection's id in the service's greeting. */
  async #authenticate(
    socket: KeepaliveSocket,
    key: string,
    hello: Promise<string>,
  ): Promise<string> {
    const { clock, token, user } = this.#options;
    const { helloMs: timeoutMs } = this.#times;
    const { signal } = this.#stop;
    socket.send(JSON.stringify({ token: key, products: ["video"], user_details: user }));
    let connectionId: string;
    try {
      connectionId = await waitFor(hello, "the coordinator's greeting", {
        timeoutMs,
        signal,
        clock,
      });
    } catch (error) {
      if (isTimeout(error)) throw silence(timeoutMs);
      const isExpired = error instanceof EdgeError && error.code === "token-expired";
      throw isExpired ? token.refused(key, error) : error;
    }
    if (connectionId !== "") return connectionId;
    throw new ProtocolError("the coordinator's greeting names no connection", {
      code: "bad-response",
    });
  }

  /**
   * Whether there is a token that outlives this one. Without it another socket would end as soon: this
   * one is kept until the service ends it.
   */
  async #isRenewed(key: string): Promise<boolean> {
    const { token, onError } = this.#options;
    let next: string;
    try {
      next = await token.get(this.#stop.signal);
    } catch {
      // The next socket needs a token, too, and reports why there is none.
      return true;
    }
    if (next !== key && token.remainingMs > 0) return true;
    if (!this.#hasWarned && !this.#stop.signal.aborted) {
      this.#hasWarned = true;
      const what = next === key ? "returned the token of before" : "returned an expired token";
      onError(
        new AuthenticationError(
          `userToken ${what}, by this machine's clock: the coordinator's socket is kept until the ` +
            "service ends it",
          { code: "token-not-renewed", retryable: true },
        ),
      );
    }
    return false;
  }

  /** Whether another socket has brought this event already. */
  #isRepeated(text: string, number: number): boolean {
    if (!this.#isHandover) return false;
    const by = this.#handover.get(text);
    if (by === undefined) {
      this.#handover.set(text, number);
      if (this.#handover.size > REMEMBERED) {
        this.#handover.delete(this.#handover.keys().next().value!);
      }
    }
    return by !== undefined && by !== number;
  }
}

function addressOf({ videoUrl, apiKey }: CoordinatorSocketInit): string {
  const url = new URL(videoUrl.replace(/^http/, "ws") + "/api/v2/connect");
  url.searchParams.set("api_key", apiKey);
  url.searchParams.set("stream-auth-type", "jwt");
  url.searchParams.set("X-Stream-Client", STREAM_CLIENT);
  return url.href;
}

function silence(ms: number): EdgeError {
  return new ConnectionError(`the coordinator did not greet within ${ms} ms`, {
    code: "timeout",
    retryable: true,
  });
}

function endError(end: SocketEnd): EdgeError {
  const how = end.kind === "lost" ? `was lost (${end.code})` : `is ${end.kind}`;
  return new ConnectionError(`the coordinator's socket ${how}`, { code: "lost", retryable: true });
}

/** Returns the error of a socket that will not be opened again. */
function stopped(error: unknown): EdgeError {
  const Kind = error instanceof AuthenticationError ? AuthenticationError : ConnectionError;
  const code = error instanceof EdgeError ? error.code : "failed";
  return new Kind(`${messageOf(error)}; the call's events have stopped`, { code });
}

function parseEvent(data: string | Uint8Array): CoordinatorEvent | undefined {
  if (typeof data !== "string" || data.length > 256 * 1024) return undefined;
  try {
    const event: unknown = JSON.parse(data);
    if (typeof event !== "object" || event === null || !("type" in event)) return undefined;
    return typeof event.type === "string" ? event as CoordinatorEvent : undefined;
  } catch {
    // Frames that are not JSON are ignored.
    return undefined;
  }
}

function readError(event: CoordinatorEvent): EdgeError {
  const error = event.error as { code?: unknown; message?: unknown; StatusCode?: unknown } | null;
  const code = typeof error?.code === "number" ? error.code : undefined;
  const status = typeof error?.StatusCode === "number" ? error.StatusCode : 401;
  return rejectionError({
    status,
    code: code === TOKEN_EXPIRED ? code : undefined,
    message: typeof error?.message === "string" ? error.message : "refused",
    doing: "connecting to the coordinator",
  });
}
