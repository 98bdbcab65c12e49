/** A media process that waits for calls, so that none waits for its start. @module */
import { checkOptions } from "../../events/checks.ts";
import type { MediaLease } from "./media_lease.ts";
import type { MediaProcess } from "./media_process.ts";

/** Shares of a media process that keep it between calls. */
export class KeptMedia {
  readonly #process: MediaProcess;
  readonly #leases = new Set<MediaLease>();

  /** Keeps nothing yet. */
  constructor(process: MediaProcess) {
    this.#process = process;
  }

  /**
   * Starts the process, and keeps it until the result is disposed, or this is released.
   *
   * @throws {EdgeError} it cannot be started
   */
  async keep(options: { signal?: AbortSignal | undefined } = {}): Promise<AsyncDisposable> {
    checkOptions(options, "options", { signal: true });
    const lease = await this.#process.acquire(options);
    this.#leases.add(lease);
    return {
      [Symbol.asyncDispose]: () => {
        this.#leases.delete(lease);
        return lease.release();
      },
    };
  }

  /** Releases all of them; for the end of the edge. */
  async release(): Promise<void> {
    await Promise.all([...this.#leases].map((lease) => lease.release()));
  }
}
