/**
 * One call: participants in browsers and agents, and which messages they receive about each other.
 *
 * @module
 */
import type { ParticipantAudioStats, PublishedKinds } from "../../../media/child/contract.ts";
import type { KnownCallState } from "../../../media/wire/messages.ts";
import type { RtcTrack } from "../../../media/webrtc/rtc_types.ts";
import type { Clock } from "../../../events/clock.ts";
import { checkCustomEvent } from "../../../edge/custom_event.ts";
import { checkWrittenText } from "../../../edge/written_text.ts";
import type { JsonValue } from "../../../edge/types.ts";
import { AudioLevels } from "./audio_levels.ts";
import type { LocalLimits } from "../wire/limits.ts";
import {
  agentData,
  agentParticipant,
  agentTracks,
  participantData,
  participantTracks,
  type RoomAgentEntry,
} from "./members.ts";
import { BrowserParticipant, type ParticipantRoom } from "./browser_participant.ts";
import { type GoodbyeCode, Rejection } from "../wire/rejection.ts";
import type { Invitation } from "../wire/invitation.ts";
import type { RoomConnection, RoomMedia } from "./room_media.ts";
import { RoomTracks } from "./room_tracks.ts";
import type { PacketMs } from "../../../media/webrtc/sdp.ts";
import type { RtcSettings } from "../wire/settings.ts";
import type { Resumed, ResumeTokens } from "../wire/resume.ts";
import type { Hello, PageParticipant, ServerMessage } from "../wire/signalling.ts";
import type { Socket } from "./socket.ts";
import { PublishedTrackList } from "./published_tracks.ts";

/** How much longer agents wait for a lost participant than the room, which tells them the outcome. */
const AGENT_GRACE_MS = 2000;

/** How long after their welcome those whose invitation has expired come back to another program. */
const RETURN_MS = 24 * 60 * 60 * 1000;

/** So many people hear each other as fast as can be; those who come to more cost a fifth less. */
const SMALL_CALL = 8;
/** The pause between two connections whose figures are read, and what all pauses take at most. */
const STATS_PAUSE_MS = 100;
const STATS_MS = 4000;

/** Options for a {@linkcode Room}. */
export interface RoomInit {
  media: RoomMedia;
  clock: Clock;
  limits: LocalLimits;
  rtc: RtcSettings;
  /** The tokens with which pages come back. */
  resume: ResumeTokens;
  /** Throws a `Rejection` when there is no room for another participant, whichever call they are in. */
  assertSpace?(): void;
  /** What a user's page sent is about to reach WebRTC; resolves when that is on record. */
  handling(userId: string): Promise<void>;
  /** Whether this user's messages ended the media process twice. Default: no user's did. */
  isRefused?(userId: string): boolean;
  log(line: string): void;
  /** The last agent left, or {@linkcode Room.end} was called. Called once. */
  onEnd(): void;
}

/** A call. It ends with its last agent. */
export class Room implements ParticipantRoom {
  readonly media: RoomMedia;
  readonly clock: Clock;
  readonly limits: LocalLimits;
  readonly rtc: RtcSettings;
  readonly #options: RoomInit;
  readonly #participants = new Map<string, BrowserParticipant>();
  readonly #agents = new Map<number, RoomAgentEntry>();
  /** The participants' tracks, as the agents know them. */
  readonly #tracks = new PublishedTrackList();
  readonly #media: RoomTracks;
  readonly #levels: AudioLevels;
  readonly #openedAtMs: number;
  #ended = false;

  constructor(options: RoomInit) {
    this.#options = options;
    this.media = options.media;
    this.clock = options.clock;
    this.#openedAtMs = options.clock.epochMs();
    this.limits = options.limits;
    this.rtc = options.rtc;
    const { audio } = options.media;
    const participants = this.#participants;
    this.#media = new RoomTracks({ audio, participants, agents: this.#agents });
    this.#levels = new AudioLevels({
      audio,
      participants,
      clock: options.clock,
      onSpeaker: () => this.#media.chooseVideos(),
    });
  }

  /** How many participants are here, those who are cut off included. */
  get participantCount(): number {
    return this.#participants.size;
  }

  /** How many agents are here. */
  get agentCount(): number {
    return this.#agents.size;
  }

  /** All members, as pages see them. */
  get members(): PageParticipant[] {
    return [
      ...[...this.#agents.values()].map(agentParticipant),
      ...[...this.#participants.values()].filter((one) => one.present).map((one) => one.member),
    ];
  }

  log(line: string): void {
    this.#options.log(line);
  }

  handling(userId: string): Promise<void> {
    return this.#options.handling(userId);
  }

  resumeToken(participant: { id: string; userId: string }): string {
    return this.#options.resume.issue(participant, this.clock.epochMs());
  }

  /**
   * Admits a page that knows the secret or has an invitation, as a new participant or as the one it
   * was. Throws a `Rejection`.
   */
  enter(socket: Socket, hello: Hello, invitation?: Invitation): void {
    const resumed = this.#options.resume.read(hello.resume ?? "", invitation?.user.id);
    const userId = invitation?.user.id ?? resumed?.id;
    if (userId !== undefined && this.#options.isRefused?.(userId)) throw new Rejection("refused");
    const known = resumed && this.#participants.get(resumed.id);
    if (known) return known.attach(socket, hello, invitation);
    const returning = this.#wasElsewhere(resumed) ? resumed : undefined;
    if (invitation?.expired && !returning) throw new Rejection("invitation-expired");
    if (this.#participants.size >= this.limits.people) throw new Rejection("room-full");
    this.#options.assertSpace?.();
    // They may never have been connected in the process that is gone: they are the same all the same.
    const participant = BrowserParticipant.arriving(returning?.id ?? `person-${randomId()}`, {
      hello,
      invitation,
      room: this,
    });
    this.#participants.set(participant.id, participant);
    try {
      participant.attach(socket, hello, invitation);
    } catch (error) {
      this.#participants.delete(participant.id);
      void participant.close(() => {});
      throw error;
    }
    this.log(`${participant.id} joins from ${socket.remote}`);
    this.#levels.start();
  }

  /** Whether a page was in this call before a program started that knows nothing of it. */
  #wasElsewhere(resumed: Resumed | undefined): resumed is Resumed {
    if (resumed === undefined) return false;
    const { issuedAtMs } = resumed;
    return issuedAtMs < this.#openedAtMs && this.clock.epochMs() - issuedAtMs < RETURN_MS;
  }

  /** Removes those who came by an invitation. */
  removeInvited(invitationId: string): void {
    for (const participant of [...this.#participants.values()]) {
      if (participant.invitationId === invitationId) participant.remove();
    }
  }

  /** Adds an agent and sends it the members. */
  addAgent(connection: RoomConnection): void {
    if (connection.known) this.#expect(connection.known);
    const agent: RoomAgentEntry = {
      id: `agent-${connection.connectionId}`,
      connection,
      tracks: { audio: false, video: false },
      spokeAt: -Infinity,
      sentDelayMs: -1,
    };
    this.media.audio.addAgent(connection, {
      memberId: agent.id,
      trackId: `${agent.id}:audio`,
      participantId: agent.id,
    });
    for (const other of this.#agents.values()) {
      other.connection.send({ type: "participantJoined", participant: agentData(agent) });
      connection.send({ type: "participantJoined", participant: agentData(other) });
      for (const track of agentTracks(other)) connection.send({ type: "trackAdded", track });
    }
    this.#agents.set(connection.connectionId, agent);
    for (const participant of this.#participants.values()) {
      if (!participant.present) continue;
      connection.send({ type: "participantJoined", participant: participantData(participant) });
      for (const track of this.#tracks.of(participant.id)) {
        connection.send({ type: "trackAdded", track });
      }
    }
    this.#sendToParticipants({ type: "joined", participant: agentParticipant(agent) });
    this.onDelay();
  }

  /** Adds those whom an agent saw in the process that this one takes the place of. */
  #expect({ participants, tracks }: KnownCallState): void {
    for (const data of participants) {
      // Agents join again by themselves.
      if (data.kind !== "person" || this.#participants.has(data.id)) continue;
      if (this.#options.isRefused?.(data.userId)) continue;
      const theirs = tracks.filter(({ participantId }) => participantId === data.id);
      this.#participants.set(data.id, BrowserParticipant.returning(data, theirs, this));
      this.#tracks.update(data.id, theirs);
      this.#levels.start();
    }
  }

  /** Removes an agent; the call ends with the last one. */
  async removeAgent(connection: Pick<RoomConnection, "connectionId">): Promise<void> {
    const agent = this.#agents.get(connection.connectionId);
    if (!agent) return;
    this.#agents.delete(connection.connectionId);
    this.media.audio.removeAgent(agent.id);
    for (const other of this.#agents.values()) {
      for (const track of agentTracks(agent)) {
        other.connection.send({ type: "trackRemoved", trackId: track.id });
      }
      other.connection.send({ type: "participantLeft", participantId: agent.id });
    }
    this.#sendToParticipants({ type: "left", id: agent.id });
    this.#media.chooseVideos();
    if (this.#agents.size === 0) await this.end("agent-left");
  }

  /** Sets what an agent publishes. */
  publish(connection: Pick<RoomConnection, "connectionId">, tracks: PublishedKinds): void {
    const agent = this.#agent(connection);
    const before = agentTracks(agent);
    agent.tracks = { ...tracks };
    const after = agentTracks(agent);
    for (const other of this.#agents.values()) {
      if (other === agent) continue;
      for (const track of before) {
        if (after.some(({ id }) => id === track.id)) continue;
        other.connection.send({ type: "trackRemoved", trackId: track.id });
      }
      for (const track of after) {
        if (before.some(({ id }) => id === track.id)) continue;
        other.connection.send({ type: "trackAdded", track });
      }
    }
    this.#sendToParticipants({ type: "updated", participant: agentParticipant(agent) });
    this.#media.chooseVideos();
  }

  /** The media of a track that an agent subscribes to. */
  videoTrack(id: string): RtcTrack | undefined {
    return this.#media.video(id);
  }

  get packetMs(): PacketMs {
    return this.#participants.size > SMALL_CALL ? 20 : 10;
  }

  /**
   * Returns how each participant's audio has arrived. To read one connection's figures holds up all sound
   * for some 10 ms, so they are read one after the other.
   */
  async audioStats(): Promise<ParticipantAudioStats[]> {
    const present = [...this.#participants.values()].filter((one) => one.present);
    const gapMs = Math.min(STATS_PAUSE_MS, STATS_MS / present.length);
    const all: ParticipantAudioStats[] = [];
    for (const participant of present) {
      if (participant !== present[0]) {
        await new Promise<void>((resolve) => void this.clock.schedule(resolve, gapMs));
      }
      const stats = await participant.audioStats();
      if (stats) all.push({ participantId: participant.id, ...stats });
    }
    return all;
  }

  /** Sends an agent's custom event to all other members, or to one participant. */
  sendCustomEvent(
    connection: Pick<RoomConnection, "connectionId">,
    data: JsonValue,
    to?: string,
  ): void {
    const { id } = this.#agent(connection);
    if (to !== undefined) {
      const participant = this.#participants.get(to);
      if (participant?.present) participant.send({ type: "event", from: id, data });
      return;
    }
    for (const participant of this.#participants.values()) {
      // Who is not seen in the call does not read what is said in it.
      if (participant.present) participant.send({ type: "event", from: id, data });
    }
    for (const other of this.#agents.values()) {
      if (other.id !== id) other.connection.send({ type: "customEvent", data, participantId: id });
    }
  }

  /** Ends the call: pages receive a goodbye, agents that the call has ended. */
  async end(code: GoodbyeCode): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#levels[Symbol.dispose]();
    const participants = [...this.#participants.values()];
    this.#participants.clear();
    const agents = [...this.#agents.values()];
    this.#agents.clear();
    this.#options.onEnd();
    for (const participant of participants) this.#media.release(participant);
    const closing = participants.map((participant) =>
      participant.close((socket) => socket.goodbye(code))
    );
    for (const agent of agents) {
      this.media.audio.removeAgent(agent.id);
      agent.connection.send({ type: "ended", reason: "call-ended" });
    }
    await Promise.allSettled(closing);
    for (const participant of participants) this.media.audio.removeListener(participant.id);
    this.media.audio.close();
  }

  // Called by the participants.

  membersFor(participant: BrowserParticipant): PageParticipant[] {
    return this.members.filter(({ id }) => id !== participant.id);
  }

  onPresent(participant: BrowserParticipant): void {
    this.#sendToAgents({ type: "participantJoined", participant: participantData(participant) });
    this.#sendToParticipants({ type: "joined", participant: participant.member }, participant);
    this.onChange(participant);
  }

  onChange(participant: BrowserParticipant): void {
    this.#media.sync(participant);
    if (participant.present) {
      this.#sendTrackChanges(participant);
      this.#sendToParticipants({ type: "updated", participant: participant.member }, participant);
    }
    this.#media.chooseVideos();
  }

  onEvent(participant: BrowserParticipant, data: unknown): void {
    let text: string;
    try {
      text = checkCustomEvent(data);
    } catch {
      // It arrived as JSON, so its size is wrong. Only the event is rejected.
      const { code, message } = new Rejection("message-too-large");
      return participant.send({ type: "unsent", code, message });
    }
    if (!participant.present) return;
    const checked = JSON.parse(text) as JsonValue;
    this.#sendToAgents({ type: "customEvent", data: checked, participantId: participant.id });
    this.#sendToParticipants({ type: "event", from: participant.id, data: checked }, participant);
  }

  onText(participant: BrowserParticipant, text: string): void {
    try {
      checkWrittenText(text);
    } catch (error) {
      if (error instanceof TypeError) return;
      const { code, message } = new Rejection("message-too-large");
      return participant.send({ type: "unsent", code, message });
    }
    if (!participant.present) return;
    // People see it in the agent's transcript.
    this.#sendToAgents({ type: "text", text, participantId: participant.id });
  }

  /** Agents use the longest delay: what its participant has not heard, not all have heard. */
  onDelay(): void {
    let ms = 0;
    for (const participant of this.#participants.values()) ms = Math.max(ms, participant.delayMs);
    if (ms === 0) return;
    for (const agent of this.#agents.values()) {
      if (Math.abs(ms - agent.sentDelayMs) < 5) continue;
      agent.sentDelayMs = ms;
      agent.connection.send({ type: "heardDelay", ms: Math.round(ms) });
    }
  }

  onLost({ id, present }: BrowserParticipant): void {
    if (!present) return;
    const graceMs = this.limits.graceMs + AGENT_GRACE_MS;
    this.#sendToAgents({ type: "participantLost", participantId: id, graceMs });
  }

  onReturn(participant: BrowserParticipant): void {
    if (!participant.present) return;
    this.#sendToAgents({ type: "participantJoined", participant: participantData(participant) });
  }

  onGone(participant: BrowserParticipant): void {
    if (!this.#participants.delete(participant.id)) return;
    this.#media.release(participant);
    this.#sendTrackChanges(participant, { gone: true });
    if (participant.present) {
      this.#sendToAgents({ type: "participantLeft", participantId: participant.id });
      this.#sendToParticipants({ type: "left", id: participant.id });
    }
    this.#media.chooseVideos();
    participant.close((socket) => socket.goodbye("call-ended")).finally(() => {
      if (!this.#ended) this.media.audio.removeListener(participant.id);
    });
    if (this.#participants.size === 0) this.#levels[Symbol.dispose]();
  }

  #sendTrackChanges(participant: BrowserParticipant, options: { gone?: boolean } = {}): void {
    const wanted = options.gone ? [] : participantTracks(participant);
    for (const message of this.#tracks.update(participant.id, wanted)) this.#sendToAgents(message);
  }

  #agent(connection: Pick<RoomConnection, "connectionId">): RoomAgentEntry {
    const agent = this.#agents.get(connection.connectionId);
    if (!agent) throw new TypeError("the agent is not in this call: join it first");
    return agent;
  }

  #sendToAgents(message: Parameters<RoomConnection["send"]>[0]): void {
    for (const { connection } of this.#agents.values()) connection.send(message);
  }

  #sendToParticipants(message: ServerMessage, except?: BrowserParticipant): void {
    for (const participant of this.#participants.values()) {
      if (participant !== except) participant.send(message);
    }
  }
}

function randomId(): string {
  return crypto.getRandomValues(new Uint8Array(8)).toHex();
}
