import { SLOT_MS } from "../audio/grid.ts";
import type { AudioRow } from "../edge/edge_agent.ts";
import type { ParticipantAudio } from "../edge/participant_audio.ts";
import type { CloseReason, JsonValue, Participant } from "../edge/types.ts";
import type { Clock } from "../events/clock.ts";
import type { MemoryConnection, RoomMessage } from "./memory_connection.ts";
import { PcmChunk } from "../audio/pcm_chunk.ts";
import { TrackType } from "../edge/types.ts";
import {
  MemoryParticipant,
  type MemoryParticipantOptions,
  type MemoryVideo,
} from "./memory_participant.ts";

/** What lies between those who are in a room: a network that may lose, delay and permute. */
export interface MemoryNetwork {
  /** How much later people hear what an agent says. */
  readonly heardDelayMs: number;
  /** Whether nothing is on its way. */
  readonly isEmpty: boolean;
  /** Takes what a party said in a row; gives what of it, or of before, arrives in this row. */
  carry(
    party: MemoryParticipant,
    sent: ParticipantAudio | undefined,
    row: number,
  ): ParticipantAudio[];
  /** Hands a row to an agent. */
  deliver(connection: MemoryConnection, row: AudioRow): void;
  /** Tells an agent something. */
  tell(connection: MemoryConnection, message: RoomMessage): void;
  /** Lets a party hear 10 ms of an agent. */
  say(party: MemoryParticipant, samples: Int16Array, from: Participant): void;
}

/** A call in memory: who is in it, and the clock that people are heard by. */
export class MemoryRoom {
  readonly parties: Set<MemoryParticipant> = new Set();
  readonly connections: Set<MemoryConnection> = new Set();
  readonly #clock: Clock;
  readonly #row: AudioRow = { count: 0, entries: [] };
  #timer: Disposable | undefined;
  #made = 0;

  /** Makes a memory room. */
  constructor(clock: Clock, readonly carrier?: MemoryNetwork) {
    this.#clock = clock;
  }

  get clock(): Clock {
    return this.#clock;
  }

  makeId(prefix: string): string {
    return `${prefix}-${++this.#made}`;
  }

  /** Lets a party in and tells the agents. */
  welcome(options: MemoryParticipantOptions): MemoryParticipant {
    const { userId, name = userId, id = this.makeId(userId), audio = true } = options;
    const { trackDelayMs } = options;
    for (const party of this.parties) {
      if (party.id === id) throw new RangeError(`${id} is in the call already`);
    }
    const party = new MemoryParticipant(this, {
      original: undefined,
      userId,
      id,
      name,
      kind: "person",
    });
    this.parties.add(party);
    this.tell({ type: "participantJoined", participant: party.participant });
    if (audio) party.publishAudio({ announceAfterMs: trackDelayMs });
    return party;
  }

  leave(party: MemoryParticipant): void {
    if (!this.parties.delete(party)) return;
    this.tell({ type: "participantLeft", participantId: party.id });
  }

  /** An agent comes in: it is told who is here, and they are told of it. */
  enter(connection: MemoryConnection): void {
    for (const party of this.parties) {
      connection.take({ type: "participantJoined", participant: party.participant });
      if (party.microphone !== undefined && party.isAnnounced) {
        const track = {
          id: party.microphone,
          type: TrackType.AUDIO,
          participantId: party.id,
          muted: party.isMuted,
        };
        connection.take({ type: "trackAdded", track });
      }
      for (const { id, type } of party.videos.values()) {
        connection.take({ type: "trackAdded", track: { id, type, participantId: party.id } });
      }
    }
    for (const other of this.connections) {
      connection.take({ type: "participantJoined", participant: other.self });
      for (const track of other.trackAnnouncements) connection.take({ type: "trackAdded", track });
    }
    this.tell({ type: "participantJoined", participant: connection.self });
    this.connections.add(connection);
  }

  /** An agent leaves. */
  exit(connection: MemoryConnection): void {
    if (!this.connections.delete(connection)) return;
    this.tell({ type: "participantLeft", participantId: connection.self.id });
  }

  /** Tells all agents but one. */
  tell(message: RoomMessage, except?: MemoryConnection): void {
    for (const connection of [...this.connections]) {
      if (connection === except) continue;
      if (this.carrier) this.carrier.tell(connection, message);
      else connection.take(message);
    }
  }

  /** Ends the call for everybody. */
  end(reason: CloseReason): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    for (const party of this.parties) party.speech.stop();
    this.tell({ type: "ended", reason });
    this.parties.clear();
  }

  sendCustomEvent(from: MemoryConnection, data: JsonValue): void {
    for (const party of this.parties) party.customEvents.push(structuredClone(data));
    const participantId = from.self.id;
    this.tell({ type: "customEvent", data: structuredClone(data), participantId }, from);
  }

  video(trackId: string): MemoryVideo | undefined {
    for (const party of this.parties) {
      const video = party.videos.get(trackId);
      if (video) return video;
    }
    return undefined;
  }

  /** 10 ms of what an agent says, for everybody who hears it. */
  sayFor(speaker: MemoryConnection, samples: Int16Array): void {
    speaker.edge.onAgentAudio?.(samples, speaker.self);
    for (const party of this.parties) {
      if (this.carrier) this.carrier.say(party, samples, speaker.self);
      else party.hear(samples, speaker.self);
    }
    const [track] = speaker.trackAnnouncements;
    for (const other of this.connections) {
      if (other === speaker || !other.hearing.agents) continue;
      other.hearAudio(
        speaker.self.id,
        new PcmChunk(samples, { sampleRate: 48_000 }),
        track?.id ?? "",
      );
    }
  }

  /** Makes the room's clock run, if there is something to be heard. */
  wake(): void {
    if (this.#timer) return;
    const now = this.#clock.now();
    const wait = (Math.floor(now / SLOT_MS) + 1) * SLOT_MS - now;
    this.#timer = this.#clock.schedule(() => this.#tick(), wait);
  }

  #tick(): void {
    this.#timer = undefined;
    const number = Math.round(this.#clock.now() / SLOT_MS);
    const rates = new Set([...this.connections].map((one) => one.hearing.sampleRate));
    for (const party of this.parties) {
      if (party.speech.play(rates)) party.onSpoken?.();
    }
    for (const rate of rates) this.#sendRow(number, rate);
    const isActive = [...this.parties].some((party) => party.speech.isActive);
    if (isActive || this.carrier?.isEmpty === false) this.wake();
  }

  #sendRow(number: number, rate: number): void {
    const row = this.#row;
    row.count = 0;
    for (const party of this.parties) {
      const pcm = party.speech.read(rate);
      const trackId = party.microphone;
      const sent = pcm && !party.isMuted && trackId !== undefined
        ? { participant: party.participant, trackId, pcm, row: number }
        : undefined;
      if (this.carrier) {
        for (const entry of this.carrier.carry(party, sent, number)) {
          row.entries[row.count++] = entry;
        }
      } else if (sent) row.entries[row.count++] = sent;
    }
    if (row.count === 0) return;
    for (const connection of this.connections) {
      if (connection.hearing.sampleRate !== rate) continue;
      if (this.carrier) this.carrier.deliver(connection, row);
      else connection.hearRow(row);
    }
  }
}
