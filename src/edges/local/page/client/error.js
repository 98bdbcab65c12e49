/**
 * The errors of the client: a code for programs and a sentence for people.
 *
 * @module
 */

/** Sentences for people, by code. The server's rejections carry their own sentence. */
const MESSAGES = {
  "insecure-context":
    "The browser gives a microphone only to pages with a secure connection. Open this call over https, or on the computer that serves it.",
  "no-webrtc": "This browser cannot make calls: WebRTC is missing or turned off.",
  "no-network":
    "This browser found no network for audio and video, and needs one even for a call on the same computer. Connect to a network (it need not reach the internet) and try again. If you are connected, a setting or an extension of the browser blocks it for calls.",
  "microphone-denied": "The browser may not use the microphone.",
  "no-microphone": "No microphone was found.",
  "microphone-failed": "The microphone could not be opened. Another program may be using it.",
  "camera-denied": "The browser may not use the camera.",
  "no-camera": "No camera was found.",
  "camera-failed": "The camera could not be opened. Another program may be using it.",
  "screen-failed": "The screen could not be shared.",
  "wrong-link": "This link is old or incomplete. Ask for a new one.",
  "server-gone": "The server cannot be reached. It may be starting again, or have ended.",
  "agent-left": "The agent has left, and the call is over.",
  "call-ended": "The call has ended.",
  "call-lost": "The server lost the call.",
  "server-closing": "The program that runs this call has ended.",
  "too-many-messages": "There were too many messages. Send fewer.",
  "removed": "You were removed from this call.",
  "no-agent": "No agent joined this call.",
  "replaced": "You joined this call in another window or on another device.",
  "left": "You can join again while the call goes on.",
};

/** A failure with a code for programs (`code`) and a sentence for people (`message`). */
export class RinglineError extends Error {
  /**
   * @param {string} code a key of the sentences above, or the code of a rejection by the server
   * @param {string} [message] the sentence. Default: the one for the code
   * @param {ErrorOptions} [options]
   */
  constructor(code, message, options) {
    super(message ?? MESSAGES[code] ?? code, options);
    this.name = "RinglineError";
    this.code = code;
  }
}
