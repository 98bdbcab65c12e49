/** Who may receive which of the agent's tracks. @module */
import { SubscriptionPermission, TrackPermission } from "@livekit/protocol";
import type { ClientMessage } from "../signal/signal_socket.ts";

/** A track of the agent's. */
export interface AudienceTrack {
  /** The identity of the participant who alone receives it; `undefined` for all. */
  readonly to: string | undefined;
  /** The server's name for it; `undefined` before there is one. */
  readonly sid: string | undefined;
}

/** What {@linkcode Audience} needs. */
export interface AudienceInit {
  send: (message: ClientMessage) => void;
  /** The identities of the room's participants. */
  identities: () => IteratorObject<string>;
}

/**
 * Tells the server who may receive what. While a track is for one participant alone, the server knows
 * for each participant which tracks are theirs: none receives a track that it was not told of.
 */
export class Audience {
  readonly #options: AudienceInit;
  /** What the server was told last: at first, that all may receive everything. */
  #told = new SubscriptionPermission({ allParticipants: true });
  #hasTold = false;

  constructor(options: AudienceInit) {
    this.#options = options;
  }

  /** Whether a participant is in the room. */
  has(identity: string): boolean {
    return this.#options.identities().some((one) => one === identity);
  }

  /** Tells the server what has changed. */
  update(tracks: readonly AudienceTrack[]): void {
    const permission = this.#permissionFor(tracks);
    if (permission.equals(this.#told)) return;
    this.#told = permission;
    this.#hasTold = true;
    this.#options.send({ case: "subscriptionPermission", value: permission });
  }

  /** Tells the server again what it may not have heard. */
  repeat(): void {
    if (this.#hasTold) this.#options.send({ case: "subscriptionPermission", value: this.#told });
  }

  #permissionFor(tracks: readonly AudienceTrack[]): SubscriptionPermission {
    const addressees = tracks.flatMap(({ to }) => to === undefined ? [] : [to]);
    if (addressees.length === 0) return new SubscriptionPermission({ allParticipants: true });
    // Also those who are cut off: they are to hear it when they are back.
    const identities = new Set([...this.#options.identities(), ...addressees]);
    return new SubscriptionPermission({
      trackPermissions: [...identities].map((participantIdentity) =>
        new TrackPermission({
          participantIdentity,
          trackSids: tracks.flatMap(({ to, sid }) =>
            sid !== undefined && (to === undefined || to === participantIdentity) ? [sid] : []
          ),
        })
      ),
    });
  }
}
