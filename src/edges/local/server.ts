/**
 * The server of `LocalEdge.serve`: people start calls on its start page.
 *
 * @module
 */
import type { MediaLease } from "../../media/parent/media_lease.ts";
import type { Clock } from "../../events/clock.ts";
import { promised } from "../../events/user_code.ts";
import { retry } from "../../events/retry.ts";
import { sleep, waitFor } from "../../events/waiting.ts";
import type { Call } from "../../edge/call.ts";
import type { EdgeEvents } from "../../edge/edge_events.ts";
import { ErrorEvent } from "../../edge/events.ts";

/** Options for `LocalEdge.serve`. */
export interface StartPageOptions {
  /**
   * Whether a call is taken, asked before its page is let in; otherwise the person learns that no more
   * calls can be started now. What it throws counts as no, and so does a response after 10 seconds.
   * Default: within `limits.calls`.
   */
  accept?(call: Call): boolean | Promise<boolean>;
  /**
   * Joins an agent to a new call; after 15 s without one the person learns that no agent came. What it
   * throws becomes an `ErrorEvent`, and a person who still waits learns of it immediately; it ends
   * nothing else.
   */
  onCall(call: Call): void | Promise<void>;
  /**
   * Called in place of `onCall` for a call that `accept` has taken and that does not begin: its media
   * process does not start, or its page has left.
   */
  onDropped?(call: Call): void;
  /** Aborting it closes the server. */
  signal?: AbortSignal;
}

/** A server of a start page. Calls that have begun continue after it is closed. */
export interface LocalServer extends AsyncDisposable {
  /** The start page's address, with the secret that admits to it. */
  readonly url: URL;
  /** Resolves when the server is closed. Never rejects. */
  readonly closed: Promise<void>;
  /** Accepts no more calls. Idempotent. */
  close(): Promise<void>;
  /** The same as `close`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What {@linkcode RunningServer} needs. */
export interface RunningServerInit extends StartPageOptions {
  events: EdgeEvents;
  clock: Clock;
  /** The start page's. */
  secret: string;
  /** Starts the media process, or shares it, and lets it accept new calls. */
  open(
    params: { secret: string; asks: boolean },
    signal: AbortSignal,
  ): Promise<{ lease: MediaLease; origin: string }>;
  /** Ends a call that no agent has joined; does nothing when one has. */
  endUnanswered(call: Call): Promise<void>;
  onClosed(): void;
}

/** Limit for `accept`. */
const ACCEPT_MS = 10_000;
/** Milliseconds before each further attempt to serve again after the media process was lost. */
const RETRY_MS = [500, 1000, 2000, 5000];

/** The server behind `LocalEdge.serve`. */
export class RunningServer implements LocalServer {
  readonly closed: Promise<void>;
  readonly #init: RunningServerInit;
  readonly #ending = new AbortController();
  readonly #done = Promise.withResolvers<void>();
  #lease: MediaLease | undefined;
  #url: URL | undefined;
  #closing: Promise<void> | undefined;

  /** Servers come from `LocalEdge.serve`. */
  constructor(init: RunningServerInit) {
    this.#init = init;
    this.closed = this.#done.promise;
  }

  /** What the media process is told: the secret that admits to the start page, and whether it asks. */
  get params(): { secret: string; asks: boolean } {
    return { secret: this.#init.secret, asks: this.asks };
  }

  /** Its address once it has started; for the edge. */
  get page(): URL | undefined {
    return this.#url;
  }

  get url(): URL {
    if (!this.#url) throw new TypeError("the server has not started: await serve() first");
    return this.#url;
  }

  /** Starts; for the edge. */
  async start(): Promise<void> {
    const { signal } = this.#init;
    const onAbort = (): void => void this.close();
    signal?.addEventListener("abort", onAbort, { once: true });
    void this.closed.then(() => signal?.removeEventListener("abort", onAbort));
    if (signal?.aborted) onAbort();
    try {
      await this.#open();
    } catch (error) {
      await this.close();
      throw signal?.aborted ? signal.reason : error;
    }
  }

  /** Whether it is asked about each call, before the page is let in. */
  get asks(): boolean {
    return this.#init.accept !== undefined;
  }

  /** Asks the program whether it takes a call; for the edge. Never rejects. */
  async accepts(call: Call): Promise<boolean> {
    const { accept, clock, events } = this.#init;
    if (this.#closing) return false;
    if (!accept) return true;
    const asked = promised(() => accept(call));
    try {
      const limit = { timeoutMs: ACCEPT_MS, clock };
      return await waitFor(asked, "the response of accept", limit) === true;
    } catch (error) {
      events.emit(new ErrorEvent({ error, context: `accept of ${call.id}` }));
      // One that comes too late is taken back.
      asked.then((late) => late === true && this.dropCall(call)).catch(() => {});
      return false;
    }
  }

  /** Tells the program that an accepted call does not begin; for the edge. */
  dropCall(call: Call): void {
    const { events, onDropped } = this.#init;
    promised<void>(() => onDropped?.(call)).catch((error) => {
      events.emit(new ErrorEvent({ error, context: `onDropped of ${call.id}` }));
    });
  }

  /** Passes a call to `onCall`, an accepted one after the server was closed, too; for the edge. */
  handleCall(call: Call, { isAccepted = false } = {}): void {
    const { events, onCall, endUnanswered } = this.#init;
    const handled = async (): Promise<void> => {
      if (this.#closing && !isAccepted) return await endUnanswered(call);
      try {
        await promised<void>(() => onCall(call));
      } catch (error) {
        events.emit(new ErrorEvent({ error, context: `onCall of ${call.id}` }));
        await endUnanswered(call);
      }
    };
    handled().catch((error) => {
      events.emit(new ErrorEvent({ error, context: `ending ${call.id}` }));
    });
  }

  /** Continues on another process; for the edge. */
  restart(error: unknown): void {
    if (this.#closing) return;
    const { events } = this.#init;
    events.emit(new ErrorEvent({ error, context: "serving calls; trying again" }));
    void this.#lease?.release();
    this.#lease = undefined;
    void this.#openAgain();
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #open(): Promise<void> {
    const { signal } = this.#ending;
    const { lease, origin } = await this.#init.open(this.params, signal);
    if (signal.aborted) {
      await lease.release();
      signal.throwIfAborted();
    }
    this.#lease = lease;
    this.#url = new URL(`/#${this.#init.secret}`, origin);
  }

  async #openAgain(): Promise<void> {
    const { signal } = this.#ending;
    const { clock, events } = this.#init;
    try {
      // What was lost is let go of first.
      await sleep(0, { clock, signal });
      await retry(() => this.#open(), {
        clock,
        signal,
        waitMs: (error, tries) => {
          events.emit(new ErrorEvent({ error, context: "serving calls again" }));
          return RETRY_MS[Math.min(tries, RETRY_MS.length) - 1];
        },
      });
    } catch {
      // It was closed: nothing else ends it.
    }
  }

  async #close(): Promise<void> {
    this.#ending.abort(new DOMException("the server was closed", "AbortError"));
    const lease = this.#lease;
    this.#lease = undefined;
    try {
      if (lease && !lease.lost) {
        const wait = { timeoutMs: 1000, isGoodbye: true };
        await lease.request("serve", { secret: null }, wait);
      }
    } catch {
      // A process that is gone accepts no calls either.
    }
    await lease?.release();
    this.#init.onClosed();
    this.#done.resolve();
  }
}
