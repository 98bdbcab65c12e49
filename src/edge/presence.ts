/** How long an agent is in a call, how long no person is, and who may come back. @module */
import type { Clock } from "../events/clock.ts";
import type { Participant } from "./types.ts";
import { waitFor } from "../events/waiting.ts";

/** How long a participant who was lost is waited for, unless the edge says otherwise. */
export const GRACE_MS = 6000;

/** Measures how long the agent is in a call and how long no person is; waits for a person. */
export class Presence {
  readonly #clock: Clock;
  readonly #waiting = new Set<PromiseWithResolvers<Participant>>();
  /** The participants who were lost and may come back, with the ends of their grace. */
  readonly #lost = new Map<string, Disposable>();
  #establishedAt: number | undefined;
  #endedAt: number | undefined;
  /** The time since which no person has been here: by the clock, and since 1970. */
  #idle: { sinceMs: number; sinceEpochMs: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get onCallForMs(): number {
    if (this.#establishedAt === undefined) return 0;
    return (this.#endedAt ?? this.#clock.now()) - this.#establishedAt;
  }

  get idleForMs(): number {
    return this.#idle ? this.#clock.now() - this.#idle.sinceMs : 0;
  }

  get idleSinceEpochMs(): number {
    return this.#idle?.sinceEpochMs ?? 0;
  }

  /** The agent is in the call. */
  begin(): void {
    this.#establishedAt = this.#clock.now();
  }

  /** No person is here, not yet or no longer. */
  beginIdle(): void {
    // While a connection closes, its edge may still report who leaves.
    if (this.#endedAt !== undefined) return;
    this.#idle = { sinceMs: this.#clock.now(), sinceEpochMs: this.#clock.epochMs() };
  }

  /** A person is here. */
  endIdle(): void {
    this.#idle = undefined;
  }

  /** A participant was lost: calls `gone` unless they are back within `graceMs`. */
  lose(participantId: string, graceMs: number, gone: () => void): void {
    this.found(participantId);
    if (this.#endedAt !== undefined) return;
    const timer = this.#clock.schedule(() => {
      this.#lost.delete(participantId);
      gone();
    }, graceMs);
    this.#lost.set(participantId, timer);
  }

  /** A participant is back, or is not waited for any more. */
  found(participantId: string): void {
    this.#lost.get(participantId)?.[Symbol.dispose]();
    this.#lost.delete(participantId);
  }

  /** Resolves the waits for a person. */
  welcome(person: Participant): void {
    for (const waiting of this.#waiting) waiting.resolve(person);
  }

  /** Waits for the next `welcome`. */
  async waitForWelcome(
    options: { timeoutMs?: number; signal?: AbortSignal },
  ): Promise<Participant> {
    const waiting = Promise.withResolvers<Participant>();
    this.#waiting.add(waiting);
    try {
      const { promise } = waiting;
      return await waitFor(promise, "a participant joining", { ...options, clock: this.#clock });
    } finally {
      this.#waiting.delete(waiting);
    }
  }

  /** The call is over: rejects the waits for a person. */
  end(reason: Error): void {
    this.#endedAt = this.#clock.now();
    this.#idle = undefined;
    for (const id of [...this.#lost.keys()]) this.found(id);
    for (const waiting of this.#waiting) waiting.reject(reason);
  }
}
