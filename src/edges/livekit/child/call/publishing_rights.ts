/** What the agent may publish and send, and what others have muted. @module */
import type { ParticipantPermission } from "@livekit/protocol";
import { type OwnKind, sourceOf } from "../session/publisher.ts";

/** A kind of track that is silenced, or heard again. */
export interface RightsChange {
  readonly kind: OwnKind;
  readonly muted: boolean;
}

const KINDS: readonly OwnKind[] = ["audio", "video"];

/** Options for {@linkcode PublishingRights}. */
export interface PublishingRightsOptions {
  /** The kinds that others had muted in the media process that this one replaces. */
  moderated?: readonly OwnKind[];
  /** Others have muted other kinds than before, or fewer. */
  onModerated?: (kinds: OwnKind[]) => void;
}

/** Follows the room's permissions, and mutes by others. */
export class PublishingRights {
  readonly #onModerated: (kinds: OwnKind[]) => void;
  #permission: ParticipantPermission | undefined;
  readonly #muted: Set<OwnKind>;

  constructor({ moderated = [], onModerated = () => {} }: PublishingRightsOptions = {}) {
    this.#muted = new Set(moderated);
    this.#onModerated = onModerated;
  }

  /** Takes what the agent may do. */
  permit(permission: ParticipantPermission | undefined): RightsChange[] {
    return this.#change(() => this.#permission = permission);
  }

  /** Others mute a track, or let it be heard again. */
  mute(kind: OwnKind, muted: boolean): RightsChange[] {
    return this.#change(() => {
      if (this.#muted.has(kind) === muted) return;
      if (muted) this.#muted.add(kind);
      else this.#muted.delete(kind);
      this.#onModerated([...this.#muted]);
    });
  }

  /** The agent publishes its tracks anew, which undoes a mute. */
  unmute(): RightsChange[] {
    if (this.#muted.size === 0) return [];
    return this.#change(() => {
      this.#muted.clear();
      this.#onModerated([]);
    });
  }

  /** Whether the agent may publish a kind of track now. */
  allows(kind: OwnKind): boolean {
    return this.#isPermitted(kind) && !this.#muted.has(kind);
  }

  /** Whether the agent may send data now: servers drop that of others. */
  get allowsData(): boolean {
    return this.#permission?.canPublishData ?? true;
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
