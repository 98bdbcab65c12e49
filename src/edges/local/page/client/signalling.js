/**
 * The signalling connection to the server: one WebSocket after another, since networks are cut and come
 * back.
 *
 * @module
 */
import { RinglineError } from "./error.js";
import { Outbox } from "./outbox.js";
import { openSocket, VERSION } from "./socket.js";

/** Milliseconds between signs of life. */
const PING_MS = 1000;
/** Milliseconds without a message after which the connection counts as cut. */
const SILENCE_MS = 4000;
/** Milliseconds before each attempt to reconnect. */
const RETRY_MS = [0, 100, 150, 250, 250, 250, 500, 500, 1000, 1500, 2000];
/** Milliseconds beyond the server's grace for which the client tries to reconnect. */
const EXTRA_MS = 2000;
/**
 * Milliseconds for which the client tries to reconnect to a server on the same machine. No network lies
 * between that could be cut: where nothing listens, the program has ended, or replaces its media process.
 * That may take longer on a busy machine: another client continues from this one then.
 */
const LOCAL_RETRY_MS = 3000;
/** Milliseconds between messages of one state: only the last one counts. */
const STATE_MS = 50;

/**
 * What the connection needs of the client.
 *
 * @typedef {object} SignallingHooks
 * @property {() => object} hello returns what a hello adds: `{ name }`
 * @property {() => boolean} keepPeer whether the peer connection has outlived a cut
 * @property {() => Promise<object>} beat called once a second; returns what a ping reports
 * @property {(message: object) => void} receive handles a message of the server
 * @property {(waiting: number) => void} onSent the server has more of what was sent surely; so many wait
 * @property {() => void} onCut the connection is cut; the client reconnects
 * @property {(error: RinglineError) => void} onEnd the server is gone, or has rejected this page
 */

/** A page's signalling connection to the server of its call. */
export class Signalling {
  #link;
  #hooks;
  /** @type {WebSocket | undefined} */
  #socket;
  #closed = false;
  /** The server's token with which a page comes back as the participant it was. */
  #resume;
  /** Milliseconds for which the server waits for a participant who is cut off. */
  #graceMs = 6000;
  #heardAt = 0;
  #timer;
  #pings = 0;
  /** When pings that have no answer were sent, by number. */
  #pingedAt = new Map();
  /** By type: what waits because one of its kind was sent a moment ago. */
  #waiting = new Map();
  #outbox = new Outbox();
  /** Whether the server has welcomed the page on this socket. */
  #isWelcome = false;
  /** How many events have arrived since the last welcome. */
  #events = 0;
  /** There and back, as the last answered ping took it. @type {number | undefined} */
  roundTripMs;

  /**
   * @param {{ origin: string, secret: string, callType?: string, callId?: string }} link
   * @param {SignallingHooks} hooks
   */
  constructor(link, hooks) {
    this.#link = link;
    this.#hooks = hooks;
  }

  /**
   * Goes on where another one, which has ended, left off: the page comes back as the participant that it
   * was, and what waits is sent.
   *
   * @param {Signalling} other
   */
  continueFrom(other) {
    this.#resume = other.#resume;
    this.#events = other.#events;
    this.#outbox = other.#outbox;
  }

  /** How many messages wait for the server's acknowledgement. */
  get unsent() {
    return this.#outbox.size;
  }

  /** Whether messages leave the page now. */
  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /**
   * Connects and says hello.
   *
   * @throws {RinglineError} `server-gone`
   */
  async connect() {
    const socket = await openSocket(this.#link.origin);
    if (this.#closed) return socket.close(1000);
    this.#socket = socket;
    this.#isWelcome = false;
    this.#heardAt = performance.now();
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket) return;
      this.#heardAt = performance.now();
      this.#receive(JSON.parse(data));
    };
    socket.onclose = ({ code, reason }) => {
      if (socket !== this.#socket || this.#closed) return;
      // A rejection or a goodbye whose message was lost still has its code.
      if (code >= 4001 && code <= 4003) this.#hooks.onEnd(new RinglineError(reason));
      else this.#reconnect();
    };
    const { callType, callId, secret } = this.#link;
    this.send({
      type: "hello",
      version: VERSION,
      callType,
      callId,
      secret,
      ...this.#hooks.hello(),
      ...(this.#resume
        ? { resume: this.#resume, keepPeer: this.#hooks.keepPeer(), events: this.#events }
        : {}),
    });
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#beat(), PING_MS);
  }

  /** Sends a message; it is lost while the connection is cut. @param {object} message */
  send(message) {
    if (this.isOpen) this.#socket.send(JSON.stringify(message));
  }

  /**
   * Sends a message that must not be lost: once more after a cut, until the server acknowledges it.
   *
   * @param {object} message
   * @throws {RinglineError} `too-many-messages`: as many wait as the server accepts at a time
   */
  sendSurely(message) {
    this.#outbox.add(message);
    if (this.#isWelcome) this.send(message);
  }

  /**
   * Sends a state: immediately, and then at most every {@link STATE_MS}.
   *
   * @param {string} type the message's type
   * @param {() => object} state returns the rest of the message when it is sent
   */
  sendState(type, state) {
    if (this.#waiting.has(type)) return void this.#waiting.set(type, state);
    this.send({ type, ...state() });
    this.#waiting.set(type, undefined);
    setTimeout(() => {
      const last = this.#waiting.get(type);
      this.#waiting.delete(type);
      if (last) this.sendState(type, last);
    }, STATE_MS);
  }

  /** Drops the connection; the client reconnects unless the page is closed. */
  drop(code, reason) {
    this.#socket?.close(code, reason);
  }

  /** Closes the connection. */
  close() {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#socket?.close(1000);
  }

  #receive(message) {
    if (message.type === "pong") {
      const at = this.#pingedAt.get(message.id);
      this.#pingedAt.clear();
      if (at !== undefined) this.roundTripMs = performance.now() - at;
      return;
    }
    if (message.type === "received") return this.#acknowledge(message.count);
    if (message.type === "event") this.#events++;
    if (message.type !== "welcome") return this.#hooks.receive(message);
    this.#resume = message.resume;
    this.#graceMs = message.graceMs;
    this.#events = 0;
    this.#isWelcome = true;
    this.#acknowledge(message.received ?? 0);
    const waiting = this.#outbox.restart();
    this.#hooks.receive(message);
    for (const one of waiting) this.send(one);
  }

  #acknowledge(count) {
    const { size } = this.#outbox;
    this.#outbox.acknowledge(count);
    if (this.#outbox.size < size) this.#hooks.onSent(this.#outbox.size);
  }

  async #beat() {
    if (performance.now() - this.#heardAt > SILENCE_MS) {
      // On a dead network the socket would wait for minutes.
      const socket = this.#socket;
      this.#reconnect();
      return socket?.close(4900, "silent");
    }
    const report = await this.#hooks.beat();
    const id = ++this.#pings;
    this.#pingedAt.set(id, performance.now());
    this.send({ type: "ping", id, events: this.#events, ...report });
  }

  async #reconnect() {
    clearInterval(this.#timer);
    this.#socket = undefined;
    this.#isWelcome = false;
    this.#hooks.onCut();
    const limitMs = isThisMachine(this.#link.origin) ? LOCAL_RETRY_MS : this.#graceMs + EXTRA_MS;
    const until = performance.now() + limitMs;
    for (let attempt = 0; performance.now() < until; attempt++) {
      await delay(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]);
      if (this.#closed) return;
      try {
        return await this.connect();
      } catch {
        // The next attempt may succeed.
      }
    }
    this.#hooks.onEnd(new RinglineError("server-gone"));
  }
}

/** Returns whether an origin is on this machine, where only the server itself can be missing. */
function isThisMachine(origin) {
  const { hostname } = new URL(origin);
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

function delay(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
