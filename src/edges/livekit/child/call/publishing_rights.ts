/** What the agent may publish, and what others have muted. @module */
import type { ParticipantPermission } from "@livekit/protocol";
import { type OwnKind, type OwnTracks, sourceOf } from "../session/publisher.ts";

/** A kind of track that is silenced, or heard again. */
export interface RightsChange {
  readonly kind: OwnKind;
  readonly muted: boolean;
}

const KINDS: readonly OwnKind[] = ["audio", "video"];

/** Follows the room's permissions, and mutes by others. */
export class PublishingRights {
  #permission: ParticipantPermission | undefined;
  readonly #muted = new Set<OwnKind>();

  /** Takes what the agent may do. */
  permit(permission: ParticipantPermission | undefined): RightsChange[] {
    return this.#change(() => this.#permission = permission);
  }

  /** Others mute a track, or let it be heard again. */
  mute(kind: OwnKind, muted: boolean): RightsChange[] {
    return this.#change(() => {
      if (muted) this.#muted.add(kind);
      else this.#muted.delete(kind);
    });
  }

  /** The agent publishes its tracks anew, which undoes a mute. */
  unmute(): void {
    this.#muted.clear();
  }

  /** Whether the agent may publish a kind of track now. */
  allows(kind: OwnKind): boolean {
    return this.#isPermitted(kind) && !this.#muted.has(kind);
  }

  /** Returns those of the tracks that may be published. */
  allowed(tracks: OwnTracks): OwnTracks {
    return Object.fromEntries(
      Object.entries(tracks).filter(([kind]) => this.allows(kind as OwnKind)),
    );
  }

  #isPermitted(kind: OwnKind): boolean {
    if (!this.#permission) return true;
    const { canPublish, canPublishSources } = this.#permission;
    return canPublish &&
      (canPublishSources.length === 0 || canPublishSources.includes(sourceOf(kind)));
  }

  #change(act: () => void): RightsChange[] {
    const before = KINDS.map((kind) => this.allows(kind));
    act();
    return KINDS.flatMap((kind, index) =>
      this.allows(kind) === before[index] ? [] : [{ kind, muted: !this.allows(kind) }]
    );
  }
}
