/**
 * The tokens with which a page comes back as the participant that it was: signed with the edge's secret,
 * so that they hold in the process that takes the place of another one.
 *
 * @module
 */
import { derived, sameSecret } from "./auth.ts";

/** Whom a token is of. */
export interface Resumed {
  /** The participant that they were. */
  id: string;
  /** When they were welcomed, in milliseconds since 1970. */
  issuedAtMs: number;
}

/** The tokens of one call. */
export class ResumeTokens {
  readonly #secret: string;
  readonly #call: readonly [callType: string, callId: string];

  constructor(secret: string, { callType, callId }: { callType: string; callId: string }) {
    this.#secret = secret;
    this.#call = [callType, callId];
  }

  /** Returns the token of a participant, who is this user: a guest has the same id for both. */
  issue({ id, userId }: { id: string; userId: string }, issuedAtMs: number): string {
    const issued = Math.round(issuedAtMs).toString(36);
    return `${id}.${issued}.${this.#signature(id, userId, issued)}`;
  }

  /** Reads the token of a page that has an invitation of this user, or none; `undefined` if it is wrong. */
  read(token: string, invitedUserId?: string): Resumed | undefined {
    const [id = "", issued = "", signature = ""] = token.split(".");
    const issuedAtMs = parseInt(issued, 36);
    const right = this.#signature(id, invitedUserId ?? id, issued);
    if (!sameSecret(signature, right) || !Number.isFinite(issuedAtMs)) return undefined;
    return { id, issuedAtMs };
  }

  #signature(id: string, userId: string, issued: string): string {
    return derived(
      this.#secret,
      `return to ${JSON.stringify([...this.#call, id, userId, issued])}`,
    );
  }
}
