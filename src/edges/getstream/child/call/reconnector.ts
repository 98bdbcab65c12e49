/**
 * Decides when a lost call is reconnected, by which strategy, and when to give up.
 *
 * @module
 */
import {
  backOffMs,
  type Clock,
  ConnectionError,
  EdgeError,
  messageOf,
  sleep,
} from "@ringline/edge/toolkit";
import { BACK_OFF } from "../../wire/retrying.ts";
import type { Strategy } from "../../wire/ipc.ts";

/** What {@linkcode Reconnector} needs. */
export interface ReconnectorInit {
  clock: Clock;
  /** The reconnector gives up after this time. */
  limitMs: number;
  /** Tries once; rejects when that fails. */
  attempt: (strategy: Strategy, try_: { attempt: number; reason: string }) => Promise<void>;
  /** Whether the media still flows although the socket is lost. */
  isHealthy: () => boolean;
  /** For how long the SFU keeps the session. */
  fastDeadlineMs: () => number;
  onStart: () => void;
  onReconnected: (result: { strategy: Strategy; attempts: number; elapsedMs: number }) => void;
  onGivenUp: (error: EdgeError) => void;
  /** A try failed, and there will be another one. */
  onAttemptFailed: (error: unknown, strategy: Strategy) => void;
  random?: () => number;
}

/** The most tries in a row to resume a session before a rejoin. */
const FAST_TRIES = 2;
/** The strategies by how much they replace; a greater one includes the lesser. */
const RANK: Record<Strategy, number> = { fast: 0, migrate: 1, rejoin: 2 };

/** Reconnects a call, one try at a time; a request during a try changes the next one. */
export class Reconnector {
  readonly #options: ReconnectorInit;
  readonly #stop = new AbortController();
  #pending: Strategy | undefined;
  #reason = "";
  #fastFailures = 0;
  #running: Promise<void> | undefined;

  constructor(options: ReconnectorInit) {
    this.#options = options;
  }

  /** Whether a reconnection is in progress. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Requests a reconnection. */
  request(strategy: Strategy, reason: string): void {
    if (this.#stop.signal.aborted) return;
    if (this.#pending === undefined || RANK[strategy] > RANK[this.#pending]) {
      this.#pending = strategy;
      this.#reason = reason;
    }
    this.#running ??= this.#run().then((report) => {
      // What follows a reconnection finds none in progress.
      this.#running = undefined;
      if (!this.#stop.signal.aborted) report?.();
      // A request may have come after the last try.
      const pending = this.#pending;
      if (pending && !this.#stop.signal.aborted) this.request(pending, this.#reason);
    });
  }

  /** Stops without calling back; resolves when no try is in progress. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Runs a reconnection; returns what reports its success. */
  async #run(): Promise<(() => void) | undefined> {
    const { clock, limitMs, onStart, onReconnected, onAttemptFailed } = this.#options;
    const { signal } = this.#stop;
    const startedAt = clock.now();
    this.#fastFailures = 0;
    onStart();
    for (let attempt = 1;; attempt++) {
      const strategy = this.#choose(startedAt);
      this.#pending = undefined;
      try {
        await this.#options.attempt(strategy, { attempt, reason: this.#reason });
        if (signal.aborted) return undefined;
        const elapsedMs = clock.now() - startedAt;
        if (this.#pending === undefined) {
          return () => onReconnected({ strategy, attempts: attempt, elapsedMs });
        }
        // It was lost again during the try: its time and its pauses go on.
        if (elapsedMs >= limitMs) {
          return this.#giveUp(lateError(limitMs, lostAgain()));
        }
      } catch (error) {
        if (signal.aborted) return undefined;
        const isFinal = error instanceof EdgeError && !error.retryable;
        // Only a final refusal of a rejoin ends it: after any failure of a lesser strategy the
        // greater one is left.
        if (isFinal && strategy === "rejoin") return this.#giveUp(error);
        if (clock.now() - startedAt >= limitMs) {
          return this.#giveUp(lateError(limitMs, error));
        }
        onAttemptFailed(error, strategy);
        this.#escalate(strategy, error);
      }
      // A greater strategy after the failure of a lesser one does not wait.
      const wait = strategy === "rejoin" || this.#pending === "fast"
        ? backOffMs(attempt, { ...BACK_OFF, random: this.#options.random ?? BACK_OFF.random })
        : 0;
      await sleep(wait, { clock, signal }).catch(() => {});
      if (signal.aborted) return undefined;
    }
  }

  #giveUp(error: EdgeError): undefined {
    // A request of the last try begins no other reconnection.
    this.#pending = undefined;
    this.#options.onGivenUp(error);
  }

  /** Returns the next strategy: FAST needs media that flows and a session that the SFU keeps. */
  #choose(startedAt: number): Strategy {
    const { clock, isHealthy, fastDeadlineMs } = this.#options;
    const wanted = this.#pending ?? "rejoin";
    if (wanted !== "fast") return wanted;
    const isInTime = clock.now() - startedAt <= fastDeadlineMs();
    return isHealthy() && isInTime ? "fast" : "rejoin";
  }

  /**
   * Chooses the strategy after a failure. It waits for a network that is briefly away, but not for
   * an SFU that refuses. A join with another SFU tells them apart: it fails, too, where the network
   * is away, and then the SFU may still keep the session.
   */
  #escalate(failed: Strategy, error: unknown): void {
    const isAway = error instanceof EdgeError && ["unreachable", "lost"].includes(error.code);
    const isFirst = failed === "fast" && ++this.#fastFailures < FAST_TRIES;
    const next = isAway && (isFirst || failed === "rejoin") && this.#options.isHealthy()
      ? "fast"
      : "rejoin";
    if (next === "fast" && failed === "rejoin") this.#fastFailures = 0;
    if (this.#pending === undefined || RANK[next] > RANK[this.#pending]) this.#pending = next;
  }
}

function lateError(limitMs: number, error: unknown): ConnectionError {
  return new ConnectionError(
    `the call was not reconnected within ${limitMs} ms: ${messageOf(error)}`,
    { code: "reconnect-failed", cause: error },
  );
}

function lostAgain(): ConnectionError {
  return new ConnectionError("it was lost again", { code: "lost", retryable: true });
}
