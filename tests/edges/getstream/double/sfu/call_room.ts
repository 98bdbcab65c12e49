/** The members of one call on all SFUs, and the media that each receives. @module */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RtcTrack } from "../../../../../src/media/webrtc/rtc_types.ts";
import {
  type ParticipantSchema,
  type TrackSubscription,
  TrackType,
} from "../../../../../src/edges/getstream/child/proto/signal_pb.ts";
import type { Forward } from "./downlink.ts";
import type { Leg, Payload } from "./leg.ts";
import { type Picture, Voice } from "./media_sources.ts";
import { Recorder } from "./recorder.ts";

const TRACK_NAMES: Record<number, string> = {
  [TrackType.AUDIO]: "TRACK_TYPE_AUDIO",
  [TrackType.VIDEO]: "TRACK_TYPE_VIDEO",
  [TrackType.SCREEN_SHARE]: "TRACK_TYPE_SCREEN_SHARE",
  [TrackType.SCREEN_SHARE_AUDIO]: "TRACK_TYPE_SCREEN_SHARE_AUDIO",
};
const CAUSE_MUTED = 1;

/** The number of publications: no two in a row have the same letters. */
let publications = 0;

/** A member of the call: over the network (with legs), or inside the SFU. */
export class Member {
  readonly prefix = crypto.randomUUID().replaceAll("-", "").slice(0, 16);
  readonly muted = new Set<TrackType>();
  readonly announced = new Set<TrackType>();
  /** The tracks of a member inside the SFU. */
  readonly own = new Map<TrackType, { track: RtcTrack; stop(): void }>();
  subscriptions: readonly TrackSubscription[] = [];
  /** The current leg; a migration has another one. */
  leg: Leg | undefined;
  nextLeg: Leg | undefined;
  removal: ReturnType<typeof setTimeout> | undefined;
  statsReports = 0;
  readonly #streamIds = new Map<TrackType, string>();

  constructor(
    readonly userId: string,
    readonly sessionId: string,
    readonly name: string,
    /** Whether they only watch: they are counted, and the others do not learn of them. */
    readonly isAnonymous = false,
  ) {}

  get legs(): Leg[] {
    return [this.leg, this.nextLeg].filter((leg) => leg !== undefined);
  }

  track(type: TrackType): RtcTrack | undefined {
    return this.own.get(type)?.track ?? this.leg?.tracks.get(type);
  }

  /**
   * The id of the stream that a track is sent as, in three parts like a real SFU's: lookup prefix,
   * type, and two characters that mean nothing to a client and change with every publication.
   */
  streamId(type: TrackType): string {
    let id = this.#streamIds.get(type);
    if (id === undefined) {
      const letters = (publications++ % 36 ** 2).toString(36).padStart(2, "0");
      id = `${this.prefix}:${TRACK_NAMES[type]}:${letters}`;
      this.#streamIds.set(type, id);
    }
    return id;
  }

  renewStreamId(type: TrackType): void {
    this.#streamIds.delete(type);
  }

  get types(): TrackType[] {
    return [...new Set([...this.own.keys(), ...this.leg?.tracks.keys() ?? []])];
  }

  describe(): MessageInitShape<typeof ParticipantSchema> {
    return {
      userId: this.userId,
      sessionId: this.sessionId,
      name: this.name,
      trackLookupPrefix: this.prefix,
      publishedTracks: [...this.announced],
      joinedAt: { seconds: BigInt(Math.floor(Date.now() / 1000)) },
    };
  }
}

/** What a user may publish. */
export interface Rights {
  audio: boolean;
  video: boolean;
}

/** One call. */
export class Room {
  /** By user id: what the service said last. */
  readonly rights = new Map<string, Rights>();
  readonly members = new Map<string, Member>();
  readonly recorders = new Map<string, Recorder>();
  /** Whether media comes before the event that announces it. */
  mediaFirst = false;
  /** How many more watch anonymously than are here over the network. */
  anonymous = 0;
  readonly #levels: ReturnType<typeof setInterval>;

  constructor(readonly cid: string) {
    this.#levels = setInterval(() => this.#sendLevels(), 200);
  }

  /** Those of whom the others learn. */
  get participants(): Member[] {
    return [...this.members.values()].filter(({ isAnonymous }) => !isAnonymous);
  }

  get participantCount(): { total: number; anonymous: number } {
    const anonymous = this.anonymous + this.members.size - this.participants.length;
    return { total: this.participants.length + anonymous, anonymous };
  }

  recorder(userId: string): Recorder {
    let recorder = this.recorders.get(userId);
    if (!recorder) this.recorders.set(userId, recorder = new Recorder());
    return recorder;
  }

  /** Whether a user may publish tracks of a type. */
  mayPublish(userId: string, type: TrackType): boolean {
    const { audio = true, video = true } = this.rights.get(userId) ?? {};
    return type === TrackType.AUDIO ? audio : type === TrackType.VIDEO ? video : true;
  }

  add(member: Member): void {
    this.members.set(member.sessionId, member);
    if (member.isAnonymous) return;
    this.send({
      case: "participantJoined",
      value: { callCid: this.cid, participant: member.describe() },
    }, member);
  }

  /** Adds a member inside the SFU. */
  addPerson(init: { userId: string; name: string }): Member {
    const member = new Member(init.userId, crypto.randomUUID(), init.name);
    this.add(member);
    return member;
  }

  /** Publishes a microphone or a camera of a person. */
  publish(member: Member, type: TrackType, source: Voice | Picture): void {
    member.own.get(type)?.stop();
    member.own.set(type, source);
    this.sync();
  }

  unpublish(member: Member, type: TrackType): void {
    member.own.get(type)?.stop();
    member.own.delete(type);
    member.renewStreamId(type);
    this.sync();
  }

  setMuted(member: Member, type: TrackType, muted: boolean): void {
    const source = member.own.get(type);
    if (source instanceof Voice) source.track.enabled = !muted;
    if (muted) member.muted.add(type);
    else member.muted.delete(type);
    this.sync();
  }

  async remove(member: Member): Promise<void> {
    clearTimeout(member.removal);
    if (!this.members.delete(member.sessionId)) return;
    if (!member.isAnonymous) {
      const participant = member.describe();
      this.send({ case: "participantLeft", value: { callCid: this.cid, participant } });
    }
    for (const source of member.own.values()) source.stop();
    this.sync();
    await Promise.all(member.legs.map((leg) => leg.close()));
  }

  /** Sends an event to all members. */
  send(payload: Payload, except?: Member): void {
    for (const member of this.members.values()) {
      if (member !== except) { for (const leg of member.legs) leg.send(payload); }
    }
  }

  /** When set, it receives what the members over the network say. */
  onHeard: ((userId: string, ms: number) => void) | undefined;

  /** Updates events, media and recordings after a change of the published tracks. */
  sync(): void {
    const emit = () => {
      for (const member of this.members.values()) this.#emitTracks(member);
    };
    if (this.mediaFirst) setTimeout(emit, 300);
    else emit();
    const recorded = new Map<string, Member>();
    for (const member of this.members.values()) {
      // A member who came back is recorded by the session that joined last.
      if (!member.leg) continue;
      recorded.set(member.userId, member);
      if (this.onHeard) {
        this.recorder(member.userId).onHeard = (ms) => {
          this.onHeard?.(member.userId, ms);
        };
      }
    }
    for (const [userId, recorder] of this.recorders) {
      const member = recorded.get(userId);
      recorder.listen(member?.track(TrackType.AUDIO));
      recorder.watch(member?.track(TrackType.VIDEO));
    }
    for (const member of this.members.values()) {
      for (const leg of member.legs) leg.forward(this.#forwards(member));
    }
  }

  /** Completes a migration once the new leg's media flows; the new leg becomes the current one. */
  async migrate(member: Member): Promise<void> {
    const next = member.nextLeg;
    if (!next) return;
    const announcedAudio = member.leg?.tracks.has(TrackType.AUDIO) ?? false;
    while (!next.isClosed && (announcedAudio || next.isPublishing) && !await next.isFlowing()) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    if (next.isClosed || member.nextLeg !== next) return;
    const old = member.leg;
    member.leg = next;
    member.nextLeg = undefined;
    this.#leaving.add(old!);
    this.sync();
    old?.send({ case: "participantMigrationComplete", value: {} });
    // The client closes it; this limits one that does not.
    setTimeout(() => old?.close(), 10_000);
  }

  /** Old legs of migrations, which still receive media. */
  readonly #leaving = new Set<Leg>();

  async close(): Promise<void> {
    clearInterval(this.#levels);
    await Promise.all([...this.members.values()].map((member) => this.remove(member)));
    await Promise.all([...this.#leaving].map((leg) => leg.close()));
    for (const recorder of this.recorders.values()) {
      recorder.listen(undefined);
      recorder.watch(undefined);
    }
  }

  #emitTracks(member: Member): void {
    const { userId, sessionId } = member;
    const published = new Set(member.types.filter((type) => !member.muted.has(type)));
    for (const type of published) {
      if (member.announced.has(type)) continue;
      member.announced.add(type);
      const participant = member.describe();
      this.send(
        { case: "trackPublished", value: { userId, sessionId, type, participant } },
        member,
      );
    }
    for (const type of [...member.announced]) {
      if (published.has(type)) continue;
      member.announced.delete(type);
      const cause = member.muted.has(type) ? CAUSE_MUTED : 0;
      this.send({ case: "trackUnpublished", value: { userId, sessionId, type, cause } }, member);
    }
  }

  #forwards(listener: Member): Forward[] {
    const forwards: Forward[] = [];
    for (const member of this.members.values()) {
      if (member === listener) continue;
      for (const type of member.types) {
        const track = member.track(type);
        const isWanted = type === TrackType.AUDIO ||
          listener.subscriptions.some((one) =>
            one.sessionId === member.sessionId && one.trackType === type
          );
        if (!track || !isWanted) continue;
        forwards.push({ key: member.streamId(type), track });
      }
    }
    return forwards;
  }

  #sendLevels(): void {
    const audioLevels = [...this.members.values()].flatMap((member) => {
      const tone = member.own.get(TrackType.AUDIO);
      if (!(tone instanceof Voice)) return [];
      const { userId, sessionId } = member;
      const level = member.muted.has(TrackType.AUDIO) ? 0 : tone.amplitude;
      return [{ userId, sessionId, level, isSpeaking: level > 0.05 }];
    });
    if (audioLevels.length > 0) this.send({ case: "audioLevelChanged", value: { audioLevels } });
  }
}
