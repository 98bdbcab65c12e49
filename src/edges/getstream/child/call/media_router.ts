/**
 * Brings the media of a call's participants to where it belongs: sound into the room's mixer,
 * pictures to the agent's subscriptions. Announcement and media may come in either order.
 *
 * @module
 */
import type { AgentConnection, RtcTrack } from "@ringline/edge/media/child";
import { keyOf, type Member, type RosterTrack } from "./call_roster.ts";
import type { CallAudio } from "../sfu/media.ts";
import { isAudio } from "./media_key.ts";

/** A place that media comes from. */
export interface MediaOrigin {
  track(key: string): RtcTrack | undefined;
  /** Whether what it has can be used yet; anything can unless given. */
  isFlowing?(track: RtcTrack): boolean;
}

/** The agent's port, as far as media is concerned. */
export type RouterPort = Pick<
  AgentConnection,
  "audioSubscription" | "isSubscribed" | "setVideoSource"
>;

interface Attached {
  readonly memberId: string;
  readonly track: RtcTrack;
  readonly isAudio: boolean;
}

/** Attaches and lets go. */
export class MediaRouter {
  readonly #audio: Pick<CallAudio, "addSource" | "removeSource" | "setMuted">;
  readonly #port: RouterPort;
  readonly #attached = new Map<string, Attached>();
  /** Where media comes from: the newest first; several while one session takes over. */
  #origins: readonly MediaOrigin[] = [];

  constructor(
    audio: Pick<CallAudio, "addSource" | "removeSource" | "setMuted">,
    port: RouterPort,
  ) {
    this.#audio = audio;
    this.#port = port;
  }

  /** Sets where media comes from; `syncAll` is to be called afterwards. */
  set origins(origins: readonly MediaOrigin[]) {
    this.#origins = origins;
  }

  /** The media of a track, if it is there. */
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

  /** How many tracks are heard that do not come from this origin. */
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

  /** Brings everybody's media in line with what is known of them. */
  syncAll(members: Iterable<Member>): void {
    for (const member of members) this.sync(member);
  }

  /** Brings one member's media in line with what is known of him. */
  sync(member: Member): void {
    const ids = new Set([...member.tracks.values()].map(({ id }) => id));
    for (const [id, { memberId }] of [...this.#attached]) {
      if (memberId === member.sessionId && !ids.has(id)) this.#detach(id);
    }
    // Before the agent knows him, it could not say who it hears.
    if (member.isAgent === undefined) return;
    for (const track of member.tracks.values()) this.#syncTrack(member, track);
  }

  #syncTrack(member: Member, track: RosterTrack): void {
    const attached = this.#attached.get(track.id);
    // While a session takes over, what is there stays until there is something better.
    const media = this.find(member, track) ?? attached?.track;
    if (!media) return;
    const { sessionId } = member;
    if (isAudio(track.type)) {
      if (member.isAgent && !this.#port.audioSubscription.agents) return;
      if (attached?.track === media) return this.#audio.setMuted(track.id, track.muted);
      this.#audio.addSource({
        memberId: sessionId,
        trackId: track.id,
        participantId: sessionId,
        track: media,
        muted: track.muted,
      });
    } else {
      if (attached?.track === media) return;
      if (this.#port.isSubscribed(track.id)) this.#port.setVideoSource(track.id, media);
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
    else if (this.#port.isSubscribed(id)) this.#port.setVideoSource(id, undefined);
  }
}
