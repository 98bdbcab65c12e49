/** Whether a media process that was lost is replaced. @module */
import type { Clock } from "../../events/clock.ts";

/** A call, by what names it. */
export interface CallName {
  /** The call's type. */
  readonly type: string;
  /** Its id, among those of that type. */
  readonly id: string;
}

/** How often a process may be lost within {@linkcode WITHIN_MS}: the last one is not replaced. */
const LOSSES = 3;
const WITHIN_MS = 60_000;

/** Whether two names are of one call. */
export function isSameCall(a: CallName, b: CallName): boolean {
  return a.type === b.type && a.id === b.id;
}

/** The losses of a media process, and what follows from them. */
export class Restarts {
  readonly #clock: Clock;
  #losses: number[] = [];
  #suspect: { call: CallName; atMs: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Takes a loss. Returns whether another process is started, and the call that is not opened again: the
   * one whose message came last before this loss and before the previous one, a minute ago at most.
   *
   * @param suspect the call whose message came last before the loss, if one came right before it
   */
  lost(suspect: CallName | undefined): { again: boolean; refused: CallName | undefined } {
    const now = this.#clock.now();
    this.#losses = [...this.#losses.filter((at) => now - at < WITHIN_MS), now];
    // What happened long ago says nothing of this loss.
    const before = this.#suspect && now - this.#suspect.atMs < WITHIN_MS
      ? this.#suspect.call
      : undefined;
    this.#suspect = suspect && { call: suspect, atMs: now };
    const refused = suspect && before && isSameCall(suspect, before) ? suspect : undefined;
    return { again: this.#losses.length < LOSSES, refused };
  }
}
