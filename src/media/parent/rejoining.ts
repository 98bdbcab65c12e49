/** Joining a call again in the next media process, for as long as that can still succeed. @module */
import { ConnectionError, EdgeError } from "../../edge/errors.ts";
import type { Clock } from "../../events/clock.ts";
import { messageOf } from "../../events/error_text.ts";
import { backOffMs, retry } from "../../events/retry.ts";
import type { ChildLink } from "./child_link.ts";
import type { SharedConnection } from "./media_lease.ts";
import { isTimeout } from "../../events/waiting.ts";

/** Pauses between the tries: as when a call is reconnected. */
const PAUSES = { firstMs: 250, maxMs: 5000, random: () => Math.random() };

/** The tries to join a call again. A process that is lost, too, ends those that it serves. */
export class Rejoining {
  readonly #clock: Clock;
  readonly #limitMs: number;
  #stop = new AbortController();

  constructor(options: { clock: Clock; limitMs: number }) {
    this.#clock = options.clock;
    this.#limitMs = options.limitMs;
  }

  /**
   * Calls `act` until it succeeds, fails for good, or has failed after the time limit, and `onRetry`
   * before each pause; ends an earlier call.
   *
   * @throws {unknown} `act`'s own error, where another try cannot succeed
   * @throws {ConnectionError} the time is over: `reconnect-failed`
   */
  async run(
    act: (signal: AbortSignal) => Promise<void>,
    { onRetry }: { onRetry?: () => void } = {},
  ): Promise<void> {
    this.stop();
    const { signal } = this.#stop = new AbortController();
    const clock = this.#clock;
    const startedAt = clock.now();
    const waitMs = (error: unknown, tries: number): number | undefined => {
      if (!canPass(error)) return undefined;
      if (clock.now() - startedAt < this.#limitMs) {
        onRetry?.();
        return backOffMs(tries, PAUSES);
      }
      throw new ConnectionError(
        `the call was not joined again within ${this.#limitMs} ms: ${messageOf(error)}`,
        { code: "reconnect-failed", cause: error },
      );
    };
    await retry(() => act(signal), { waitMs, signal, clock });
  }

  /** Ends the tries. */
  stop(): void {
    this.#stop.abort();
  }
}

/** Whether another try can succeed: what says so, and a request without a reply in time. */
function canPass(error: unknown): boolean {
  if (error instanceof EdgeError) return error.retryable;
  return isTimeout(error);
}

/**
 * Has the connections of one call join it again in the next process. Those that succeed at their first try
 * come back together, so that none takes another for gone; one that needs more tries comes back alone.
 */
export async function rejoinTogether(
  members: readonly Pick<SharedConnection, "rejoin" | "onRestored">[],
  link: ChildLink,
): Promise<void> {
  const joined: typeof members[number][] = [];
  let isTried = false;
  await Promise.all(members.map((connection) => {
    const tried = Promise.withResolvers<void>();
    void connection.rejoin(link, { onRetry: tried.resolve }).then(() => {
      if (isTried) return restore(connection);
      joined.push(connection);
      tried.resolve();
    });
    return tried.promise;
  }));
  isTried = true;
  for (const connection of joined) restore(connection);

  function restore(connection: Pick<SharedConnection, "onRestored">): void {
    if (link.lost === undefined) connection.onRestored();
  }
}
