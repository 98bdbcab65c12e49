/** What the agent publishes in a room: what it wants to, what it may, and where that comes from. @module */
import type { AgentConnection, PublishedKinds, RtcTrack } from "@ringline/edge/media/child";
import type { CallAudio } from "../session/media.ts";
import type { OwnKind, OwnTracks } from "../session/publisher.ts";
import { PublishingRights, type RightsChange } from "./publishing_rights.ts";

/** The agent's member in the mixer, and the room's listener to it. */
const AGENT = "agent";
const ROOM = "room";

/** What {@linkcode AgentTracks} needs. */
export interface AgentTracksInit {
  connection: Pick<AgentConnection, "videoTrack">;
  audio: Pick<CallAudio, "addListener" | "removeListener">;
  /** The kinds that others had muted in the media process that this one replaces. */
  moderated: readonly OwnKind[];
  /** Others have muted other kinds than before, or fewer. */
  onModerated: (kinds: OwnKind[]) => void;
  /** Others have silenced what the agent publishes, or let it be heard again. */
  onMuted: (change: RightsChange) => void;
  /** Returns the identity of a participant whom the agent knows by this id. */
  identityOf: (participantId: string) => string | undefined;
}

/** What one participant alone hears. */
interface Directed {
  readonly identity: string;
  readonly track: RtcTrack;
}

/** The agent's own tracks. */
export class AgentTracks {
  /** The agent as a member of the mixer. */
  static readonly member = { memberId: AGENT, trackId: `${AGENT}:audio`, participantId: AGENT };

  readonly #options: AgentTracksInit;
  readonly #rights: PublishingRights;
  #wanted: PublishedKinds = { audio: false, video: false };
  #voice: RtcTrack | undefined;
  /** By the ids of the participants. */
  readonly #directed = new Map<string, Directed>();
  /** What is not wanted any more, until it is published no longer. */
  readonly #ending = new Map<string, Directed>();

  constructor(options: AgentTracksInit) {
    this.#options = options;
    this.#rights = new PublishingRights(options);
  }

  /** Whether the agent may send data. */
  get maySendData(): boolean {
    return this.#rights.allowsData;
  }

  /** What it wants to publish, and may. */
  get allowed(): OwnTracks {
    const { audio, video } = this.#wanted;
    const mayTalk = this.#rights.allows("audio");
    const directed = mayTalk ? [...this.#directed.values()] : [];
    return {
      ...(audio && mayTalk ? { audio: this.#voice } : {}),
      ...(video && this.#rights.allows("video")
        ? { video: this.#options.connection.videoTrack }
        : {}),
      directed: new Map(directed.map(({ identity, track }) => [identity, track])),
    };
  }

  /**
   * Takes what the agent publishes from now on. This ends a moderator's mute, unless it is published
   * `again` in the place of another process.
   */
  want(
    tracks: PublishedKinds,
    { again, directed }: { again: boolean; directed: readonly string[] },
  ): void {
    if (tracks.audio) {
      this.#voice ??= this.#options.audio.addListener(ROOM, {
        hears: (memberId) => memberId === AGENT,
      });
    }
    this.#wanted = tracks;
    this.#direct(new Set(directed));
    if (!again) this.follow((rights) => rights.unmute());
  }

  /** Takes an order of others; returns whether it changes what the agent may publish. */
  follow(order: (rights: PublishingRights) => readonly RightsChange[]): boolean {
    const changes = order(this.#rights);
    for (const change of changes) if (this.#wants(change.kind)) this.#options.onMuted(change);
    return changes.length > 0;
  }

  /** The participants for whom nothing is to be published any more: see `release`. */
  get ending(): string[] {
    return [...this.#ending.keys()];
  }

  /** Nothing is published for these participants any more, so nothing is mixed for them. */
  release(participantIds: readonly string[]): void {
    for (const id of participantIds) {
      if (this.#ending.delete(id)) this.#options.audio.removeListener(id);
    }
  }

  #wants(kind: OwnKind): boolean {
    return this.#wanted[kind] || (kind === "audio" && this.#directed.size > 0);
  }

  #direct(participantIds: ReadonlySet<string>): void {
    const { audio, identityOf } = this.#options;
    for (const [id, one] of this.#directed) {
      if (participantIds.has(id)) continue;
      this.#directed.delete(id);
      this.#ending.set(id, one);
    }
    for (const id of participantIds) {
      if (this.#directed.has(id)) continue;
      const ending = this.#ending.get(id);
      this.#ending.delete(id);
      const identity = ending?.identity ?? identityOf(id);
      if (identity === undefined) continue;
      const track = ending?.track ?? audio.addListener(id, { hears: () => false });
      this.#directed.set(id, { identity, track });
    }
  }
}
