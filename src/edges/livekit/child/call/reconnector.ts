/**
 * Decides when a lost call is reconnected, how, and when to give up.
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
import type { Strategy } from "../../wire/ipc.ts";

/** The pauses between tries. */
const BACK_OFF = { firstMs: 250, maxMs: 5000, random: () => Math.random() };
/** How many servers may be silent in a row before a resumption becomes a new join. */
const RESUME_TRIES = 3;

/** Options for {@linkcode Reconnector}. */
export interface ReconnectorOptions {
  clock: Clock;
  /** The reconnector gives up after this time. */
  limitMs: number;
  /** Tries once; rejects when that fails. */
  attempt: (strategy: Strategy) => Promise<void>;
  onStart: () => void;
  onReconnected: (result: { strategy: Strategy; attempts: number; elapsedMs: number }) => void;
  onGivenUp: (error: EdgeError) => void;
  /** A try failed, and there will be another one. */
  onFailure: (error: unknown, strategy: Strategy) => void;
  random?: () => number;
}

/** Reconnects a call, one try at a time; a request during a try changes the next one. */
export class Reconnector {
  readonly #options: ReconnectorOptions;
  readonly #stop = new AbortController();
  #pending: Strategy | undefined;
  #running: Promise<void> | undefined;

  constructor(options: ReconnectorOptions) {
    this.#options = options;
  }

  /** Whether a reconnection is in progress. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Requests a reconnection; a new join includes a resumption. */
  request(strategy: Strategy): void {
    if (this.#stop.signal.aborted) return;
    if (this.#pending !== "rejoin") this.#pending = strategy;
    this.#running ??= this.#run().then((report) => {
      // What follows a reconnection finds none in progress.
      this.#running = undefined;
      if (this.#stop.signal.aborted) return;
      report?.();
      // A request may have come after the last try.
      if (this.#pending) this.request(this.#pending);
    });
  }

  /** Stops without calling back; resolves when no try is in progress. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Runs a reconnection; returns what reports its outcome. */
  async #run(): Promise<(() => void) | undefined> {
    const { clock, limitMs, onStart, onReconnected, onGivenUp, onFailure } = this.#options;
    const { signal } = this.#stop;
    const startedAt = clock.now();
    let resumptions = 0;
    onStart();
    for (let attempts = 1;; attempts++) {
      const strategy = this.#pending ?? "rejoin";
      this.#pending = undefined;
      try {
        await this.#options.attempt(strategy);
        if (signal.aborted) return undefined;
        if (this.#pending) continue;
        const elapsedMs = clock.now() - startedAt;
        return () => onReconnected({ strategy, attempts, elapsedMs });
      } catch (error) {
        if (signal.aborted) return undefined;
        const final = this.#finalError(error, strategy, clock.now() - startedAt >= limitMs);
        if (final) {
          this.#pending = undefined;
          return () => onGivenUp(final);
        }
        onFailure(error, strategy);
        const isAway = error instanceof EdgeError &&
          ["unreachable", "timeout", "lost"].includes(error.code);
        if (strategy === "resume" && isAway && ++resumptions < RESUME_TRIES) {
          this.#pending ??= "resume";
        } else this.#pending = "rejoin";
      }
      // A join does not wait for a resumption that was refused, nor the next server for the first.
      const random = this.#options.random ?? BACK_OFF.random;
      const wait = strategy === "rejoin" || this.#pending === "resume"
        ? backOffMs(attempts, { ...BACK_OFF, random })
        : 0;
      await sleep(wait, { clock, signal }).catch(() => {});
      if (signal.aborted) return undefined;
    }
  }

  /** Returns the error with which it gives up, if it does. */
  #finalError(error: unknown, strategy: Strategy, isLate: boolean): EdgeError | undefined {
    // Only a final refusal of a join ends it: a refused resumption leaves the join.
    if (strategy === "rejoin" && error instanceof EdgeError && !error.retryable) return error;
    if (!isLate) return undefined;
    return new ConnectionError(
      `the call was not reconnected within ${this.#options.limitMs} ms: ${messageOf(error)}`,
      { code: "reconnect-failed", cause: error },
    );
  }
}
