/**
 * Routes the media of a room's participants: sound to the mixer, pictures to the agent's subscriptions.
 * What the server says of a track and its media may come in either order.
 *
 * @module
 */
import type { AgentConnection, RtcTrack } from "@ringline/edge/media/child";
import type { CallAudio } from "../session/media.ts";
import { isAudio, type Member, type RosterTrack } from "./call_roster.ts";

/** The part of the agent's connection that a router needs. */
export type RouterConnection = Pick<AgentConnection, "isSubscribed" | "setVideoSource">;

interface Attached {
  readonly identity: string;
  readonly media: RtcTrack;
  readonly isAudio: boolean;
}

/** Attaches the media of participants, and detaches it. */
export class MediaRouter {
  readonly #audio: Pick<CallAudio, "addSource" | "removeSource" | "setMuted">;
  readonly #connection: RouterConnection;
  /** Returns the media of a track that the agent is subscribed to. */
  readonly #find: (trackId: string) => RtcTrack | undefined;
  readonly #attached = new Map<string, Attached>();

  constructor(
    audio: Pick<CallAudio, "addSource" | "removeSource" | "setMuted">,
    connection: RouterConnection,
    find: (trackId: string) => RtcTrack | undefined,
  ) {
    this.#audio = audio;
    this.#connection = connection;
    this.#find = find;
  }

  /** Attaches and detaches media so that it matches all members' tracks. */
  syncAll(members: Iterable<Member>): void {
    for (const member of members) this.sync(member);
  }

  /** Attaches and detaches media so that it matches one member's tracks. */
  sync(member: Member): void {
    for (const [id, { identity }] of [...this.#attached]) {
      if (identity === member.identity && !member.tracks.has(id)) this.#detach(id);
    }
    for (const track of member.tracks.values()) this.#syncTrack(member, track);
  }

  #syncTrack({ identity, participantId }: Member, { id, type, muted }: RosterTrack): void {
    const attached = this.#attached.get(id);
    const media = this.#find(id);
    if (!media) {
      if (attached) this.#detach(id);
      return;
    }
    if (isAudio(type)) {
      if (attached?.media === media) return this.#audio.setMuted(id, muted);
      this.#audio.addSource({
        // Not their identity, which may be any text: also the one that the agent has in the mixer.
        memberId: participantId,
        trackId: id,
        participantId,
        track: media,
        muted,
      });
    } else {
      if (attached?.media === media) return;
      if (this.#connection.isSubscribed(id)) this.#connection.setVideoSource(id, media);
    }
    this.#attached.set(id, { identity, media, isAudio: isAudio(type) });
  }

  #detach(id: string): void {
    const attached = this.#attached.get(id);
    this.#attached.delete(id);
    if (attached?.isAudio) this.#audio.removeSource(id);
    else if (this.#connection.isSubscribed(id)) this.#connection.setVideoSource(id, undefined);
  }
}
