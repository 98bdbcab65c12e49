/**
 * Every "no" of the server, with a code for programs and a sentence for people.
 *
 * @module
 */

/** The sentences. None of them tells an outsider what exists here. */
const MESSAGES = {
  "wrong-host": "This server does not answer to that name.",
  "wrong-origin": "Pages of that origin may not use this server.",
  "wrong-link": "This link is old or incomplete. Ask for a new one.",
  "room-full": "This call is full.",
  "too-many-calls": "No more calls can be started right now.",
  "too-many-sockets": "The server has too many connections right now.",
  "not-serving": "New calls cannot be started here. Ask for a link to a call.",
  "hello-timeout": "The connection said nothing and was closed.",
  "bad-message": "The server did not understand the page.",
  "server-failed": "Something went wrong in the server.",
  "wrong-version": "This page is older or newer than the server. Load it again.",
  "message-too-large": "A message was too large.",
  "too-many-messages": "There were too many messages.",
  "too-many-candidates": "The browser offered too many network addresses.",
  "too-slow": "The connection is too slow.",
  "media-failed": "Sound and picture could not get through. A firewall may be in the way.",
} as const;

/** Why the server says no. */
export type RejectionCode = keyof typeof MESSAGES;

/** A "no" that is on its way to a page and to the log. */
export class Rejection extends Error {
  override name = "Rejection";
  /** `detail` goes to the log only. */
  constructor(readonly code: RejectionCode, readonly detail: string = "") {
    super(MESSAGES[code]);
  }
}

/** Why a page is told goodbye. */
export type GoodbyeCode =
  /** The agent left and the call is over. */
  | "agent-left"
  /** The call was ended for everybody. */
  | "call-ended"
  /** The agent's program ends. */
  | "server-closing"
  /** Nobody came to answer a call that was started here. */
  | "no-agent"
  /** The same person came back on another socket. */
  | "replaced";

/** WebSocket close codes of our own. */
export const CloseCode = { REFUSED: 4001, GOODBYE: 4002, REPLACED: 4003, CUT: 4004 } as const;
