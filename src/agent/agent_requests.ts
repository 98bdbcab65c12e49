/** Requests to an agent that its program need not await. @module */
import type { Clock } from "../events/clock.ts";
import { promised, type Report, UserHook } from "../events/user_code.ts";
import { ClosedError } from "../edge/errors.ts";

/** What {@linkcode AgentRequests} needs. */
export interface AgentRequestsInit {
  clock: Clock;
  /** Returns whether the agent is leaving, or has left. */
  isClosing: () => boolean;
  report: Report;
}

/**
 * Runs requests whose failure rejects their promise and is reported, but does not end a program that
 * does not await them.
 */
export class AgentRequests {
  readonly #hook: UserHook<Promise<unknown>, AbortSignal | undefined>;

  constructor({ clock, isClosing, report }: AgentRequestsInit) {
    this.#hook = new UserHook(async (request, signal) => {
      try {
        await request;
      } catch (error) {
        // The caller aborted it, or knows that the agent is closed.
        if (!signal?.aborted && !isClosing() && !(error instanceof ClosedError)) throw error;
      }
    }, { clock, report, context: "a request to the agent" });
  }

  /** Returns what the call returns; a request that `options.signal` has aborted is not reported. */
  run<T>(call: () => Promise<T>, options?: { signal?: AbortSignal }): Promise<T> {
    const request = promised(call);
    void this.#hook.run(request, options?.signal);
    return request;
  }
}
