/**
 * The invitations that an edge creates and revokes.
 *
 * @module
 */
import type { Clock } from "../../events/clock.ts";
import { checkObject } from "../../events/checks.ts";
import type { Call } from "../../edge/call.ts";
import type { Grants } from "./wire/grants.ts";
import { expiryOf, invitationId, isInvitation, signInvitation } from "./wire/invitation.ts";

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

/** The invitations of one edge. */
export class Invitations {
  readonly #secret: string;
  readonly #clock: Clock;
  /** When those that were revoked expire, by id. */
  readonly #revoked = new Map<string, number>();

  constructor(secret: string, clock: Clock) {
    this.#secret = secret;
    this.#clock = clock;
  }

  /** The ids of those that were revoked and would still admit. */
  get revoked(): string[] {
    const now = this.#clock.epochMs();
    for (const [id, expiry] of this.#revoked) if (expiry < now) this.#revoked.delete(id);
    return [...this.#revoked.keys()];
  }

  /** Returns the token of a new one. */
  async create(call: Call, options: InviteOptions): Promise<string> {
    checkObject(options, "options", 'an object like { user: { id: "anna", name: "Anna" } }');
    const { user, grants = {}, expiresInMs = DAY_MS } = options;
    checkObject(user, "user", 'an object like { id: "anna", name: "Anna" }');
    checkObject(grants, "grants", "an object like { publish: false }");
    if (!(expiresInMs >= 1000 && expiresInMs < Infinity)) {
      throw new RangeError(`expiresInMs must be at least 1000, got ${expiresInMs}`);
    }
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

  /** Revokes one, by its link or its token; returns its id. */
  revoke(link: URL | string): string {
    const text = String(link);
    const token = text.slice(text.indexOf("#") + 1);
    try {
      if (!isInvitation(token)) throw new TypeError("there is no token in it");
      const id = invitationId(token);
      this.#revoked.set(id, expiryOf(token));
      return id;
    } catch (cause) {
      throw new TypeError("link: expected the link of an invitation", { cause });
    }
  }
}
