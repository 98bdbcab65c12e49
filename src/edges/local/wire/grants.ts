/**
 * What participants may do.
 *
 * @module
 */

/** What a participant may do in a call. */
export interface Grants {
  /** Send audio, a camera and a screen. Default `true`. */
  publish: boolean;
  /**
   * Receive the audio and the videos of others, and the transcript: agents' custom events whose `type` is
   * `"transcript"`. Other custom events arrive without it, too. Default `true`.
   */
  subscribe: boolean;
  /** Send custom events, which carry text to agents. Default `true`. */
  sendEvents: boolean;
}

/** The grants of a guest, and of an invitation that names none. */
export const ALL_GRANTS: Readonly<Grants> = { publish: true, subscribe: true, sendEvents: true };
