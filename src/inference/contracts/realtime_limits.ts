/** What sessions with realtime models have in common, whichever service they are with. @module */

/** Limits of a session with a realtime model over a socket. */
export const REALTIME_LIMITS: {
  /** The most bytes that may wait in the socket: audio that waits for seconds is too old. */
  readonly maxBufferedBytes: number;
  /** A socket that takes no audio for so many milliseconds is lost. */
  readonly maxDroppedMs: number;
  /** How long the service may take to change the session, in milliseconds. */
  readonly updateMs: number;
  /** How long before its end a session is said to end, in milliseconds. */
  readonly endingMs: number;
} = { maxBufferedBytes: 400_000, maxDroppedMs: 10_000, updateMs: 5000, endingMs: 60_000 };

/** The code of the error for a request while a reply is in progress, which the service may have begun. */
export const REALTIME_BUSY = "conversation_already_has_active_response";
