/** What speaker filters share that let one participant speak at a time. @module */
import type { Participant, TrackInfo } from "../../edge/types.ts";
import type { ParticipantAudio } from "../../edge/participant_audio.ts";
import type { SpeakerFilter } from "./speaker_filter.ts";

/** Base class of filters that pass one participant at a time, or all: decided once for each row. */
export abstract class OneAtATime implements SpeakerFilter {
  #row = NaN;
  #passing: string | undefined;

  passes(audio: ParticipantAudio, row: readonly ParticipantAudio[]): boolean {
    if (audio.row !== this.#row) {
      this.#row = audio.row;
      this.#passing = this.judge(row);
    }
    return this.#passing === undefined || this.#passing === audio.participant.id;
  }

  /** Returns the id of the participant who passes in this row; `undefined`: all pass. */
  protected abstract judge(row: readonly ParticipantAudio[]): string | undefined;

  abstract participantLeft(participant: Participant): void;

  trackUpdated(_track: TrackInfo): void {}
}
