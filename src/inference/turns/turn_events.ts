/** The public events of turns. @module */
import type { PipelineContext } from "../pipeline_context.ts";
import type { UserTurn } from "./user_turn.ts";
import type { TurnEndReason, UserTurnObserver } from "./user_turn_observer.ts";
import { SpeechStartedEvent, SpeechStoppedEvent, TurnEndedEvent } from "../contracts/events.ts";

/** Emits the public events of the participants' turns. */
export class TurnEvents implements UserTurnObserver {
  readonly #emit: PipelineContext["emit"];

  constructor({ emit }: Pick<PipelineContext, "emit">) {
    this.#emit = emit;
  }

  speechStarted({ participant, resumedMs }: UserTurn): void {
    this.#emit(new SpeechStartedEvent({ participant, atMs: resumedMs }));
  }

  speechStopped({ participant, endOfSpeechMs }: UserTurn): void {
    this.#emit(new SpeechStoppedEvent({ participant, atMs: endOfSpeechMs }));
  }

  turnEnded({ participant, text }: UserTurn, reason: TurnEndReason): void {
    if (text !== "") this.#emit(new TurnEndedEvent({ participant, text, reason }));
  }
}
