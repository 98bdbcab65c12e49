/** The turn of a participant who writes. @module */
import type { Participant } from "../../edge/types.ts";
import { UserTurn } from "./user_turn.ts";

/** The turn of a participant who wrote: it is over as soon as it begins. */
export class WrittenTurn extends UserTurn {
  readonly #text: string;

  constructor(participant: Participant, text: string, nowMs: number) {
    super(participant, nowMs);
    this.#text = text;
    this.transcribedMs = this.endpointMs = this.endedMs = nowMs;
  }

  override get text(): string {
    return this.#text;
  }
}
