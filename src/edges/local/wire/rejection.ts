/**
 * Rejections and goodbyes of the server, each with a code for programs and a sentence for people.
 *
 * @module
 */

/** The sentences. None of them tells an outsider which calls exist. */
const MESSAGES = {
  "wrong-host": "This server does not serve that host name.",
  "wrong-origin": "Pages of that origin may not use this server.",
  "wrong-link": "This link is old or incomplete. Ask for a new one.",
  "refused": "What this browser sent ended the call's server twice. Join with another browser.",
  "invitation-expired": "This invitation has expired. Ask for a new one.",
  "not-allowed": "Your invitation does not allow this.",
  "room-full": "This call is full.",
  "too-many-calls": "No more calls can be started right now.",
  "too-many-sockets": "The server has too many connections right now.",
  "not-serving": "New calls cannot be started here. Ask for a link to a call.",
  "hello-timeout": "The page did not say hello in time.",
  "bad-message": "The server did not understand the page.",
  "server-failed": "The server failed.",
  "wrong-version": "This page is older or newer than the server. Reload it.",
  "message-too-large": "A message was too large.",
  "too-many-messages": "There were too many messages.",
  "too-many-candidates": "The browser offered too many network addresses.",
  "too-slow": "The connection is too slow.",
  "media-failed": "Audio and video could not connect. A firewall may block them.",
} as const;

/** Why the server rejects a page. */
export type RejectionCode = keyof typeof MESSAGES;

/** A rejection on its way to a page and to the log. */
export class Rejection extends Error {
  override name = "Rejection";
  /** `detail` goes to the log only. */
  constructor(readonly code: RejectionCode, readonly detail: string = "") {
    super(MESSAGES[code]);
  }
}

/** Why the server ends a page's call. */
export type GoodbyeCode =
  /** The agent left and the call is over. */
  | "agent-left"
  /** The call was ended for all. */
  | "call-ended"
  /** Their invitation was revoked. */
  | "removed"
  /** The agent's program is ending. */
  | "server-closing"
  /** No agent joined a call that this page started. */
  | "no-agent"
  /** The same participant came back on another socket. */
  | "replaced";

/** WebSocket close codes of this protocol. */
export const CloseCode = { REJECTED: 4001, GOODBYE: 4002, REPLACED: 4003, CUT: 4004 } as const;
