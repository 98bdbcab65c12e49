/**
 * One call: people in browsers and agents, and who is told what of whom.
 *
 * @module
 */
import type { PublishedTracks } from "../../../media/child/contract.ts";
import type { RtcTrack } from "../../../media/webrtc/rtc_types.ts";
import type { Clock } from "../../../events/clock.ts";
import { checkCustomEvent } from "../../../edge/custom_event.ts";
import type { JsonValue } from "../../../edge/types.ts";
import { AudioLevels } from "./audio_levels.ts";
import type { LocalLimits } from "../wire/limits.ts";
import {
  agentData,
  type AgentMember,
  agentMember,
  agentTracks,
  personData,
  personTracks,
} from "./members.ts";
import { BrowserParticipant, type PersonRoom } from "./browser_participant.ts";
import { type GoodbyeCode, Rejection } from "../wire/rejection.ts";
import type { RoomMedia, RoomPort } from "./room_media.ts";
import { RoomTracks } from "./room_tracks.ts";
import type { RtcSettings } from "../wire/settings.ts";
import { sameSecret } from "../wire/auth.ts";
import type { Hello, Member, ServerMessage } from "../wire/signalling.ts";
import type { Socket } from "./socket.ts";
import { PublishedTrackList } from "./published_tracks.ts";

/** What a room needs from outside. */
export interface RoomOptions {
  media: RoomMedia;
  clock: Clock;
  limits: LocalLimits;
  rtc: RtcSettings;
  log(line: string): void;
  /** The last agent left, or {@linkcode Room.end} was called. Called once. */
  onEnd(): void;
}

/** A call. It ends with its last agent. */
export class Room implements PersonRoom {
  readonly media: RoomMedia;
  readonly clock: Clock;
  readonly limits: LocalLimits;
  readonly rtc: RtcSettings;
  readonly #options: RoomOptions;
  readonly #people = new Map<string, BrowserParticipant>();
  readonly #agents = new Map<number, AgentMember>();
  /** What the agents know of people's tracks. */
  readonly #tracks = new PublishedTrackList();
  readonly #media: RoomTracks;
  readonly #levels: AudioLevels;
  #ended = false;

  constructor(options: RoomOptions) {
    this.#options = options;
    this.media = options.media;
    this.clock = options.clock;
    this.limits = options.limits;
    this.rtc = options.rtc;
    const { audio } = options.media;
    const people = this.#people;
    this.#media = new RoomTracks({ audio, people, agents: this.#agents });
    this.#levels = new AudioLevels({
      audio,
      people,
      clock: options.clock,
      onSpeaker: () => this.#media.chooseVideos(),
    });
  }

  /** How many people are here, those who are being waited for included. */
  get people(): number {
    return this.#people.size;
  }

  /** How many agents are here. */
  get agents(): number {
    return this.#agents.size;
  }

  log(line: string): void {
    this.#options.log(line);
  }

  /** Lets a page in that knows the secret, as somebody new or as who it was. */
  enter(socket: Socket, hello: Hello): void {
    if (hello.resume !== undefined) {
      for (const person of this.#people.values()) {
        if (sameSecret(hello.resume, person.resume)) return person.attach(socket, hello);
      }
    }
    if (this.#people.size >= this.limits.people) throw new Rejection("room-full");
    const person = new BrowserParticipant(`person-${randomId()}`, hello, this);
    this.#people.set(person.id, person);
    try {
      person.attach(socket, hello);
    } catch (error) {
      this.#people.delete(person.id);
      void person.close(() => {});
      throw error;
    }
    this.log(`${person.id} comes from ${socket.remote}`);
    this.#levels.start();
  }

  /** Brings an agent in and tells it who is here. */
  addAgent(port: RoomPort): void {
    const agent: AgentMember = {
      id: `agent-${port.connectionId}`,
      port,
      tracks: { audio: false, video: false },
      spokeAt: -Infinity,
      toldDelayMs: -1,
    };
    this.media.audio.addAgent(port, {
      memberId: agent.id,
      trackId: `${agent.id}:audio`,
      participantId: agent.id,
    });
    for (const other of this.#agents.values()) {
      other.port.send({ type: "participantJoined", participant: agentData(agent) });
      port.send({ type: "participantJoined", participant: agentData(other) });
      for (const track of agentTracks(other)) port.send({ type: "trackAdded", track });
    }
    this.#agents.set(port.connectionId, agent);
    for (const person of this.#people.values()) {
      if (!person.present) continue;
      port.send({ type: "participantJoined", participant: personData(person) });
      for (const track of this.#tracks.of(person.id)) port.send({ type: "trackAdded", track });
    }
    this.#tellPeople({ type: "joined", member: agentMember(agent) });
    this.onDelay();
  }

  /** Takes an agent out; the last one takes the call with it. */
  async removeAgent(port: Pick<RoomPort, "connectionId">): Promise<void> {
    const agent = this.#agents.get(port.connectionId);
    if (!agent) return;
    this.#agents.delete(port.connectionId);
    this.media.audio.removeAgent(agent.id);
    for (const other of this.#agents.values()) {
      for (const track of agentTracks(agent)) {
        other.port.send({ type: "trackRemoved", trackId: track.id });
      }
      other.port.send({ type: "participantLeft", participantId: agent.id });
    }
    this.#tellPeople({ type: "left", id: agent.id });
    this.#media.chooseVideos();
    if (this.#agents.size === 0) await this.end("agent-left");
  }

  /** Takes what an agent publishes now. */
  publish(port: Pick<RoomPort, "connectionId">, tracks: PublishedTracks): void {
    const agent = this.#agent(port);
    const before = agentTracks(agent);
    agent.tracks = { ...tracks };
    const after = agentTracks(agent);
    for (const other of this.#agents.values()) {
      if (other === agent) continue;
      for (const track of before) {
        if (after.some(({ id }) => id === track.id)) continue;
        other.port.send({ type: "trackRemoved", trackId: track.id });
      }
      for (const track of after) {
        if (before.some(({ id }) => id === track.id)) continue;
        other.port.send({ type: "trackAdded", track });
      }
    }
    this.#tellPeople({ type: "updated", member: agentMember(agent) });
    this.#media.chooseVideos();
  }

  /** The media of a track that an agent subscribes to. */
  videoTrack(id: string): RtcTrack | undefined {
    return this.#media.video(id);
  }

  /** Sends an agent's custom event to everybody else. */
  sendCustomEvent(port: Pick<RoomPort, "connectionId">, data: JsonValue): void {
    const { id } = this.#agent(port);
    this.#tellPeople({ type: "event", from: id, data });
    for (const other of this.#agents.values()) {
      if (other.id !== id) other.port.send({ type: "customEvent", data, participantId: id });
    }
  }

  /** Ends the call: people are told goodbye, agents that the call has ended. */
  async end(code: GoodbyeCode): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#levels[Symbol.dispose]();
    const people = [...this.#people.values()];
    this.#people.clear();
    const agents = [...this.#agents.values()];
    this.#agents.clear();
    this.#options.onEnd();
    for (const person of people) this.#media.release(person);
    const closing = people.map((person) => person.close((socket) => socket.goodbye(code)));
    for (const agent of agents) {
      this.media.audio.removeAgent(agent.id);
      agent.port.send({ type: "ended", reason: "call-ended" });
    }
    await Promise.allSettled(closing);
    for (const person of people) this.media.audio.removeListener(person.id);
    this.media.audio.close();
  }

  // What people tell their room.

  membersFor(person: BrowserParticipant): Member[] {
    return [
      ...[...this.#agents.values()].map(agentMember),
      ...[...this.#people.values()]
        .filter((other) => other !== person && other.present)
        .map((other) => other.member),
    ];
  }

  onPresent(person: BrowserParticipant): void {
    this.#tellAgents({ type: "participantJoined", participant: personData(person) });
    this.#tellPeople({ type: "joined", member: person.member }, person);
    this.onChange(person);
  }

  onChange(person: BrowserParticipant): void {
    this.#media.sync(person);
    if (person.present) {
      this.#announceTracks(person);
      this.#tellPeople({ type: "updated", member: person.member }, person);
    }
    this.#media.chooseVideos();
  }

  onEvent(person: BrowserParticipant, data: unknown): void {
    let text: string;
    try {
      text = checkCustomEvent(data);
    } catch {
      // It came as JSON, so what is wrong is its size. Only the event is refused.
      const { code, message } = new Rejection("message-too-large");
      return person.send({ type: "unsent", code, message });
    }
    if (!person.present) return;
    const checked = JSON.parse(text) as JsonValue;
    this.#tellAgents({ type: "customEvent", data: checked, participantId: person.id });
    this.#tellPeople({ type: "event", from: person.id, data: checked }, person);
  }

  /** Agents reckon with whoever hears latest: what he has not heard has not been heard by all. */
  onDelay(): void {
    let ms = 0;
    for (const person of this.#people.values()) ms = Math.max(ms, person.delayMs);
    if (ms === 0) return;
    for (const agent of this.#agents.values()) {
      if (Math.abs(ms - agent.toldDelayMs) < 5) continue;
      agent.toldDelayMs = ms;
      agent.port.send({ type: "heardDelay", ms: Math.round(ms) });
    }
  }

  onGone(person: BrowserParticipant): void {
    if (!this.#people.delete(person.id)) return;
    this.#media.release(person);
    this.#announceTracks(person, { gone: true });
    if (person.present) {
      this.#tellAgents({ type: "participantLeft", participantId: person.id });
      this.#tellPeople({ type: "left", id: person.id });
    }
    this.#media.chooseVideos();
    person.close((socket) => socket.goodbye("call-ended")).finally(() => {
      if (!this.#ended) this.media.audio.removeListener(person.id);
    });
    if (this.#people.size === 0) this.#levels[Symbol.dispose]();
  }

  #announceTracks(person: BrowserParticipant, options: { gone?: boolean } = {}): void {
    const wanted = options.gone ? [] : personTracks(person);
    for (const notice of this.#tracks.update(person.id, wanted)) this.#tellAgents(notice);
  }

  #agent(port: Pick<RoomPort, "connectionId">): AgentMember {
    const agent = this.#agents.get(port.connectionId);
    if (!agent) throw new TypeError("the agent is not in this call");
    return agent;
  }

  #tellAgents(notice: Parameters<RoomPort["send"]>[0]): void {
    for (const { port } of this.#agents.values()) port.send(notice);
  }

  #tellPeople(message: ServerMessage, except?: BrowserParticipant): void {
    for (const person of this.#people.values()) if (person !== except) person.send(message);
  }
}

function randomId(): string {
  return crypto.getRandomValues(new Uint8Array(8)).toHex();
}
