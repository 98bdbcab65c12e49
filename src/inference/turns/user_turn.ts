import type { Participant } from "../../edge/types.ts";
import type { SpeechSegment } from "./speech_segment.ts";

/** A participant's turn: all that they say until they let others speak. Times are monotonic. */
export class UserTurn {
  readonly segments: SpeechSegment[] = [];
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

  constructor(readonly participant: Participant, readonly firstSoundMs: number) {
    this.resumedMs = this.endOfSpeechMs = firstSoundMs;
  }

  /** Whether the recogniser returned text while the participant was still speaking. */
  get hasInterimText(): boolean {
    return this.segments.some((segment) => segment.hasInterimText);
  }

  /** The text so far, of all segments. */
  get text(): string {
    return this.segments.map(({ text }) => text).filter((text) => text !== "").join(" ");
  }
}
