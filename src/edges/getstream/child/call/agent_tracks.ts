/** The agent's own tracks: what it wants to publish, what it may, and what it knows of that. @module */
import { TrackType } from "@ringline/edge/toolkit";
import type { MutedTrack } from "../../wire/ipc.ts";
import type { OwnTracks } from "../sfu/publisher.ts";
import { PublishingRights, type RightsChange } from "./publishing_rights.ts";

type Kind = MutedTrack["track"];

const TYPES = { audio: TrackType.AUDIO, video: TrackType.VIDEO } as const;
const KINDS = ["audio", "video"] as const;

/** What {@linkcode AgentTracks} needs. */
export interface AgentTracksInit {
  /** What others had muted in the media process that this one replaces. */
  before: readonly MutedTrack[];
  /** Others have muted a track that the agent publishes, or let it be heard again. */
  onMuted: (track: Kind, muted: boolean) => void;
  /** All tracks that are muted now, for a process that replaces this one. */
  onChange: (muted: MutedTrack[]) => void;
}

/** The agent's own tracks, by its will and by the orders of others. */
export class AgentTracks {
  readonly #options: AgentTracksInit;
  readonly #rights = new PublishingRights();
  /** The tracks that the agent publishes and that others have muted, as it knows. */
  readonly #told: Set<Kind>;
  /** What `onChange` was told last. */
  #reported: readonly MutedTrack[];
  /** `undefined` while nothing is published yet, or again. */
  #wanted: OwnTracks | undefined;

  constructor(options: AgentTracksInit) {
    this.#options = options;
    const { before } = options;
    this.#reported = before;
    this.#told = new Set(before.map(({ track }) => track));
    for (const { track, by } of before) {
      if (by === "moderator") this.#rights.mute(TYPES[track]);
      else this.#rights.withdraw(TYPES[track]);
    }
  }

  /** What the agent wants to publish. */
  get wanted(): OwnTracks {
    return this.#wanted ?? {};
  }

  /** What it wants to publish, and may. */
  get allowed(): OwnTracks {
    return this.#rights.allowed(this.wanted);
  }

  /**
   * Takes what the agent publishes from now on, which ends a moderator's mute, unless it is published
   * `again` in the place of another process.
   */
  want(tracks: OwnTracks, { again }: { again: boolean }): void {
    this.#wanted = tracks;
    if (!again) this.#rights.unmute();
    // A right may have returned while the process was replaced. Else the agent unmutes itself.
    this.#emit({ unmuted: again });
  }

  /** Takes an order of others; returns whether it changes what the agent may publish. */
  follow(order: (rights: PublishingRights) => readonly RightsChange[]): boolean {
    const isChanged = order(this.#rights).length > 0;
    // Also of what was muted before: it may be by others now.
    if (this.#wanted) this.#emit({ unmuted: true });
    return isChanged;
  }

  #emit({ unmuted }: { unmuted: boolean }): void {
    const { wanted, allowed } = this;
    for (const kind of KINDS) {
      const isMuted = wanted[kind] !== undefined && allowed[kind] === undefined;
      if (isMuted === this.#told.has(kind)) continue;
      if (isMuted) this.#told.add(kind);
      else this.#told.delete(kind);
      if (isMuted || (unmuted && wanted[kind])) this.#options.onMuted(kind, isMuted);
    }
    const muted = this.#muted;
    if (isSame(muted, this.#reported)) return;
    this.#reported = muted;
    this.#options.onChange(muted);
  }

  get #muted(): MutedTrack[] {
    return [...this.#told].map((track) => ({
      track,
      by: this.#rights.isModerated(TYPES[track]) ? "moderator" : "rights",
    }));
  }
}

function isSame(some: readonly MutedTrack[], others: readonly MutedTrack[]): boolean {
  return some.length === others.length &&
    some.every(({ track, by }) => others.some((one) => one.track === track && one.by === by));
}
