import type { Turn } from "./user_turn.ts";

/** With a recogniser that gives words while they are said, speech without any is noise. */
const WORDLESS_MS = 3000;
/** One that gives them at the end only cannot tell so soon. */
const UNKNOWN_MS = 10_000;

/**
 * How long somebody is waited for of whom nothing more is understood: a fan that is taken for
 * speech keeps nobody else from an answer, and the agent from nothing that it says.
 */
export class UnheardSpeechTimeout {
  #limitMs = UNKNOWN_MS;

  /** More of what he says was understood. */
  understood(turn: Turn): void {
    if (turn.isAhead) this.#limitMs = WORDLESS_MS;
  }

  /** How long he is waited for still, if he says nothing that is understood; 0 for no longer. */
  leftMs(turn: Turn, nowMs: number): number {
    const sinceMs = nowMs - Math.max(turn.resumedMs, turn.understoodMs);
    return Math.max(0, this.#limitMs - sinceMs);
  }
}
