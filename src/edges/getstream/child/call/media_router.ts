/**
 * Routes the media of a call's participants: audio to the room's mixer, video to the agent's
 * subscriptions. The SFU's event and the media may arrive in either order.
 *
 * @module
 */
import type { AgentConnection, RtcTrack } from "@ringline/edge/media/child";
import { keyOf, type Member, type RosterTrack } from "./call_roster.ts";
import type { CallAudio } from "../sfu/media.ts";
import { isAudio } from "./media_key.ts";

/** A source of media. */
export interface MediaOrigin {
  track(key: string): RtcTrack | undefined;
  /** Whether a track can be used yet. Default: always. */
  isFlowing?(track: RtcTrack): boolean;
}

/** The part of the agent's connection that a router needs. */
export type RouterConnection = Pick<
  AgentConnection,
  "audioSubscription" | "isSubscribed" | "setVideoSource"
>;

interface Attached {
  readonly memberId: string;
  readonly track: RtcTrack;
  readonly isAudio: boolean;
}

/** Attaches the media of participants, and detaches it. */
export class MediaRouter {
  readonly #audio: Pick<CallAudio, "addSource" | "removeSource" | "setMuted">;
  readonly #connection: RouterConnection;
  readonly #attached = new Map<string, Attached>();
  /** The sources of media, the newest first; several during a handover. */
  #origins: readonly MediaOrigin[] = [];

  constructor(
    audio: Pick<CallAudio, "addSource" | "removeSource" | "setMuted">,
    connection: RouterConnection,
  ) {
    this.#audio = audio;
    this.#connection = connection;
  }

  /** Sets the sources of media; call `syncAll` afterwards. */
  set origins(origins: readonly MediaOrigin[]) {
    this.#origins = origins;
  }

  /** Returns the media of a track, if it has arrived. */
  find(member: Member, track: RosterTrack): RtcTrack | undefined {
    const key = keyOf(member, track.type);
    let fallback: RtcTrack | undefined;
    for (const origin of this.#origins) {
      const media = origin.track(key);
      if (!media) continue;
      if (origin.isFlowing?.(media) ?? true) return media;
      fallback ??= media;
    }
    return fallback;
  }

  /** Counts the audible tracks that do not come from this origin. */
  countElsewhere(origin: MediaOrigin, members: Iterable<Member>): number {
    let count = 0;
    for (const member of members) {
      for (const track of member.tracks.values()) {
        const attached = this.#attached.get(track.id);
        if (!attached?.isAudio || track.muted) continue;
        if (origin.track(keyOf(member, track.type)) !== attached.track) count++;
      }
    }
    return count;
  }

  /** Attaches and detaches media so that it matches all members' tracks. */
  syncAll(members: Iterable<Member>): void {
    for (const member of members) this.sync(member);
  }

  /** Attaches and detaches media so that it matches one member's tracks. */
  sync(member: Member): void {
    const ids = new Set([...member.tracks.values()].map(({ id }) => id));
    for (const [id, { memberId }] of [...this.#attached]) {
      if (memberId === member.sessionId && !ids.has(id)) this.#detach(id);
    }
    // The agent could not name a speaker whom it has not received.
    if (member.isAgent === undefined) return;
    for (const track of member.tracks.values()) this.#syncTrack(member, track);
  }

  #syncTrack(member: Member, track: RosterTrack): void {
    const attached = this.#attached.get(track.id);
    // During a handover the old media stays until the new media can be used.
    const media = this.find(member, track) ?? attached?.track;
    if (!media) return;
    const { sessionId, participantId } = member;
    if (isAudio(track.type)) {
      if (member.isAgent && !this.#connection.audioSubscription.agents) {
        // It may have been taken for a person.
        if (attached) this.#detach(track.id);
        return;
      }
      if (attached?.track === media) return this.#audio.setMuted(track.id, track.muted);
      this.#audio.addSource({
        memberId: sessionId,
        trackId: track.id,
        participantId,
        track: media,
        muted: track.muted,
      });
    } else {
      if (attached?.track === media) return;
      if (this.#connection.isSubscribed(track.id)) this.#connection.setVideoSource(track.id, media);
    }
    this.#attached.set(track.id, {
      memberId: sessionId,
      track: media,
      isAudio: isAudio(track.type),
    });
  }

  #detach(id: string): void {
    const attached = this.#attached.get(id);
    this.#attached.delete(id);
    if (attached?.isAudio) this.#audio.removeSource(id);
    else if (this.#connection.isSubscribed(id)) this.#connection.setVideoSource(id, undefined);
  }
}
