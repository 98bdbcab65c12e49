/** How long speech without words may hold anything up. @module */
import type { UserTurn } from "./user_turn.ts";
import type { UserTurnObserver } from "./user_turn_observer.ts";

/** Where the recogniser returns words while they are spoken, speech without any is noise. */
const INTERIM_TEXT_MS = 3000;
/** The first word comes so soon after it began. */
const FIRST_WORD_MS = 1000;
/** A recogniser that returns text at the end of a segment only cannot tell so soon. */
const FINAL_TEXT_ONLY_MS = 10_000;

/**
 * The time limit for speech that the recogniser finds no words in: a fan that the VAD takes for
 * speech neither delays the reply to another participant nor silences the agent for longer.
 */
export class UnheardSpeechTimeout implements UserTurnObserver {
  #limitMs = FINAL_TEXT_ONLY_MS;

  textChanged(turn: UserTurn): void {
    if (turn.hasInterimText) this.#limitMs = INTERIM_TEXT_MS;
  }

  /** Whether a turn has words, or sound of which it is too early to say that it has none. */
  mayBeWords(turn: UserTurn, nowMs: number): boolean {
    if (turn.text !== "") return this.remainingMs(turn, nowMs) > 0;
    const limitMs = this.#limitMs === INTERIM_TEXT_MS ? FIRST_WORD_MS : FINAL_TEXT_ONLY_MS;
    return nowMs - turn.resumedMs < limitMs;
  }

  /** Returns how much longer to wait for more text of this turn; 0 when the time is over. */
  remainingMs(turn: UserTurn, nowMs: number): number {
    const elapsedMs = nowMs - Math.max(turn.resumedMs, turn.textChangedMs);
    return Math.max(0, this.#limitMs - elapsedMs);
  }
}
