/**
 * The invitations that an edge creates and revokes.
 *
 * @module
 */
import type { Clock } from "../../events/clock.ts";
import { messageOf } from "../../events/error_text.ts";
import { checkObject, checkOptions, checkSignal, shown } from "../../events/checks.ts";
import type { Call } from "../../edge/call.ts";
import type { Grants } from "./wire/grants.ts";
import {
  expiryOf,
  invitationId,
  isInvitation,
  isSignedWith,
  signInvitation,
} from "./wire/invitation.ts";

/** How long an invitation admits unless said otherwise. */
const DAY_MS = 24 * 60 * 60 * 1000;

/** Options for `LocalEdge.invite`. */
export interface InviteOptions {
  /** Who it admits: their user id, and the name that others see. Without a name the page asks. */
  user: { readonly id: string; readonly name?: string };
  /** What they may do. Default: all. */
  grants?: Partial<Grants>;
  /** Milliseconds for which it admits. Default: a day. Those whom it has admitted stay. */
  expiresInMs?: number;
  /** Aborts the wait for the media process. */
  signal?: AbortSignal;
}

/** A revoked invitation, to be kept by an application until its time is up. It is no secret. */
export interface RevokedInvitation {
  /** Identifies it; it admits to nothing. */
  readonly id: string;
  /** When it would have expired, in milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/** The longest time for which one admits: a century. */
const MAX_MS = 100 * 365 * DAY_MS;

/** The invitations of one edge. */
export class Invitations {
  readonly #secret: string;
  readonly #clock: Clock;
  /** When those that were revoked expire, by id. */
  readonly #revoked = new Map<string, number>();

  /** @param revoked those that were revoked before */
  constructor(secret: string, clock: Clock, revoked: readonly RevokedInvitation[] = []) {
    this.#secret = secret;
    this.#clock = clock;
    if (!Array.isArray(revoked)) {
      throw new TypeError(
        `revoked: expected a list of what revoke returned, got ${shown(revoked)}`,
      );
    }
    for (const one of revoked) {
      const { id, expiresAtMs } = (one ?? {}) as Partial<RevokedInvitation>;
      if (typeof id !== "string" || typeof expiresAtMs !== "number" || Number.isNaN(expiresAtMs)) {
        throw new TypeError(`revoked: expected { id, expiresAtMs }, got ${shown(one)}`);
      }
      this.#revoked.set(id, expiresAtMs);
    }
  }

  /** The ids of those that were revoked and would still admit. */
  get revoked(): string[] {
    const now = this.#clock.epochMs();
    for (const [id, expiry] of this.#revoked) if (expiry < now) this.#revoked.delete(id);
    return [...this.#revoked.keys()];
  }

  /** Returns the token of a new one. */
  async create(call: Call, options: InviteOptions): Promise<string> {
    checkOptions(
      options,
      "options",
      { user: true, grants: true, expiresInMs: true, signal: true },
      'an object like { user: { id: "anna", name: "Anna" } }',
    );
    const { user, grants = {}, expiresInMs = DAY_MS } = options;
    checkObject(user, "user", 'an object like { id: "anna", name: "Anna" }');
    checkObject(grants, "grants", "an object like { publish: false }");
    if (typeof expiresInMs !== "number" || !(expiresInMs >= 1000 && expiresInMs <= MAX_MS)) {
      throw new RangeError(
        `expiresInMs: expected a number of milliseconds from 1000 to ${MAX_MS} (a century), ` +
          `got ${shown(expiresInMs)}`,
      );
    }
    checkSignal(options.signal, "signal");
    const issuedAtMs = this.#clock.epochMs();
    return await signInvitation(this.#secret, {
      callType: call.type,
      callId: call.id,
      user,
      grants,
      issuedAtMs,
      expiresAtMs: issuedAtMs + expiresInMs,
    });
  }

  /** Revokes one, by its link or its token. */
  async revoke(link: URL | string): Promise<RevokedInvitation> {
    if (typeof link !== "string" && !(link instanceof URL)) {
      throw new TypeError(`link: expected the link of an invitation, got ${shown(link)}`);
    }
    const text = String(link);
    const token = text.slice(text.indexOf("#") + 1);
    // Neither the link nor a part of it: it admits.
    if (!isInvitation(token)) {
      throw new TypeError(
        "link: expected the link of an invitation, got one without a token (a call's own link admits " +
          "guests, until the call ends: it cannot be revoked)",
      );
    }
    let isOurs: boolean;
    let expiresAtMs: number;
    try {
      isOurs = await isSignedWith(token, this.#secret);
      expiresAtMs = expiryOf(token);
    } catch (cause) {
      const reason = `its token is malformed (${messageOf(cause)}): pass the whole link`;
      throw new TypeError(`link: expected the link of an invitation, but ${reason}`, { cause });
    }
    if (!isOurs) {
      throw new TypeError(
        "link: the invitation was signed with another secret, so it admits to no call of this edge: " +
          "revoke it at the edge that created it",
      );
    }
    const id = invitationId(token);
    this.#revoked.set(id, expiresAtMs);
    return { id, expiresAtMs };
  }
}
