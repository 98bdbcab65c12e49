/** Whether a media process that was lost is replaced. @module */
import type { Clock } from "../../events/clock.ts";

/** A call, by what names it. */
export interface CallName {
  /** The call's type. */
  readonly type: string;
  /** Its id, among those of that type. */
  readonly id: string;
}

/** Whose message came last before a loss. */
export interface Suspect extends CallName {
  /** The user who sent it, where a participant did: a guest is a user of their own. */
  readonly userId?: string | undefined;
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
  #last: { suspect: Suspect; atMs: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Takes a loss. Returns whether another process is started, and who is refused: the user whose message
   * came last before this loss and before the previous one, a minute ago at most. Where two users of one
   * call did that, it is the call: a guest may come back under another id.
   *
   * @param suspect whose message came last before the loss, if one came right before it
   */
  lost(suspect: Suspect | undefined): { again: boolean; refused: Suspect | undefined } {
    const now = this.#clock.now();
    this.#losses = [...this.#losses.filter((at) => now - at < WITHIN_MS), now];
    // What happened long ago says nothing of this loss.
    const before = this.#last && now - this.#last.atMs < WITHIN_MS ? this.#last.suspect : undefined;
    this.#last = suspect && { suspect, atMs: now };
    const refused = suspect && before && refusedBy(before, suspect);
    return { again: this.#losses.length < LOSSES, refused };
  }
}

/** Returns what two suspects in a row have in common: a user, or at least their call. */
function refusedBy(before: Suspect, { type, id, userId }: Suspect): Suspect | undefined {
  if (!isSameCall(before, { type, id })) return undefined;
  return userId !== undefined && userId === before.userId ? { type, id, userId } : { type, id };
}
