/**
 * A WebSocket that can be given up. Deno's own ends only when the other side agrees, and until then
 * keeps the program from ending (denoland/deno#36337): a peer that the network lost would keep it
 * for ever. So it lives in a worker, which can be ended at any time.
 *
 * @module
 */
import { type Clock, systemClock } from "../../events/clock.ts";
import { waitFor } from "../../events/waiting.ts";

/** How long the other side may take for its part of closing. */
const CLOSE_TIMEOUT_MS = 500;

/** Why a socket is no more: what its `close` event told, and its `error` event before. */
export interface SocketEnd {
  readonly code: number;
  readonly reason: string;
  readonly failure: string;
  /** Whether the program may not reach the address. */
  readonly isForbidden: boolean;
}

/** What becomes of a socket. */
export interface SocketEvents {
  opened(): void;
  message(data: unknown): void;
  /** Told once, also for a socket that never opened. */
  closed(end: SocketEnd): void;
}

/** What the worker is told: to connect, to send, or to close. */
type Order =
  | { connect: string; headers: Record<string, string> }
  | { send: string }
  | { close: true };
/** What the worker tells. */
type News = { opened: true } | { data: unknown } | { closed: SocketEnd } | { gone: number };

/** A socket to a service, from its making on; disposing it takes half a second at most. */
export class ClientSocket implements AsyncDisposable {
  readonly #worker = new Worker(WORKER, { type: "module" });
  readonly #closed = Promise.withResolvers<void>();
  readonly #events: SocketEvents;
  readonly #clock: Clock;
  #isOpen = false;
  #isOver = false;
  #sent = 0;
  #gone = 0;

  constructor(
    url: URL,
    headers: Record<string, string>,
    events: SocketEvents,
    clock: Clock = systemClock,
  ) {
    this.#events = events;
    this.#clock = clock;
    this.#worker.onmessage = ({ data }) => this.#take(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#end({ code: 1006, reason: "", failure: event.message, isForbidden: false });
    };
    this.#tell({ connect: url.href, headers });
  }

  /** Whether what is sent goes anywhere. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Characters that the network has not taken yet. */
  get waiting(): number {
    return this.#sent - this.#gone;
  }

  /** Sends a message; where it is not open, nothing. */
  send(message: object): void {
    if (!this.#isOpen) return;
    const text = JSON.stringify(message);
    this.#sent += text.length;
    this.#tell({ send: text });
  }

  /** Closes it, and ends it where the other side does not do its part in time. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOver) return;
    this.#isOpen = false;
    this.#tell({ close: true });
    const options = { timeoutMs: CLOSE_TIMEOUT_MS, clock: this.#clock };
    await waitFor(this.#closed.promise, "closing the socket", options).catch(() => {});
    this.#end({ code: 1006, reason: "closed", failure: "", isForbidden: false });
  }

  #tell(order: Order): void {
    this.#worker.postMessage(order);
  }

  #take(news: News): void {
    if (this.#isOver) return;
    if ("data" in news) this.#events.message(news.data);
    else if ("gone" in news) this.#gone = news.gone;
    else if ("closed" in news) this.#end(news.closed);
    else {
      this.#isOpen = true;
      this.#events.opened();
    }
  }

  #end(end: SocketEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isOpen = false;
    this.#worker.terminate();
    this.#closed.resolve();
    this.#events.closed(end);
  }
}

/** What the worker runs: it knows nothing but its arguments, as its source is all that it gets. */
function work(port: {
  postMessage(news: News): void;
  onmessage: ((event: MessageEvent<Order>) => void) | null;
}): void {
  let socket: WebSocket | undefined;
  let failure = "";
  let sent = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tellGone = (): void => {
    const waiting = socket!.bufferedAmount;
    timer = waiting > 0 ? setTimeout(tellGone, 20) : undefined;
    port.postMessage({ gone: sent - waiting });
  };
  const connect = (url: string, headers: Record<string, string>): WebSocket => {
    const made = new WebSocket(url, { headers });
    made.onopen = () => port.postMessage({ opened: true });
    made.onmessage = ({ data }) => port.postMessage({ data });
    // The close event that follows tells that it is over, and only this one why.
    made.onerror = (event) => failure = event instanceof ErrorEvent ? event.message : "";
    made.onclose = ({ code, reason }) =>
      port.postMessage({ closed: { code, reason, failure, isForbidden: false } });
    return made;
  };
  port.onmessage = ({ data: order }) => {
    try {
      if ("connect" in order) socket = connect(order.connect, order.headers);
      else if ("close" in order) socket?.close();
      else if (socket?.readyState === WebSocket.OPEN) {
        socket.send(order.send);
        sent += order.send.length;
        if (timer === undefined) tellGone();
      }
    } catch (error) {
      const isForbidden = error instanceof Deno.errors.NotCapable;
      const failure = error instanceof Error ? error.message : String(error);
      port.postMessage({ closed: { code: 1006, reason: "", failure, isForbidden } });
    }
  };
}

/** A file of its own would have to be read, which a program may not be allowed to. */
const WORKER = `data:application/javascript,${encodeURIComponent(`(${work})(self)`)}`;
