/** A call in memory. @module */
import { SLOT_MS } from "../audio/grid.ts";
import type { AudioRow } from "../edge/edge_agent.ts";
import type { ParticipantAudio } from "../edge/participant_audio.ts";
import type { CloseReason, JsonValue, Participant } from "../edge/types.ts";
import type { Clock } from "../events/clock.ts";
import type { AgentRoom, MemoryConnection } from "./memory_connection.ts";
import type { RoomMessage } from "./room_message.ts";
import { GRACE_MS } from "../edge/presence.ts";
import { PcmChunk } from "../audio/pcm_chunk.ts";
import {
  MemoryParticipant,
  type MemoryParticipantOptions,
  type MemoryVideo,
  type ParticipantRoom,
} from "./memory_participant.ts";

/** The network between the members of a call: it may lose, delay and reorder packets. */
export interface MemoryNetwork {
  /** How much later people hear what an agent says. */
  readonly heardDelayMs: number;
  /** Whether no packet is in transit. */
  readonly isEmpty: boolean;
  /** Sends what a participant said in a row; returns what arrives in this row, sent now or earlier. */
  transmit(
    participant: MemoryParticipant,
    sent: ParticipantAudio | undefined,
    row: number,
  ): ParticipantAudio | undefined;
  /** Hands a row to an agent. */
  deliver(connection: MemoryConnection, row: AudioRow): void;
  /** Sends a message to an agent. */
  send(connection: MemoryConnection, message: RoomMessage): void;
  /** Plays 10 ms of an agent to a participant. */
  play(participant: MemoryParticipant, samples: Int16Array, from: Participant): void;
}

/** Options for a call in memory. */
export interface MemoryRoomOptions {
  clock: Clock;
  /** Default: nothing is lost or late. */
  network?: MemoryNetwork;
  /** Called with each 10 ms that an agent says. */
  onAgentAudio?: (samples: Int16Array, agent: Participant) => void;
  /** How long a participant who was lost is waited for. Default 6000. */
  graceMs?: number;
  /** Called before an agent's transfer: its failure is the transfer's. */
  onTransfer?: (to: string, participant: MemoryParticipant) => Promise<void>;
}

/** A call in memory: its members, and the clock that their audio follows. */
export class MemoryRoom implements AgentRoom, ParticipantRoom {
  readonly participants: Set<MemoryParticipant> = new Set();
  readonly connections: Set<MemoryConnection> = new Set();
  readonly clock: Clock;
  readonly #network: MemoryNetwork | undefined;
  readonly #onAgentAudio: MemoryRoomOptions["onAgentAudio"];
  readonly #onTransfer: MemoryRoomOptions["onTransfer"];
  readonly #graceMs: number;
  /** The ends of the grace of those who were lost. */
  readonly #lost = new Map<MemoryParticipant, Disposable>();
  readonly #row: AudioRow = { count: 0, entries: [] };
  readonly #rates = new Set<number>();
  #timer: Disposable | undefined;
  #made = 0;
  #viewers = 0;

  constructor({ clock, network, onAgentAudio, onTransfer, graceMs = GRACE_MS }: MemoryRoomOptions) {
    this.clock = clock;
    this.#network = network;
    this.#onAgentAudio = onAgentAudio;
    this.#onTransfer = onTransfer;
    this.#graceMs = graceMs;
  }

  get heardDelayMs(): number | undefined {
    return this.#network?.heardDelayMs;
  }

  makeId(prefix: string): string {
    return `${prefix}-${++this.#made}`;
  }

  /** Adds a participant and informs the agents. */
  welcome(options: MemoryParticipantOptions): MemoryParticipant {
    const { userId, name = userId, id = this.makeId(userId), audio = true } = options;
    const { trackDelayMs } = options;
    for (const participant of this.participants) {
      if (participant.id === id) throw new RangeError(`${id} is in the call already`);
    }
    const participant = new MemoryParticipant(this, {
      original: undefined,
      userId,
      id,
      name,
      kind: "person",
    });
    this.participants.add(participant);
    this.broadcast({ type: "participantJoined", participant: participant.participant });
    if (audio) participant.publishAudio({ trackDelayMs });
    return participant;
  }

  lose(participant: MemoryParticipant): void {
    const { id: participantId } = participant;
    const graceMs = this.#graceMs;
    this.broadcast({ type: "participantLost", participantId, graceMs });
    this.#lost.set(participant, this.clock.schedule(() => this.leave(participant), graceMs));
  }

  readmit(participant: MemoryParticipant): void {
    this.#found(participant);
    this.broadcast({ type: "participantJoined", participant: participant.participant });
    for (const track of participant.tracks) this.broadcast({ type: "trackAdded", track });
  }

  #found(participant: MemoryParticipant): void {
    this.#lost.get(participant)?.[Symbol.dispose]();
    this.#lost.delete(participant);
  }

  leave(participant: MemoryParticipant): void {
    this.#found(participant);
    if (!this.participants.delete(participant)) return;
    this.broadcast({ type: "participantLeft", participantId: participant.id });
  }

  /** So many people watch anonymously from now on. */
  countViewers(count: number): void {
    this.#viewers = count;
    this.broadcast({ type: "viewersCounted", count });
  }

  /** Adds an agent: it learns who is here, and the others learn of it. */
  enter(connection: MemoryConnection): void {
    connection.receive({ type: "viewersCounted", count: this.#viewers });
    for (const participant of this.participants) {
      if (participant.isLost) continue;
      connection.receive({ type: "participantJoined", participant: participant.participant });
      for (const track of participant.tracks) connection.receive({ type: "trackAdded", track });
    }
    for (const other of this.connections) {
      connection.receive({ type: "participantJoined", participant: other.self });
      for (const track of other.publishedTracks) {
        connection.receive({ type: "trackAdded", track });
      }
    }
    this.broadcast({ type: "participantJoined", participant: connection.self });
    this.connections.add(connection);
  }

  /** Removes an agent. */
  exit(connection: MemoryConnection): void {
    if (!this.connections.delete(connection)) return;
    this.broadcast({ type: "participantLeft", participantId: connection.self.id });
  }

  /** Sends a message to all agents but one. */
  broadcast(message: RoomMessage, except?: MemoryConnection): void {
    for (const connection of [...this.connections]) {
      if (connection === except) continue;
      if (this.#network) this.#network.send(connection, message);
      else connection.receive(message);
    }
  }

  /** Ends the call for all members. */
  end(reason: CloseReason): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    for (const participant of this.participants) {
      participant.speech.stop();
      this.#found(participant);
    }
    this.broadcast({ type: "ended", reason });
    this.participants.clear();
  }

  sendCustomEvent(from: MemoryConnection, data: JsonValue): void {
    for (const participant of this.participants) {
      if (!participant.isLost) participant.customEvents.push(structuredClone(data));
    }
    const participantId = from.self.id;
    this.broadcast({ type: "customEvent", data: structuredClone(data), participantId }, from);
  }

  sendDtmf(digits: string): void {
    for (const participant of this.participants) {
      if (!participant.isLost) participant.dtmf += digits;
    }
  }

  async transfer(to: string, participantId: string): Promise<void> {
    for (const participant of this.participants) {
      if (participant.id !== participantId) continue;
      await this.#onTransfer?.(to, participant);
      participant.leave();
    }
  }

  video(trackId: string): MemoryVideo | undefined {
    for (const participant of this.participants) {
      const video = participant.videos.get(trackId);
      if (video) return video;
    }
    return undefined;
  }

  /** Plays 10 ms of an agent to all who hear it: to one participant, or to all. */
  playFor(speaker: MemoryConnection, samples: Int16Array, to?: Participant): void {
    this.#onAgentAudio?.(samples, speaker.self);
    for (const participant of this.participants) {
      if (participant.isLost || to && participant.id !== to.id) continue;
      if (this.#network) this.#network.play(participant, samples, speaker.self);
      else participant.hear(samples, speaker.self);
    }
    if (to) return;
    for (const other of this.connections) {
      if (other === speaker || !other.audioSubscription.agents) continue;
      const [track] = speaker.publishedTracks;
      other.deliverAudio(
        speaker.self.id,
        new PcmChunk(samples, { sampleRate: 48_000 }),
        track?.id ?? "",
      );
    }
  }

  /** Starts the room's clock; it runs while there is something to play. */
  wake(): void {
    if (this.#timer) return;
    const now = this.clock.now();
    const wait = (Math.floor(now / SLOT_MS) + 1) * SLOT_MS - now;
    this.#timer = this.clock.schedule(() => this.#tick(), wait);
  }

  #tick(): void {
    this.#timer = undefined;
    const number = Math.round(this.clock.now() / SLOT_MS);
    const rates = this.#rates;
    rates.clear();
    for (const one of this.connections) rates.add(one.audioSubscription.sampleRate);
    for (const participant of this.participants) {
      if (participant.speech.play(rates)) participant.onSpoken?.();
    }
    for (const rate of rates) this.#sendRow(number, rate);
    if (this.#isSpeechActive() || this.#network?.isEmpty === false) this.wake();
  }

  #isSpeechActive(): boolean {
    for (const { speech } of this.participants) if (speech.isActive) return true;
    return false;
  }

  #sendRow(number: number, rate: number): void {
    const row = this.#row;
    row.count = 0;
    for (const participant of this.participants) {
      const pcm = participant.speech.read(rate);
      const trackId = participant.microphone;
      const sent = pcm && !participant.isMuted && !participant.isLost && trackId !== undefined
        ? { participant: participant.participant, trackId, pcm, row: number }
        : undefined;
      const arrived = this.#network ? this.#network.transmit(participant, sent, number) : sent;
      if (arrived) row.entries[row.count++] = arrived;
    }
    if (row.count === 0) return;
    for (const connection of this.connections) {
      if (connection.audioSubscription.sampleRate !== rate) continue;
      if (this.#network) this.#network.deliver(connection, row);
      else connection.deliverRow(row);
    }
  }
}
