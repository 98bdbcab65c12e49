/**
 * The participants of a call and their tracks, as an SFU describes them; it sends the agent what
 * changes. Track ids are built from the participant's session, so that they stay the same when the
 * agent's own session is replaced.
 *
 * @module
 */
import type { ConnectionMessage, KnownCallState } from "@ringline/edge/media/child";
import type { Clock, JsonValue, TrackType } from "@ringline/edge/toolkit";
import { isMarked } from "../../wire/agent_marks.ts";
import {
  type Participant as ParticipantMessage,
  ParticipantSource,
  TrackUnpublishReason,
} from "../proto/signal_pb.ts";
import { isScreen, isTrackType, mediaKey, trackId } from "./media_key.ts";

/** How long those whom another media process knew may take to be seen, at least. */
const TAKEOVER_MS = 10_000;
/** Reasons for which a microphone or a camera is silent, and stays published. */
const MUTED: readonly TrackUnpublishReason[] = [
  TrackUnpublishReason.USER_MUTED,
  TrackUnpublishReason.MODERATION,
];
/** The most participants; those beyond it are reported, and let in when others leave. */
const MAX_PARTICIPANTS = 10_000;
/** How long a participant waits for the lookup of what they are; their sound waits with them. */
const LOOK_UP_MS = 250;

/**
 * How long a further session of a user who is there waits for the end of the other one, in milliseconds:
 * Stream's client joins anew before it leaves. After that they are two devices, and two participants.
 */
const REJOIN_MS = 1000;

/** A participant's track, published at present or muted. */
export interface RosterTrack {
  readonly id: string;
  readonly type: TrackType;
  muted: boolean;
}

/** A participant of the call. */
export interface Member {
  readonly sessionId: string;
  /** The id that the agent knows them by: of their first session, if they have rejoined. */
  participantId: string;
  readonly userId: string;
  name: string;
  /** The lookup prefix of their media. */
  prefix: string;
  /** `undefined` during the lookup; the agent receives the participant after it. */
  isAgent: boolean | undefined;
  readonly tracks: Map<TrackType, RosterTrack>;
  /** What the SFU says about them, for `Participant.original`. */
  original: JsonValue;
}

/** What {@linkcode CallRoster} needs. */
export interface CallRosterInit {
  /** Sends a message to the agent. */
  emit: (message: ConnectionMessage) => void;
  /** Resolves to those of these users that are agents; never rejects. */
  findAgents: (userIds: string[]) => Promise<ReadonlySet<string>>;
  /** Milliseconds for which a participant who left may come back as the same one. */
  graceMs: number;
  /** What the agent knew when another media process was lost. */
  known?: KnownCallState | undefined;
  clock: Clock;
  /** There are more participants than the roster takes. */
  onFull?: (limit: number) => void;
  /** A participant's tracks have changed: their media may have to be attached or detached. */
  onChange: (member: Member) => void;
}

/** The participants of a call. */
export class CallRoster {
  readonly #options: CallRosterInit;
  readonly #members = new Map<string, Member>();
  /** Those who left a moment ago, the latest last: a user who rejoins has a new session. */
  #lost: { readonly member: Member; readonly untilMs: number }[] = [];
  /** Sessions that may be another user's session anew, and until when that is so. */
  readonly #waiting = new Map<Member, Disposable>();
  /** The agent's own sessions, past ones included: they are no other participant. */
  readonly #own = new Set<string>();
  /** Those beyond the limit, by session, the longest here first. */
  readonly #beyond = new Map<string, ParticipantMessage>();
  #hasReported = false;
  /** How many watch anonymously, as the agent knows; `undefined`: by another media process. */
  #viewers: number | undefined;

  constructor(options: CallRosterInit) {
    this.#options = options;
    this.#viewers = options.known ? undefined : 0;
    this.#loseAll(options.known?.participants ?? []);
  }

  /** Takes those of another media process for people who left a moment ago. */
  #loseAll(participants: KnownCallState["participants"]): void {
    const { clock, graceMs } = this.#options;
    const untilMs = clock.now() + Math.max(graceMs, TAKEOVER_MS);
    for (const { id, userId, name, kind, original } of participants) {
      const sessionId = (original as { session_id?: string } | undefined)?.session_id ?? id;
      const member: Member = {
        sessionId,
        participantId: id,
        userId,
        name,
        prefix: "",
        isAgent: kind === "agent",
        tracks: new Map(),
        original: original as JsonValue,
      };
      this.#lost.push({ member, untilMs });
    }
  }

  /** All participants. */
  get members(): Iterable<Member> {
    return this.#members.values();
  }

  /** Adds a session of the agent itself. */
  addOwn(sessionId: string): void {
    this.#own.add(sessionId);
    this.left(sessionId);
  }

  /** Whether a session is the agent's own, at present or before. */
  isOwn(sessionId: string): boolean {
    return this.#own.has(sessionId);
  }

  /** Returns a track and its participant, by the track's id. */
  find(id: string): { member: Member; track: RosterTrack } | undefined {
    for (const member of this.#members.values()) {
      for (const track of member.tracks.values()) if (track.id === id) return { member, track };
    }
    return undefined;
  }

  /**
   * Takes the whole state of the call, the number of anonymous viewers included; resolves when the agent
   * has received all participants.
   */
  async replace(participants: readonly ParticipantMessage[], viewers?: number): Promise<void> {
    this.viewersCounted(viewers ?? this.#viewers ?? 0);
    const present = new Set(participants.map(({ sessionId }) => sessionId));
    for (const sessionId of [...this.#members.keys()]) {
      if (!present.has(sessionId)) this.left(sessionId);
    }
    const taken = this.#take(participants, { isWhole: true });
    this.#reportAbsent();
    await taken;
  }

  /** Those of another media process who are not here may have left a moment ago: they are waited for. */
  #reportAbsent(): void {
    const { emit, graceMs, known } = this.#options;
    if (!known || graceMs === 0 || this.#hasReported) return;
    this.#hasReported = true;
    for (const { member: { participantId } } of this.#lost) {
      emit({ type: "participantLost", participantId, graceMs });
    }
  }

  /** Takes the number of anonymous viewers, of whom the SFU says no more. */
  viewersCounted(count: number): void {
    if (count === this.#viewers) return;
    this.#viewers = count;
    this.#options.emit({ type: "viewersCounted", count });
  }

  /** Takes a participant who joined, or has changed. */
  joined(participant: ParticipantMessage): void {
    this.#take([participant], { isWhole: false });
  }

  /** Removes a participant who left. */
  left(sessionId: string): void {
    this.#beyond.delete(sessionId);
    const member = this.#members.get(sessionId);
    if (!member) return;
    this.#members.delete(sessionId);
    const [next] = this.#beyond.values();
    if (next && this.#beyond.delete(next.sessionId)) this.joined(next);
    this.#stopWaiting(member);
    for (const track of [...member.tracks.values()]) this.#unpublish(member, track);
    this.#options.onChange(member);
    if (member.isAgent === undefined) return;
    const { emit, clock, graceMs } = this.#options;
    const { participantId } = member;
    if (graceMs === 0) return emit({ type: "participantLeft", participantId });
    this.#lost.push({ member, untilMs: clock.now() + graceMs });
    emit({ type: "participantLost", participantId, graceMs });
    for (const one of this.#waiting.keys()) {
      if (one.userId === member.userId) return this.#rejoin(one);
    }
  }

  /** Stops waiting for participants. */
  close(): void {
    for (const timer of this.#waiting.values()) timer[Symbol.dispose]();
    this.#waiting.clear();
  }

  /** The id that the agent knows a session's participant by. */
  participantIdOf(sessionId: string): string {
    return this.#members.get(sessionId)?.participantId ?? sessionId;
  }

  /** Returns, once, the participant of this session or this user who left a moment ago. */
  #takeLost(sessionId: string, userId: string): Member | undefined {
    const now = this.#options.clock.now();
    this.#lost = this.#lost.filter(({ untilMs }) => untilMs > now);
    const sameSession = this.#lost.findIndex(({ member }) => member.sessionId === sessionId);
    const index = sameSession >= 0
      ? sameSession
      : this.#lost.findLastIndex(({ member }) => member.userId === userId);
    return index < 0 ? undefined : this.#lost.splice(index, 1)[0]!.member;
  }

  /** Takes a track that was published, or unmuted. */
  published(sessionId: string, type: TrackType, participant?: ParticipantMessage): void {
    if (this.#own.has(sessionId) || !isTrackType(type)) return;
    if (participant && !this.#members.has(sessionId)) this.joined(participant);
    const member = this.#members.get(sessionId);
    if (!member) return;
    this.#publish(member, type);
    this.#options.onChange(member);
  }

  /** Takes a track that was unpublished, or muted: `cause` says which. A screen is not muted: it ends. */
  unpublished(sessionId: string, type: TrackType, cause: TrackUnpublishReason): void {
    const member = this.#members.get(sessionId);
    const track = member?.tracks.get(type);
    if (!member || !track) return;
    if (MUTED.includes(cause) && !isScreen(type)) this.#setMuted(member, track, true);
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
        if (this.#members.size >= MAX_PARTICIPANTS) {
          this.#beyond.set(sessionId, participant);
          if (this.#beyond.size === 1) this.#options.onFull?.(MAX_PARTICIPANTS);
          continue;
        }
        const before = this.#takeLost(sessionId, userId);
        member = {
          sessionId,
          participantId: before?.participantId ?? sessionId,
          userId,
          name,
          prefix: trackLookupPrefix,
          // What the SFU says needs no lookup.
          isAgent: before?.isAgent ?? (isMarked(participant.custom) || undefined),
          tracks: new Map(),
          original: describe(participant),
        };
        if (member.isAgent !== undefined) this.#emitJoined(member);
        else if (!options.isWhole && this.#mayBeAnew(userId)) this.#wait(member);
        else fresh.push(member);
        this.#members.set(sessionId, member);
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
    return fresh.length === 0 ? Promise.resolve() : this.#identify(fresh);
  }

  /** Whether this user has a session that a further one may replace. */
  #mayBeAnew(userId: string): boolean {
    return this.#options.graceMs > 0 &&
      this.#members.values().some((one) => one.userId === userId && one.isAgent !== undefined);
  }

  #wait(member: Member): void {
    const timer = this.#options.clock.schedule(() => {
      this.#waiting.delete(member);
      this.#identify([member]);
    }, REJOIN_MS);
    this.#waiting.set(member, timer);
  }

  #stopWaiting(member: Member): void {
    this.#waiting.get(member)?.[Symbol.dispose]();
    this.#waiting.delete(member);
  }

  /** The session is that of a participant who left this moment. */
  #rejoin(member: Member): void {
    this.#stopWaiting(member);
    const before = this.#takeLost(member.sessionId, member.userId);
    if (!before) return void this.#identify([member]);
    member.participantId = before.participantId;
    member.isAgent = before.isAgent;
    this.#emitWhole(member);
  }

  /** Sends the agent a participant and their tracks. */
  #emitWhole(member: Member): void {
    this.#emitJoined(member);
    for (const track of member.tracks.values()) this.#emitAdded(member, track);
    this.#options.onChange(member);
  }

  async #identify(fresh: Member[]): Promise<void> {
    const userIds = [...new Set(fresh.map(({ userId }) => userId))];
    const finding = this.#options.findAgents(userIds);
    const agents = await withinLimit(finding, this.#options.clock);
    // They may have left during the lookup.
    const isHere = (member: Member) => this.#members.get(member.sessionId) === member;
    for (const member of fresh.filter(isHere)) {
      member.isAgent = agents?.has(member.userId) ?? false;
      this.#emitWhole(member);
    }
    if (agents) return;
    // A lookup that takes long does not keep people's sound: agents are known as such when it ends.
    const late = await finding;
    for (const member of fresh.filter(isHere)) {
      if (!late.has(member.userId)) continue;
      member.isAgent = true;
      this.#emitJoined(member);
      this.#options.onChange(member);
    }
  }

  #emitJoined({ participantId: id, userId, name, isAgent, original }: Member): void {
    this.#options.emit({
      type: "participantJoined",
      participant: {
        id,
        userId,
        name,
        kind: isAgent ? "agent" : "person",
        original,
      },
    });
  }

  #publish(member: Member, type: TrackType): void {
    const existing = member.tracks.get(type);
    if (existing) return this.#setMuted(member, existing, false);
    const track: RosterTrack = { id: trackId(member.sessionId, type), type, muted: false };
    member.tracks.set(type, track);
    this.#emitAdded(member, track);
  }

  #unpublish(member: Member, track: RosterTrack): void {
    member.tracks.delete(track.type);
    if (member.isAgent === undefined) return;
    this.#options.emit({ type: "trackRemoved", trackId: track.id });
  }

  #setMuted(member: Member, track: RosterTrack, muted: boolean): void {
    if (track.muted === muted) return;
    track.muted = muted;
    if (member.isAgent === undefined) return;
    this.#options.emit({ type: "trackUpdated", trackId: track.id, muted });
  }

  #emitAdded(member: Member, { id, type, muted }: RosterTrack): void {
    if (member.isAgent === undefined) return;
    this.#options.emit({
      type: "trackAdded",
      track: { id, type, participantId: member.participantId, muted },
    });
  }
}

/** Returns what the SFU says about a participant, with Stream's names. */
function describe(participant: ParticipantMessage): JsonValue {
  const { sessionId, userId, name, image, roles, custom, source } = participant;
  return {
    session_id: sessionId,
    user_id: userId,
    name,
    image,
    roles,
    custom: custom ?? {},
    source: ParticipantSource[source]?.replace("_UNSPECIFIED", "").toLowerCase() ?? "unknown",
  };
}

/** Returns the result of a lookup, or `undefined` when it takes long. */
async function withinLimit<T>(finding: Promise<T>, clock: Clock): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  using _timer = clock.schedule(() => late.resolve(undefined), LOOK_UP_MS);
  return await Promise.race([finding, late.promise]);
}

/** Returns the key of a member's track on the wire. */
export function keyOf(member: Member, type: TrackType): string {
  return mediaKey(member.prefix, type);
}
