import type { Participant, TrackInfo } from "../../edge/types.ts";
import type { ParticipantAudio } from "../../edge/participant_audio.ts";

/**
 * Decides whose audio the agent hears, also when one person is alone in the call. Only those of
 * whom `passes` says `true` are heard: while it throws, or answers with anything else (a promise
 * included), the audio it was asked about is dropped, and that is reported. It is asked again with
 * the next 20 ms.
 *
 * What is dropped reaches no processor and no model: it is not transcribed, not answered, and
 * interrupts nothing. A filter is about audio only. Video, text, custom events, and subscribers of
 * `edge.events` (`AudioReceivedEvent` included) come from everybody in the call.
 */
export interface SpeakerFilter {
  /**
   * Whether this passes.
   *
   * @param audio 20 ms of one participant
   * @param row what was heard of everybody during the same 20 ms, `audio` included; valid during
   *   the call
   */
  passes(audio: ParticipantAudio, row: readonly ParticipantAudio[]): boolean;
  /** A participant has left: what was kept for them can go. */
  participantLeft?(participant: Participant): void;
  /** A track was muted or unmuted. Time limits use the clock, since no audio comes while muted. */
  trackUpdated?(track: TrackInfo): void;
}

/** The {@linkcode SpeakerFilter} that filters nobody. */
export const allowEveryone: SpeakerFilter = { passes: () => true };
