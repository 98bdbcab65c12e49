/** The contract of a speaker filter, and the one that lets all speak. @module */
import type { Participant, TrackInfo } from "../../edge/types.ts";
import type { ParticipantAudio } from "../../edge/participant_audio.ts";

/**
 * Decides whose audio the agent hears, also when one person is alone in the call. Only audio for
 * which `passes` returns `true` is heard: while it throws, or returns anything else (a promise
 * included), the audio is dropped, and the agent reports that. It is called again with the next
 * 20 ms.
 *
 * What is dropped reaches no processor and no model: it is not transcribed, gets no reply, and
 * interrupts nothing. A filter is about audio and, with `passesText`, about what people write. Video,
 * custom events, and subscribers of `edge.events` (`AudioReceivedEvent` included) come from all
 * participants.
 */
export interface SpeakerFilter {
  /**
   * Returns whether this audio passes.
   *
   * @param audio 20 ms of one participant
   * @param row the audio of all participants in the same 20 ms, `audio` included; valid during the call
   */
  passes(audio: ParticipantAudio, row: readonly ParticipantAudio[]): boolean;
  /**
   * Returns whether what this participant writes passes. Without it everything does: a filter of the
   * loudest speaker, for instance, is about audio only.
   */
  passesText?(participant: Participant): boolean;
  /** A participant has left: what was kept for them can go. */
  participantLeft?(participant: Participant): void;
  /** A track was muted or unmuted. Time limits use the clock, since no audio comes while muted. */
  trackUpdated?(track: TrackInfo): void;
}

/** The {@linkcode SpeakerFilter} that passes all participants. */
export const allowAll: SpeakerFilter = { passes: () => true };
