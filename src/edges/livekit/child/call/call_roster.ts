/**
 * The participants of a room and their tracks, as a server describes them; it sends the agent what
 * changes. A room has each identity once, so participants are known by it: those who come back with
 * another session are the same, and keep the id that the agent knows.
 *
 * @module
 */
import {
  DisconnectReason,
  Encryption_Type,
  type ParticipantInfo,
  ParticipantInfo_Kind,
  ParticipantInfo_State,
  type TrackInfo,
  TrackSource,
  TrackType as LiveKitTrackType,
} from "@livekit/protocol";
import type { ConnectionMessage, KnownCallState } from "@ringline/edge/media/child";
import { type Clock, EdgeError, type JsonValue, TrackType } from "@ringline/edge/toolkit";
import { userIdOf } from "../../wire/user_id.ts";

/** How long those whom another media process knew may take to be seen, at least. */
const TAKEOVER_MS = 10_000;
/** The most bytes of metadata, and of attributes, that are passed on: servers take 512 KiB and more. */
const MAX_ABOUT_BYTES = 64_000;
/** The longest name that is passed on. */
const MAX_NAME = 256;
/**
 * How long one who has said goodbye may take to be back: LiveKit's clients say it, too, when they join anew
 * since their media were lost.
 */
const GOODBYE_MS = 1000;
/** Reasons for which a participant will not be back in a moment. */
const LEFT: readonly DisconnectReason[] = [
  DisconnectReason.PARTICIPANT_REMOVED,
  DisconnectReason.ROOM_DELETED,
  DisconnectReason.ROOM_CLOSED,
];

/** A participant's track. */
export interface RosterTrack {
  readonly id: string;
  readonly type: TrackType;
  readonly isEncrypted: boolean;
  muted: boolean;
}

/** What a participant says about themselves, which may change. */
export interface About {
  readonly name: string;
  readonly metadata: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** A participant of the room. */
export interface Member {
  readonly identity: string;
  /** The id that the agent knows them by: of their first session, if they have come back. */
  readonly participantId: string;
  readonly isAgent: boolean;
  /** Of their session now. */
  sid: string;
  info: ParticipantInfo;
  /** Without what is too large to be passed on. */
  about: About;
  readonly tracks: Map<string, RosterTrack>;
}

/** What {@linkcode CallRoster} needs. */
export interface CallRosterInit {
  /** Sends a message to the agent. */
  emit: (message: ConnectionMessage) => void;
  /** Milliseconds for which a participant who was lost may come back as the same one. */
  graceMs: number;
  /** What the agent knew when another media process was lost. */
  known?: KnownCallState | undefined;
  clock: Clock;
  /** A participant's tracks have changed: their media may have to be attached or detached. */
  onChange: (member: Member) => void;
  /** A participant's name, metadata or attributes have changed. */
  onUpdate: (member: Member) => void;
  /** What is said of a participant could not be passed on, or not all of it. */
  onError: (error: unknown, identity: string) => void;
}

/** The participants of a room. */
export class CallRoster {
  readonly #options: CallRosterInit;
  readonly #members = new Map<string, Member>();
  /** Those who were lost a moment ago, by identity. */
  readonly #lost = new Map<string, { participantId: string; untilMs: number }>();
  /** Until when those who are lost are those of a loss that the agent has had, too. */
  #unsettledUntilMs = -Infinity;
  #own = "";
  #hasReported = false;

  constructor(options: CallRosterInit) {
    this.#options = options;
    const { known, clock, graceMs } = options;
    const untilMs = clock.now() + Math.max(graceMs, TAKEOVER_MS);
    for (const participant of known?.participants ?? []) {
      this.#lost.set(identityOf(participant), { participantId: participant.id, untilMs });
    }
  }

  /** All participants. */
  get members(): Iterable<Member> {
    return this.#members.values();
  }

  /** The identities of all participants. */
  get identities(): IteratorObject<string> {
    return this.#members.keys();
  }

  /** Returns a participant by identity. */
  member(identity: string): Member | undefined {
    return this.#members.get(identity);
  }

  /** Returns a participant by the id that the agent knows them by. */
  byParticipantId(id: string): Member | undefined {
    return this.#members.values().find(({ participantId }) => participantId === id);
  }

  /** Returns a track and its participant, by the track's id. */
  find(id: string): { member: Member; track: RosterTrack } | undefined {
    for (const member of this.#members.values()) {
      const track = member.tracks.get(id);
      if (track) return { member, track };
    }
    return undefined;
  }

  /**
   * Takes the whole state of the room. Those who are not there any more may come back within
   * `graceMs`: after the loss of a node browsers take longer than the agent.
   */
  replace(
    own: ParticipantInfo,
    others: readonly ParticipantInfo[],
    graceMs = this.#options.graceMs,
  ): void {
    this.#own = own.identity;
    this.#unsettledUntilMs = this.#options.clock.now() + graceMs;
    const present = new Set(others.filter(isPresent).map(({ identity }) => identity));
    for (const member of [...this.#members.values()]) {
      if (!present.has(member.identity)) this.#lose(member, graceMs);
    }
    this.update(others);
    this.#reportAbsent(graceMs);
  }

  /** Those of another media process who are not here may have been lost a moment ago. */
  #reportAbsent(graceMs: number): void {
    const { known, emit } = this.#options;
    if (this.#hasReported || graceMs === 0) return;
    this.#hasReported = true;
    for (const participant of known?.participants ?? []) {
      const { id: participantId } = participant;
      if (this.#lost.get(identityOf(participant))?.participantId !== participantId) continue;
      emit({ type: "participantLost", participantId, graceMs });
    }
  }

  /** Takes what has changed. One of whom it cannot be passed on keeps none of the others from it. */
  update(participants: readonly ParticipantInfo[]): void {
    for (const info of participants) {
      try {
        this.#update(info);
      } catch (error) {
        this.#options.onError(error, info.identity);
      }
    }
  }

  #update(info: ParticipantInfo): void {
    if (info.identity === this.#own || info.kind === ParticipantInfo_Kind.EGRESS) return;
    const member = this.#members.get(info.identity);
    if (!isPresent(info)) {
      // An earlier session of a participant who is back.
      if (!member || member.sid !== info.sid) return;
      const { graceMs, clock } = this.#options;
      const { disconnectReason: reason } = info;
      if (LEFT.includes(reason)) this.#remove(member);
      else if (reason === DisconnectReason.CLIENT_INITIATED) {
        this.#lose(member, Math.min(graceMs, GOODBYE_MS));
      } else {
        // After the loss of a node an old session of theirs may end later than the agent's.
        this.#lose(member, Math.max(graceMs, this.#unsettledUntilMs - clock.now()));
      }
    } else if (!member) this.#join(info);
    else if (member.sid !== info.sid || info.version >= member.info.version) {
      this.#change(member, info);
    }
  }

  #join(info: ParticipantInfo): void {
    const lost = this.#takeLost(info.identity);
    const member: Member = {
      identity: info.identity,
      participantId: lost ?? info.sid,
      isAgent: info.kind === ParticipantInfo_Kind.AGENT,
      sid: info.sid,
      info,
      about: this.#about(info),
      tracks: new Map(),
    };
    this.#options.emit({
      type: "participantJoined",
      participant: {
        id: member.participantId,
        userId: userIdOf(info),
        name: member.about.name,
        kind: member.isAgent ? "agent" : "person",
        original: describe(info, member.about),
      },
    });
    this.#members.set(info.identity, member);
    this.#syncTracks(member);
  }

  #change(member: Member, info: ParticipantInfo): void {
    const { about: before, info: last } = member;
    member.sid = info.sid;
    member.info = info;
    if (wordsOf(last) !== wordsOf(info)) member.about = this.#about(info);
    this.#syncTracks(member);
    if (JSON.stringify(before) !== JSON.stringify(member.about)) this.#options.onUpdate(member);
  }

  /** Returns what a participant says about themselves, without what is too large; reports that. */
  #about({ identity, name, metadata, attributes }: ParticipantInfo): About {
    const short = [...name].slice(0, MAX_NAME).join("");
    const about = {
      name: short,
      metadata: bytesOf(metadata) > MAX_ABOUT_BYTES ? "" : metadata,
      attributes: fitting(attributes),
    };
    const isWhole = about.metadata === metadata &&
      Object.keys(about.attributes).length === Object.keys(attributes).length;
    if (!isWhole) {
      const text =
        `left out metadata or attributes of ${identity}: more than ${MAX_ABOUT_BYTES} bytes`;
      this.#options.onError(new EdgeError(text, { code: "too-long" }), identity);
    }
    return about;
  }

  #syncTracks(member: Member): void {
    const { emit, onChange } = this.#options;
    const { info, tracks, participantId } = member;
    const present = new Set(info.tracks.map(({ sid }) => sid));
    for (const id of [...tracks.keys()]) if (!present.has(id)) this.#removeTrack(member, id);
    for (const one of info.tracks) {
      const type = typeOf(one);
      if (type === undefined) continue;
      const track = tracks.get(one.sid);
      if (!track) {
        const isEncrypted = one.encryption !== Encryption_Type.NONE;
        tracks.set(one.sid, { id: one.sid, type, isEncrypted, muted: one.muted });
        emit({
          type: "trackAdded",
          track: { id: one.sid, type, participantId, muted: one.muted },
        });
      } else if (track.muted !== one.muted) {
        track.muted = one.muted;
        emit({ type: "trackUpdated", trackId: one.sid, muted: one.muted });
      }
    }
    onChange(member);
  }

  #removeTrack(member: Member, id: string): void {
    member.tracks.delete(id);
    this.#options.emit({ type: "trackRemoved", trackId: id });
  }

  /** They left for good, as far as the server knows. */
  #remove(member: Member): void {
    this.#takeOut(member);
    this.#options.emit({ type: "participantLeft", participantId: member.participantId });
  }

  /** Their connection was lost. */
  #lose(member: Member, graceMs: number): void {
    if (graceMs === 0) return this.#remove(member);
    const { participantId, identity } = member;
    this.#takeOut(member);
    this.#lost.set(identity, { participantId, untilMs: this.#options.clock.now() + graceMs });
    this.#options.emit({ type: "participantLost", participantId, graceMs });
  }

  #takeOut(member: Member): void {
    this.#members.delete(member.identity);
    for (const id of [...member.tracks.keys()]) this.#removeTrack(member, id);
    this.#options.onChange(member);
  }

  /** Returns, once, the id of the participant with this identity who was lost a moment ago. */
  #takeLost(identity: string): string | undefined {
    const now = this.#options.clock.now();
    for (const [one, { untilMs }] of [...this.#lost]) if (untilMs <= now) this.#lost.delete(one);
    const lost = this.#lost.get(identity);
    this.#lost.delete(identity);
    return lost?.participantId;
  }
}

/** The identity of a participant whom another media process knew. */
function identityOf({ userId, original }: KnownCallState["participants"][number]): string {
  return (original as { identity?: string } | null | undefined)?.identity ?? userId;
}

function isPresent({ state }: ParticipantInfo): boolean {
  return state !== ParticipantInfo_State.DISCONNECTED;
}

/** Returns what kind of track it is; `undefined` for data. */
function typeOf({ type, source }: TrackInfo): TrackType | undefined {
  if (type === LiveKitTrackType.AUDIO) {
    return source === TrackSource.SCREEN_SHARE_AUDIO
      ? TrackType.SCREEN_SHARE_AUDIO
      : TrackType.AUDIO;
  }
  if (type !== LiveKitTrackType.VIDEO) return undefined;
  return source === TrackSource.SCREEN_SHARE ? TrackType.SCREEN_SHARE : TrackType.VIDEO;
}

/** Returns what a participant says about themselves as a text, to compare. */
function wordsOf({ name, metadata, attributes }: ParticipantInfo): string {
  return JSON.stringify([name, metadata, Object.entries(attributes).sort()]);
}

/** Returns the bytes of a text in a message, which is JSON. */
function bytesOf(text: string): number {
  return new TextEncoder().encode(JSON.stringify(text)).length;
}

/** Returns the attributes that fit, in the order of their names: the small ones first. */
function fitting(attributes: Readonly<Record<string, string>>): Record<string, string> {
  let left = MAX_ABOUT_BYTES;
  const sized = Object.entries(attributes)
    .map((entry) => ({ entry, bytes: bytesOf(entry[0]) + bytesOf(entry[1]) }))
    .sort((a, b) => a.bytes - b.bytes);
  const kept = sized.filter(({ bytes }) => (left -= bytes) >= 0).map(({ entry }) => entry);
  return Object.fromEntries(kept.sort(([a], [b]) => a < b ? -1 : 1));
}

/** Returns what the server says about a participant, with LiveKit's names. */
function describe(info: ParticipantInfo, { name, metadata, attributes }: About): JsonValue {
  const { sid, identity, kind, joinedAtMs, joinedAt, region } = info;
  return {
    sid,
    identity,
    name,
    metadata,
    region,
    attributes: { ...attributes },
    kind: (ParticipantInfo_Kind[kind] ?? "STANDARD").toLowerCase(),
    joinedAtMs: Number(joinedAtMs) || Number(joinedAt) * 1000,
  };
}

/** Whether a track is sound. */
export function isAudio(type: TrackType): boolean {
  return type === TrackType.AUDIO || type === TrackType.SCREEN_SHARE_AUDIO;
}
