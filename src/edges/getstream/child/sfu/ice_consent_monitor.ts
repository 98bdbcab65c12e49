/** The monitor that detects when the other end of a connection is gone. @module */
import type { Clock } from "@ringline/edge/toolkit";

/** How often the monitor reads the statistics. */
const POLL_MS = 1000;
/** Requests without a response for so long mean that the other end is gone. */
const DEAD_MS = 5000;
/** The fewest unanswered requests that count as such a silence. */
const FEWEST_REQUESTS = 2;

/** What {@linkcode IceConsentMonitor} needs. */
export interface IceConsentMonitorInit {
  clock: Clock;
  /** Returns wrtc's statistics of a connection; empty while it is not used. */
  stats: () => Promise<readonly Record<string, unknown>[]>;
  /** The path is dead; called once each time. */
  onDead: () => void;
  /** The path is alive again. */
  onAlive: () => void;
}

/**
 * Detects that the other end of a connection is gone, by the consent checks of ICE: it sends a
 * request every 2.5 s at least and counts the responses. ICE itself takes 18 s to report a loss.
 */
export class IceConsentMonitor {
  readonly #options: IceConsentMonitorInit;
  #timer: Disposable | undefined;
  /** The responses that each pair of candidates has received. */
  #responses = new Map<unknown, number>();
  #requests = 0;
  #respondedAt = 0;
  #isDead = false;
  #stopped = false;

  constructor(options: IceConsentMonitorInit) {
    this.#options = options;
    this.#schedule();
  }

  /** Stops monitoring. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.[Symbol.dispose]();
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.schedule(() => {
      this.#poll().catch(() => {}).finally(() => this.#schedule());
    }, POLL_MS);
  }

  async #poll(): Promise<void> {
    const reports = await this.#options.stats();
    if (this.#stopped) return;
    const known = this.#responses;
    this.#responses = new Map();
    let requests = 0;
    let isAlive = false;
    for (const { type, id, requestsSent, responsesReceived } of reports) {
      if (type !== "candidate-pair") continue;
      requests += Number(requestsSent) || 0;
      const responses = Number(responsesReceived) || 0;
      this.#responses.set(id, responses);
      // By pair: after a restart of ICE there are new ones, which count from zero, and the first
      // response of one of them proves the path.
      const before = known.get(id) ?? 0;
      if (responses > before || (responses > 0 && responses < before)) isAlive = true;
    }
    const now = this.#options.clock.now();
    if (isAlive || requests < this.#requests || requests === 0) {
      this.#requests = requests;
      this.#respondedAt = now;
      if (isAlive && this.#isDead) {
        this.#isDead = false;
        this.#options.onAlive();
      }
      return;
    }
    if (this.#isDead || now - this.#respondedAt < DEAD_MS) return;
    if (requests - this.#requests < FEWEST_REQUESTS) return;
    this.#isDead = true;
    this.#options.onDead();
  }
}
