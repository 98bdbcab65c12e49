import type { MediaLease } from "../../media/parent/media_process.ts";
import type { Clock } from "../../events/clock.ts";
import { promised } from "../../events/user_code.ts";
import { retry } from "../../events/retry.ts";
import { sleep } from "../../events/waiting.ts";
import type { Call } from "../../edge/call.ts";
import type { EdgeEvents } from "../../edge/edge_events.ts";
import { ErrorEvent } from "../../edge/events.ts";
import { newSecret } from "./wire/auth.ts";

/** How calls that people start are answered. */
export interface ServeOptions {
  /**
   * Brings an agent into a new call; it has 15 s before the person is told that nobody came. What
   * it throws is reported as an `ErrorEvent`, and a person who was still waiting is told at once;
   * it ends nothing else.
   */
  onCall(call: Call): void | Promise<void>;
  /** Aborting it closes the serving. */
  signal?: AbortSignal;
}

/** A start page that is being served. Closing it lets calls that were begun go on. */
export interface LocalServer extends AsyncDisposable {
  /** The start page's address, with the secret that starting a call takes. */
  readonly url: URL;
  /** Resolves when the serving is over. Never rejects. */
  readonly closed: Promise<void>;
  /** Takes no more calls. Idempotent. */
  close(): Promise<void>;
  /** The same as `close`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a serving needs of its edge. */
export interface RunningServerInit extends ServeOptions {
  events: EdgeEvents;
  clock: Clock;
  /** Starts the server, or shares it, and lets it take new calls. */
  open(secret: string, signal: AbortSignal): Promise<{ lease: MediaLease; origin: string }>;
  /** Sends the people of a call away that nobody will answer; does nothing when an agent is in it. */
  unanswered(call: Call): Promise<void>;
  onClosed(): void;
}

/** Milliseconds before each further attempt to serve again after the media process was lost. */
const RETRY_MS = [500, 1000, 2000, 5000];

/** The serving behind `LocalEdge.serve`. */
export class RunningServer implements LocalServer {
  readonly closed: Promise<void>;
  readonly #init: RunningServerInit;
  readonly #secret = newSecret();
  readonly #ending = new AbortController();
  readonly #done = Promise.withResolvers<void>();
  #lease: MediaLease | undefined;
  #url: URL | undefined;
  #closing: Promise<void> | undefined;

  /** Servings come from `LocalEdge.serve`. */
  constructor(init: RunningServerInit) {
    this.#init = init;
    this.closed = this.#done.promise;
  }

  get url(): URL {
    if (!this.#url) throw new TypeError("the serving has not begun");
    return this.#url;
  }

  /** Begins; for the edge. */
  async begin(): Promise<void> {
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

  /** Hands a call over to `onCall`; for the edge. */
  begun(call: Call): void {
    if (this.#closing) return;
    const { events } = this.#init;
    promised<void>(() => this.#init.onCall(call)).catch(async (error) => {
      events.announce(new ErrorEvent({ error, context: `onCall of ${call.id}` }));
      await this.#init.unanswered(call);
    }).catch((error) => {
      events.announce(new ErrorEvent({ error, context: `ending ${call.id}` }));
    });
  }

  /** Serves again on another process; for the edge. */
  lost(error: unknown): void {
    if (this.#closing) return;
    const { events } = this.#init;
    events.announce(new ErrorEvent({ error, context: "serving calls; trying again" }));
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
    const { lease, origin } = await this.#init.open(this.#secret, signal);
    if (signal.aborted) {
      await lease.release();
      signal.throwIfAborted();
    }
    this.#lease = lease;
    this.#url = new URL(`/#${this.#secret}`, origin);
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
          events.announce(new ErrorEvent({ error, context: "serving calls again" }));
          return RETRY_MS[Math.min(tries, RETRY_MS.length) - 1];
        },
      });
    } catch {
      // It was closed: nothing else ends it.
    }
  }

  async #close(): Promise<void> {
    this.#ending.abort(new DOMException("the serving was closed", "AbortError"));
    const lease = this.#lease;
    this.#lease = undefined;
    try {
      if (lease && !lease.lost) await lease.request("serve", { secret: null }, { timeoutMs: 1000 });
    } catch {
      // A process that is gone takes no calls either.
    }
    await lease?.release();
    this.#init.onClosed();
    this.#done.resolve();
  }
}
