import type { Participant, TrackInfo } from "../../edge/types.ts";
import type { HeardSpeech } from "../pipelines/pipeline.ts";

/**
 * Decides who is heard: what an agent takes as `speakerFilter`. All of them judge whole rows, so that
 * audio which comes late and at once is judged as it was spoken. They are asked about one who is
 * alone in the call too.
 */
export interface SpeakerPolicy {
  /** Whether this is heard; `row` is what was heard of everybody during the same 20 ms. */
  passes(audio: HeardSpeech, row: readonly HeardSpeech[]): boolean;
  /** Somebody has left. */
  participantLeft(participant: Participant): void;
  /** A track was muted or unmuted. */
  trackUpdated(track: TrackInfo): void;
}

/** A policy that lets one person pass at a time, or everybody: judged once for each row. */
export abstract class OneAtATime implements SpeakerPolicy {
  #row = NaN;
  #passing: string | undefined;

  passes(audio: HeardSpeech, row: readonly HeardSpeech[]): boolean {
    if (audio.row !== this.#row) {
      this.#row = audio.row;
      this.#passing = this.judge(row);
    }
    return this.#passing === undefined || this.#passing === audio.participant.id;
  }

  /** Who has the floor during this row, by participant id; `undefined`: nobody, and all pass. */
  protected abstract judge(row: readonly HeardSpeech[]): string | undefined;

  abstract participantLeft(participant: Participant): void;

  trackUpdated(_track: TrackInfo): void {}
}
