/** The statistics that an SFU asks for. @module */
import type { Clock } from "@ringline/edge/toolkit";
import { VERSION } from "../../wire/client.ts";
import type { SfuConnection } from "./sfu_connection.ts";
import type { SignalClient } from "./signal_client.ts";

/** The shortest interval between two reports. */
const SHORTEST_MS = 100;

/** What {@linkcode StatsReporter} needs. */
export interface StatsReporterInit {
  clock: Clock;
  /** The interval that the SFU asks for; 0 sends none. */
  intervalMs: number;
  signal: SignalClient;
  sessionId: string;
  subscriber: () => SfuConnection | undefined;
  publisher: () => SfuConnection | undefined;
}

/** Sends an SFU statistics at the interval that it asks for. */
export class StatsReporter {
  readonly #options: StatsReporterInit;
  #timer: Disposable | undefined;
  #isStopped = false;

  constructor(options: StatsReporterInit) {
    this.#options = options;
    this.#schedule();
  }

  /** Stops sending. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.[Symbol.dispose]();
  }

  #schedule(): void {
    const { clock, intervalMs } = this.#options;
    if (intervalMs <= 0 || this.#isStopped) return;
    this.#timer = clock.schedule(() => {
      this.#send()
        // A report may be lost; the socket detects a lost SFU.
        .catch(() => {})
        .finally(() => this.#schedule());
    }, Math.max(SHORTEST_MS, intervalMs));
  }

  async #send(): Promise<void> {
    const { signal, sessionId, subscriber, publisher } = this.#options;
    const [subscriberStats, publisherStats] = await Promise.all(
      [subscriber(), publisher()].map(async (one) => JSON.stringify(await one?.stats() ?? [])),
    );
    await signal.call("SendStats", {
      sessionId,
      subscriberStats,
      publisherStats,
      sdk: "ringline",
      sdkVersion: VERSION,
    });
  }
}
