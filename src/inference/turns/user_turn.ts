/** A participant's turn, as it grows. @module */
import type { Participant } from "../../edge/types.ts";

/** A text of the recogniser, as a turn takes it. */
export interface TurnText {
  readonly text: string;
  readonly final: boolean;
  readonly language?: string;
}

/** A participant's turn: all that they say until they let others speak. Times are monotonic. */
export class UserTurn {
  /** When the current speech began: the first sound after a pause. */
  resumedMs: number;
  /** When the latest sound of speech was. */
  endOfSpeechMs: number;
  /** When the text changed last; 0 before. */
  textChangedMs = 0;
  /** When the text was final for the pause that ended the turn. */
  transcribedMs = 0;
  /** When the pause had lasted as long as the turn detector asked for. */
  endpointMs = 0;
  /** When the turn was over; 0 before. */
  endedMs = 0;
  /** How often speech began in this turn: what was started in one pause is void in the next. */
  resumptions = 0;
  /** Whether the recogniser returned text while the participant was still speaking. */
  hasInterimText = false;
  /** Whether the owner of turns says that it is one: a recogniser may not have said so yet. */
  isConfirmed = true;
  /** The recognised language as a BCP 47 tag, where known. */
  language: string | undefined;
  readonly #final: string[] = [];
  #interim = "";

  constructor(readonly participant: Participant, readonly firstSoundMs: number) {
    this.resumedMs = this.endOfSpeechMs = firstSoundMs;
  }

  /** The text so far. */
  get text(): string {
    return [...this.#final, this.#interim].filter((text) => text !== "").join(" ");
  }

  /** Forgets the text: the application does not want it. */
  clearText(): void {
    this.#final.length = 0;
    this.#interim = "";
  }

  /** Takes a text of the recogniser, which replaces the interim text before it. */
  addText({ text, final, language }: TurnText): void {
    this.#interim = final ? "" : text.trim();
    if (final) this.#final.push(text.trim());
    this.language = language ?? this.language;
  }
}
