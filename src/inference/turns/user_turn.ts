import type { Participant } from "../../edge/types.ts";
import type { SpeechSegment } from "./speech_segment.ts";

/** Somebody's turn: what he says until he lets others speak. */
export class Turn {
  readonly stretches: SpeechSegment[] = [];
  /** When what he is saying now began: the first sound after a pause. */
  resumedMs: number;
  /** When his latest sound was. */
  endOfSpeechMs: number;
  /** When more of it was understood, the last time; 0 before. */
  understoodMs = 0;
  /** When the text was final for the pause that ended the turn. */
  transcribedMs = 0;
  /** When a pause of the length that was asked for had passed. */
  silentMs = 0;
  endedMs = 0;
  /** Whether he speaks right now. */
  isSpeaking = true;
  /** Counts the pauses: what was begun in one is void in the next. */
  pauses = 0;

  constructor(readonly participant: Participant, readonly firstSoundMs: number) {
    this.resumedMs = this.endOfSpeechMs = firstSoundMs;
  }

  /** Whether anything of it was understood while he spoke. */
  get isAhead(): boolean {
    return this.stretches.some((one) => one.isAhead);
  }

  /** All that was understood so far. */
  get text(): string {
    return this.stretches.map((one) => one.text).filter((text) => text !== "").join(" ");
  }
}
