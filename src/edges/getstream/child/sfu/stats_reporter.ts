import type { Clock } from "@ringline/edge/toolkit";
import type { SfuConnection } from "./sfu_connection.ts";
import type { SignalClient } from "./signal_client.ts";

/** Statistics are sent at most this often. */
const SHORTEST_MS = 100;

/** What a {@linkcode StatsReporter} needs. */
export interface StatsReporterOptions {
  clock: Clock;
  /** How often the SFU wants statistics; 0: never. */
  intervalMs: number;
  signal: SignalClient;
  sessionId: string;
  subscriber: () => SfuConnection | undefined;
  publisher: () => SfuConnection | undefined;
}

/** Sends an SFU the statistics that it wants. */
export class StatsReporter {
  readonly #options: StatsReporterOptions;
  #timer: Disposable | undefined;
  #isStopped = false;

  constructor(options: StatsReporterOptions) {
    this.#options = options;
    this.#schedule();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.[Symbol.dispose]();
  }

  #schedule(): void {
    const { clock, intervalMs } = this.#options;
    if (intervalMs <= 0 || this.#isStopped) return;
    this.#timer = clock.schedule(() => {
      this.#send()
        // Nobody misses one report; a lost SFU is noticed elsewhere.
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
      sdkVersion: "0.1.0",
    });
  }
}
