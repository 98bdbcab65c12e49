/**
 * When a lost call is looked for again, by which strategy, and when that is given up.
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

/** What a reconnection does, and what it is told of the call. */
export interface ReconnectorOptions {
  clock: Clock;
  /** After so long it is given up. */
  limitMs: number;
  /** Does one try; rejects when it fails. */
  attempt: (strategy: Strategy, try_: { attempt: number; reason: string }) => Promise<void>;
  /** Whether the media goes on although the socket is lost. */
  isHealthy: () => boolean;
  /** For how long the SFU keeps our place. */
  fastDeadlineMs: () => number;
  onStart: () => void;
  onRestored: (result: { strategy: Strategy; attempts: number; elapsedMs: number }) => void;
  onGivenUp: (error: EdgeError) => void;
  /** A try failed, and there will be another one. */
  onFailure: (error: unknown, strategy: Strategy) => void;
  random?: () => number;
}

/** So often in a row a lost place is claimed before another one is asked for. */
const FAST_TRIES = 2;
/** How much each strategy changes: the greater one includes the smaller. */
const RANK: Record<Strategy, number> = { fast: 0, migrate: 1, rejoin: 2 };

/** Brings a call back. One at a time: what is asked meanwhile changes what is tried next. */
export class Reconnector {
  readonly #options: ReconnectorOptions;
  readonly #stop = new AbortController();
  #pending: Strategy | undefined;
  #reason = "";
  #fastFailures = 0;
  #running: Promise<void> | undefined;

  constructor(options: ReconnectorOptions) {
    this.#options = options;
  }

  /** Whether a reconnection is under way. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Asks for a reconnection. */
  request(strategy: Strategy, reason: string): void {
    if (this.#stop.signal.aborted) return;
    if (this.#pending === undefined || RANK[strategy] > RANK[this.#pending]) {
      this.#pending = strategy;
      this.#reason = reason;
    }
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      // Asked for between the last try and now.
      const pending = this.#pending;
      if (pending && !this.#stop.signal.aborted) this.request(pending, this.#reason);
    });
  }

  /** Gives up without a word; resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, limitMs, onStart, onRestored, onGivenUp, onFailure } = this.#options;
    const { signal } = this.#stop;
    const startedAt = clock.now();
    this.#fastFailures = 0;
    onStart();
    for (let attempt = 1;; attempt++) {
      const strategy = this.#choose(startedAt);
      this.#pending = undefined;
      try {
        await this.#options.attempt(strategy, { attempt, reason: this.#reason });
        if (signal.aborted) return;
        if (this.#pending !== undefined) continue;
        return onRestored({ strategy, attempts: attempt, elapsedMs: clock.now() - startedAt });
      } catch (error) {
        if (signal.aborted) return;
        const isFinal = error instanceof EdgeError && !error.retryable;
        // Only a join that was refused for good ends it: the smaller strategies can fail with
        // anything and have the greater one left.
        if (isFinal && strategy === "rejoin") return onGivenUp(error);
        if (clock.now() - startedAt >= limitMs) {
          return onGivenUp(
            new ConnectionError(
              `the call was not found again within ${limitMs} ms: ${messageOf(error)}`,
              { code: "reconnect-failed", cause: error },
            ),
          );
        }
        onFailure(error, strategy);
        this.#escalate(strategy, error);
      }
      // A greater strategy after the failure of a lesser one does not wait.
      const wait = strategy === "rejoin" || this.#pending === "fast"
        ? backOffMs(attempt, { ...BACK_OFF, random: this.#options.random ?? BACK_OFF.random })
        : 0;
      await sleep(wait, { clock, signal }).catch(() => {});
      if (signal.aborted) return;
    }
  }

  /** FAST needs media that goes on, and a place that is kept. */
  #choose(startedAt: number): Strategy {
    const { clock, isHealthy, fastDeadlineMs } = this.#options;
    const wanted = this.#pending ?? "rejoin";
    if (wanted !== "fast") return wanted;
    const isInTime = clock.now() - startedAt <= fastDeadlineMs();
    return isHealthy() && isInTime ? "fast" : "rejoin";
  }

  /**
   * A network that is away for a moment is waited for, an SFU that says no is not. Which of the two
   * it is shows when a join elsewhere is tried: that fails, too, where the network is away, and then
   * our place in the SFU may still be kept.
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
