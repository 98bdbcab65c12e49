/**
 * Who is in the call and with which tracks, from what an SFU says; and which of it the agent was
 * told. Tracks are named by the participant's session, so that they keep their names when our own
 * session is another one.
 *
 * @module
 */
import type { ConnectionMessage } from "@ringline/edge/media/child";
import type { TrackType } from "@ringline/edge/toolkit";
import type { Participant as ParticipantMessage } from "../proto/signal_pb.ts";
import { isTrackType, mediaKey, trackId } from "./media_key.ts";

/** Stream's number for a track that was unpublished because its owner muted it. */
const CAUSE_MUTED = 1;
/** Nobody has so many people in a call whose tracks an agent could follow. */
const MOST_PARTICIPANTS = 1000;

/** A track of somebody, published at present or muted. */
export interface RosterTrack {
  readonly id: string;
  readonly type: TrackType;
  muted: boolean;
}

/** Somebody in the call. */
export interface Member {
  readonly sessionId: string;
  readonly userId: string;
  name: string;
  /** By which his media is found. */
  prefix: string;
  /** `undefined` while that is being looked up: the agent is told of him when it is known. */
  isAgent: boolean | undefined;
  readonly tracks: Map<TrackType, RosterTrack>;
}

/** What a {@linkcode CallRoster} needs. */
export interface CallRosterOptions {
  notify: (notice: ConnectionMessage) => void;
  /** Looks up which of these users are agents; never rejects. */
  findAgents: (userIds: string[]) => Promise<ReadonlySet<string>>;
  /** Somebody's tracks are not what they were: his media may have to be attached or let go. */
  onChange: (member: Member) => void;
}

/** Who is in the call. */
export class CallRoster {
  readonly #options: CallRosterOptions;
  readonly #members = new Map<string, Member>();
  /** Sessions of our own, past ones included: they are not somebody else. */
  readonly #own = new Set<string>();

  constructor(options: CallRosterOptions) {
    this.#options = options;
  }

  /** Everybody the agent knows of. */
  get members(): Iterable<Member> {
    return this.#members.values();
  }

  /** A session of the agent itself. */
  addOwn(sessionId: string): void {
    this.#own.add(sessionId);
    this.left(sessionId);
  }

  /** Whose track this is, and which. */
  find(id: string): { member: Member; track: RosterTrack } | undefined {
    for (const member of this.#members.values()) {
      for (const track of member.tracks.values()) if (track.id === id) return { member, track };
    }
    return undefined;
  }

  /** Takes the whole state of the call; resolves when the agent knows of everybody in it. */
  async replace(participants: readonly ParticipantMessage[]): Promise<void> {
    const present = new Set(participants.map(({ sessionId }) => sessionId));
    for (const sessionId of [...this.#members.keys()]) {
      if (!present.has(sessionId)) this.left(sessionId);
    }
    await this.#take(participants, { isWhole: true });
  }

  /** Somebody joined, or was changed. */
  joined(participant: ParticipantMessage): void {
    this.#take([participant], { isWhole: false });
  }

  /** Somebody left. */
  left(sessionId: string): void {
    const member = this.#members.get(sessionId);
    if (!member) return;
    this.#members.delete(sessionId);
    member.tracks.clear();
    this.#options.onChange(member);
    if (member.isAgent === undefined) return;
    this.#options.notify({ type: "participantLeft", participantId: sessionId });
  }

  /** A track was published, or unmuted. */
  published(sessionId: string, type: TrackType, participant?: ParticipantMessage): void {
    if (this.#own.has(sessionId) || !isTrackType(type)) return;
    if (participant && !this.#members.has(sessionId)) this.joined(participant);
    const member = this.#members.get(sessionId);
    if (!member) return;
    this.#publish(member, type);
    this.#options.onChange(member);
  }

  /** A track was unpublished, or muted: `cause` says which. */
  unpublished(sessionId: string, type: TrackType, cause: number): void {
    const member = this.#members.get(sessionId);
    const track = member?.tracks.get(type);
    if (!member || !track) return;
    if (cause === CAUSE_MUTED) this.#setMuted(member, track, true);
    else this.#unpublish(member, track);
    this.#options.onChange(member);
  }

  #take(participants: readonly ParticipantMessage[], options: { isWhole: boolean }): Promise<void> {
    const fresh: Member[] = [];
    for (const participant of participants) {
      const { sessionId, userId, name, trackLookupPrefix, publishedTracks } = participant;
      if (sessionId === "" || this.#own.has(sessionId)) continue;
      let member = this.#members.get(sessionId);
      if (!member) {
        if (this.#members.size >= MOST_PARTICIPANTS) continue;
        member = {
          sessionId,
          userId,
          name,
          prefix: trackLookupPrefix,
          isAgent: undefined,
          tracks: new Map(),
        };
        this.#members.set(sessionId, member);
        fresh.push(member);
      }
      member.name = name || member.name;
      member.prefix = trackLookupPrefix || member.prefix;
      const types = publishedTracks.map(Number).filter(isTrackType);
      for (const type of types) this.#publish(member, type);
      if (options.isWhole) {
        for (const track of [...member.tracks.values()]) {
          if (!types.includes(track.type) && !track.muted) this.#unpublish(member, track);
        }
      }
      this.#options.onChange(member);
    }
    return fresh.length === 0 ? Promise.resolve() : this.#introduce(fresh);
  }

  async #introduce(fresh: Member[]): Promise<void> {
    const userIds = [...new Set(fresh.map(({ userId }) => userId))];
    const agents = await this.#options.findAgents(userIds);
    for (const member of fresh) {
      // He may have left while he was looked up.
      if (this.#members.get(member.sessionId) !== member) continue;
      member.isAgent = agents.has(member.userId);
      this.#options.notify({
        type: "participantJoined",
        participant: {
          id: member.sessionId,
          userId: member.userId,
          name: member.name,
          kind: member.isAgent ? "agent" : "person",
          original: { session_id: member.sessionId, user_id: member.userId, name: member.name },
        },
      });
      for (const track of member.tracks.values()) this.#tellAdded(member, track);
      this.#options.onChange(member);
    }
  }

  #publish(member: Member, type: TrackType): void {
    const existing = member.tracks.get(type);
    if (existing) return this.#setMuted(member, existing, false);
    const track: RosterTrack = { id: trackId(member.sessionId, type), type, muted: false };
    member.tracks.set(type, track);
    this.#tellAdded(member, track);
  }

  #unpublish(member: Member, track: RosterTrack): void {
    member.tracks.delete(track.type);
    if (member.isAgent === undefined) return;
    this.#options.notify({ type: "trackRemoved", trackId: track.id });
  }

  #setMuted(member: Member, track: RosterTrack, muted: boolean): void {
    if (track.muted === muted) return;
    track.muted = muted;
    if (member.isAgent === undefined) return;
    this.#options.notify({ type: "trackUpdated", trackId: track.id, muted });
  }

  #tellAdded(member: Member, { id, type, muted }: RosterTrack): void {
    if (member.isAgent === undefined) return;
    this.#options.notify({
      type: "trackAdded",
      track: { id, type, participantId: member.sessionId, muted },
    });
  }
}

/** The name of a member's track on the wire. */
export function keyOf(member: Member, type: TrackType): string {
  return mediaKey(member.prefix, type);
}
