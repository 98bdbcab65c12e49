/**
 * What can go wrong, as a code for programs and a sentence for people.
 *
 * @module
 */

/** What to tell a person, by code. The server's own refusals bring their sentence with them. */
const MESSAGES = {
  "insecure-context":
    "The browser gives a microphone only to pages with a secure connection. Open this call over https, or on the computer that serves it.",
  "no-webrtc": "This browser cannot make calls: it has no WebRTC, or it was switched off.",
  "no-network":
    "This browser found no network for sound and picture, and needs one even for a call on the same computer. Connect to a network (it need not reach the internet) and try again. If you are connected, a setting or an extension of the browser keeps calls from using it.",
  "microphone-refused": "The browser was not allowed to use the microphone.",
  "no-microphone": "No microphone was found.",
  "microphone-failed": "The microphone could not be opened. Another program may be using it.",
  "camera-refused": "The browser was not allowed to use the camera.",
  "no-camera": "No camera was found.",
  "camera-failed": "The camera could not be opened. Another program may be using it.",
  "screen-failed": "The screen could not be shared.",
  "wrong-link": "This link is old or incomplete. Ask for a new one.",
  "server-gone": "The server cannot be reached. The program that runs the call may have ended.",
  "agent-left": "The agent has left, and the call is over.",
  "call-ended": "The call has ended.",
  "call-lost": "The call broke down at the other end.",
  "server-closing": "The program that runs this call has ended.",
  "too-many-messages": "There were too many messages. Send fewer.",
  "no-agent": "No agent came to answer this call.",
  "replaced": "You are in this call somewhere else now.",
  "left": "You can join again for as long as it goes on.",
};

/** A failure with a code for programs (`code`) and a sentence for people (`message`). */
export class RinglineError extends Error {
  /**
   * @param {string} code one of the keys of the sentences above, or a refusal of the server's
   * @param {string} [message] the sentence, where it is not one of those above
   * @param {ErrorOptions} [options]
   */
  constructor(code, message, options) {
    super(message ?? MESSAGES[code] ?? code, options);
    this.name = "RinglineError";
    this.code = code;
  }
}
