/** The sources of a worker, while it takes their jobs. @module */
import type { JobFeed, JobSource, JobWorker, WorkerLoad } from "../edge/jobs.ts";
import { checkMethods } from "../events/checks.ts";
import type { Clock } from "../events/clock.ts";
import { promised, type Report } from "../events/user_code.ts";
import { waitFor } from "../events/waiting.ts";

/** Limit for each step of a source. */
const STEP_MS = 5000;

/** What {@linkcode SourceFeeds} needs. */
export interface SourceFeedsInit {
  sources: readonly JobSource[];
  clock: Clock;
  report: Report;
}

/** What the sources of a worker announce jobs by. A source that fails disturbs no other. */
export class SourceFeeds {
  readonly #init: SourceFeedsInit;
  readonly #feeds: JobFeed[] = [];
  #isDraining = false;

  constructor(init: SourceFeedsInit) {
    this.#init = init;
  }

  /** Opens all sources; throws what one of them throws, or the signal's reason. */
  async open(worker: JobWorker, signal: AbortSignal): Promise<void> {
    await Promise.all(this.#init.sources.map(async (source) => {
      const feed = await promised(() => source.openJobs(worker, { signal }));
      checkMethods(feed, "openJobs", "a JobFeed, e.g. { close() {} }", ["close"]);
      if (signal.aborted) return void await this.#step("closing a source", () => feed.close());
      this.#feeds.push(feed);
      // The worker has begun to stop while this source opened.
      if (this.#isDraining) this.#drain(feed);
    }));
    signal.throwIfAborted();
  }

  update(load: WorkerLoad): void {
    for (const feed of this.#feeds) {
      void this.#step("telling a source of the load", () => feed.update?.(load));
    }
  }

  drain(): void {
    this.#isDraining = true;
    for (const feed of this.#feeds) this.#drain(feed);
  }

  /** Closes all sources. Never rejects. */
  async close(): Promise<void> {
    const feeds = this.#feeds.splice(0);
    await Promise.all(feeds.map((feed) => this.#step("closing a source", () => feed.close())));
  }

  #drain(feed: JobFeed): void {
    void this.#step("stopping a source", () => feed.drain?.());
  }

  /** Runs a step of a source, within a limit; its failure is reported. */
  async #step(what: string, act: () => void | Promise<void>): Promise<void> {
    const { clock, report } = this.#init;
    const limit = { timeoutMs: STEP_MS, clock };
    await waitFor(promised(act), what, limit).catch((error) => report(error, what));
  }
}
