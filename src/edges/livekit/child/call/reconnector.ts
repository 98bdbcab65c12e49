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
/**
 * How many servers may be silent in a row before a resumption becomes a new join, where the session carries
 * no media any more: a join ends what it carries.
 */
const RESUME_TRIES = 3;
/** How long a session must last until its loss is one of its own. */
const LASTING_MS = 5000;

/** What {@linkcode Reconnector} needs. */
export interface ReconnectorInit {
  clock: Clock;
  /** The reconnector gives up after this time without a session, that of brief sessions not counted. */
  limitMs: number;
  /** Tries once; rejects when that fails. The signal is aborted when there is another request. */
  attempt: (strategy: Strategy, signal: AbortSignal) => Promise<void>;
  /**
   * Resolves with whether more of the session's media have arrived since it was asked last: then only its
   * socket is lost. Asked after each try that failed.
   */
  hasMedia: () => Promise<boolean>;
  onStart: () => void;
  onReconnected: (result: { strategy: Strategy; attempts: number; elapsedMs: number }) => void;
  onGivenUp: (error: EdgeError) => void;
  /** A try failed, and there will be another one. */
  onAttemptFailed: (error: unknown, strategy: Strategy) => void;
  random?: () => number;
}

/** Reconnects a call, one try at a time; a request during a try ends it, and changes the next one. */
export class Reconnector {
  readonly #options: ReconnectorInit;
  readonly #stop = new AbortController();
  /** The try in progress. */
  #attempt = new AbortController();
  #pending: Strategy | undefined;
  #running: Promise<void> | undefined;
  /** When the call was lost last, the tries since a session that lasted, and the time without one in these. */
  #lostAt = 0;
  #tries = 0;
  #awayMs = 0;
  #connectedAt = -Infinity;

  constructor(options: ReconnectorInit) {
    this.#options = options;
  }

  /** Whether a reconnection is in progress. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Resolves when no reconnection is in progress. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Requests a reconnection; a new join includes a resumption. */
  request(strategy: Strategy): void {
    if (this.#stop.signal.aborted) return;
    if (this.#pending !== "rejoin") this.#pending = strategy;
    this.#attempt.abort(lostAgain());
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
    const { clock, onStart, onReconnected, onGivenUp, onAttemptFailed } = this.#options;
    const { signal } = this.#stop;
    const lostAt = clock.now();
    this.#lostAt = lostAt;
    if (lostAt - this.#connectedAt >= LASTING_MS) {
      this.#tries = 0;
      this.#awayMs = 0;
    }
    let resumptions = 0;
    let waits = this.#tries > 0;
    onStart();
    for (let attempts = 1;; attempts++) {
      if (waits) await this.#backOff();
      if (signal.aborted) return undefined;
      const strategy = this.#pending ?? "rejoin";
      const error = await this.#try(strategy);
      if (signal.aborted) return undefined;
      if (error === undefined) {
        this.#connectedAt = clock.now();
        const elapsedMs = this.#connectedAt - lostAt;
        this.#awayMs += elapsedMs;
        return () => onReconnected({ strategy, attempts, elapsedMs });
      }
      const final = this.#finalError(error, strategy);
      if (final) {
        this.#pending = undefined;
        return () => onGivenUp(final);
      }
      onAttemptFailed(error, strategy);
      const hasMedia = await this.#options.hasMedia().catch(() => false);
      if (signal.aborted) return undefined;
      const isAway = error instanceof EdgeError &&
        ["unreachable", "timeout", "lost"].includes(error.code);
      const next = this.#pending ?? (strategy === "resume" && isAway ? "resume" : "rejoin");
      const mayResume = ++resumptions < RESUME_TRIES || hasMedia;
      this.#pending = next === "resume" && mayResume ? "resume" : "rejoin";
      // A join does not wait for a resumption that was refused, nor the next server for the first.
      waits = strategy === "rejoin" || this.#pending === "resume";
    }
  }

  /** Tries once; returns the error, also where it was lost again meanwhile. */
  async #try(strategy: Strategy): Promise<unknown> {
    this.#pending = undefined;
    this.#tries++;
    this.#attempt = new AbortController();
    const signal = AbortSignal.any([this.#attempt.signal, this.#stop.signal]);
    try {
      await this.#options.attempt(strategy, signal);
      return this.#attempt.signal.reason;
    } catch (error) {
      return error ?? lostAgain();
    }
  }

  async #backOff(): Promise<void> {
    const { clock, random = BACK_OFF.random } = this.#options;
    const ms = backOffMs(this.#tries, { ...BACK_OFF, random });
    await sleep(ms, { clock, signal: this.#stop.signal }).catch(() => {});
  }

  /** Returns the error with which it gives up, if it does. */
  #finalError(error: unknown, strategy: Strategy): EdgeError | undefined {
    // Only a final refusal of a join ends it: a refused resumption leaves the join.
    if (strategy === "rejoin" && error instanceof EdgeError && !error.retryable) return error;
    const { clock, limitMs } = this.#options;
    // The call was there between losses that follow each other closely: such time does not count.
    if (this.#awayMs + clock.now() - this.#lostAt < limitMs) return undefined;
    return new ConnectionError(
      `the call was not reconnected within ${limitMs} ms: ${messageOf(error)}`,
      { code: "reconnect-failed", cause: error },
    );
  }
}

function lostAgain(): ConnectionError {
  const text = "the call was lost again while it was reconnected";
  return new ConnectionError(text, { code: "lost", retryable: true });
}
