/** What stages of a pipeline are told of turns. @module */
import type { UserTurn } from "./user_turn.ts";

/**
 * Why a turn is over: the participant said nothing more for long enough, the recogniser says so, the
 * application ended it, it exceeded a limit, they left the call, or they wrote it.
 */
export type TurnEndReason = "silence" | "recogniser" | "committed" | "limit" | "left" | "written";

/** A stage that follows the turns of the participants. Of one turn, `turnEnded` comes last, once. */
export interface UserTurnObserver {
  /** The participant began to speak, or speaks again after a pause. */
  speechStarted?(turn: UserTurn): void;
  /** The turn goes on, by the owner of turns: what was begun at a pause is void. */
  turnResumed?(turn: UserTurn): void;
  /** The recogniser returned more of the text, or another text. */
  textChanged?(turn: UserTurn): void;
  /** The participant paused. */
  speechStopped?(turn: UserTurn): void;
  /** The turn is probably over and the text is final so far; it may still go on. */
  transcribed?(turn: UserTurn): void;
  /** The turn is over. Its text is empty when it was only noise. */
  turnEnded?(turn: UserTurn, reason: TurnEndReason): void;
  /** A participant left, and the last of their turns is over. */
  speakerLeft?(): void;
}

/** Returns one observer that calls several, in their order. */
export function observeInOrder(...observers: UserTurnObserver[]): Required<UserTurnObserver> {
  return {
    speechStarted: (turn) => observers.forEach((one) => one.speechStarted?.(turn)),
    turnResumed: (turn) => observers.forEach((one) => one.turnResumed?.(turn)),
    textChanged: (turn) => observers.forEach((one) => one.textChanged?.(turn)),
    speechStopped: (turn) => observers.forEach((one) => one.speechStopped?.(turn)),
    transcribed: (turn) => observers.forEach((one) => one.transcribed?.(turn)),
    turnEnded: (turn, reason) => observers.forEach((one) => one.turnEnded?.(turn, reason)),
    speakerLeft: () => observers.forEach((one) => one.speakerLeft?.()),
  };
}
