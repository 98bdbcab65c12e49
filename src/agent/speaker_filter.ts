import type { Participant, TrackInfo } from "../edge/types.ts";
import type { HeardAudio } from "./processor.ts";

/**
 * Decides whom the processors hear when several people are in the call. It is not asked while there
 * is only one. A filter that throws lets everybody pass and is reported: nobody goes unheard
 * because of it.
 */
export interface SpeakerFilter {
  /**
   * Whether this passes.
   *
   * @param audio 20 ms of one participant
   * @param row what was heard of everybody during the same 20 ms, `audio` included
   */
  passes(audio: HeardAudio, row: readonly HeardAudio[]): boolean;
  /** Somebody has left: what was kept for him can go. */
  participantLeft?(participant: Participant): void;
  /** A track was muted or unmuted. Time limits use the clock, since no audio comes while muted. */
  trackUpdated?(track: TrackInfo): void;
}

/** The {@linkcode SpeakerFilter} that filters nobody. */
export const everybodyPasses: SpeakerFilter = { passes: () => true };
