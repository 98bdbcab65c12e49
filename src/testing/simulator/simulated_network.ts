/** The networks of a simulated call. @module */
import type { AudioRow } from "../../edge/edge_agent.ts";
import type { ParticipantAudio } from "../../edge/participant_audio.ts";
import type { Participant } from "../../edge/types.ts";
import type { MemoryConnection } from "../memory_connection.ts";
import type { MemoryParticipant } from "../memory_participant.ts";
import type { MemoryNetwork } from "../memory_room.ts";
import type { Random } from "../random.ts";
import type { RoomMessage } from "../room_message.ts";
import type { VirtualClock } from "../virtual_clock.ts";
import type { NetworkConditions, Stall } from "./script.ts";
import type { StallableClock } from "./stallable_clock.ts";
import { PcmChunk } from "../../audio/pcm_chunk.ts";
import { type NetworkFigures, SimulatedLink } from "./simulated_link.ts";

/** Rows and messages that arrived for the agent during a stall. */
type Held =
  | { connection: MemoryConnection; row: AudioRow }
  | { connection: MemoryConnection; message: RoomMessage };

/** The links between the people and the agent, and the agent's stalls. */
export class SimulatedNetwork implements MemoryNetwork {
  readonly heardDelayMs: number;
  readonly #clock: VirtualClock;
  readonly #agentClock: StallableClock;
  readonly #random: Random;
  readonly #conditions: (participantId: string) => NetworkConditions;
  readonly #up = new Map<string, SimulatedLink>();
  readonly #down = new Map<string, SimulatedLink>();
  readonly #onHeard: (participant: MemoryParticipant, atMs: number) => void;
  #held: Held[] = [];

  constructor(
    options: {
      clock: VirtualClock;
      agentClock: StallableClock;
      random: Random;
      conditions: (participantId: string) => NetworkConditions;
      heardDelayMs: number;
      /** A participant hears 10 ms of the agent, at that time. */
      onHeard: (participant: MemoryParticipant, atMs: number) => void;
    },
  ) {
    this.#onHeard = options.onHeard;
    this.#clock = options.clock;
    this.#agentClock = options.agentClock;
    this.#random = options.random;
    this.#conditions = options.conditions;
    this.heardDelayMs = options.heardDelayMs;
  }

  get isEmpty(): boolean {
    for (const link of this.#up.values()) if (!link.isEmpty) return false;
    return true;
  }

  /** Counts of each person's packets to the agent. */
  get figures(): { [participantId: string]: NetworkFigures } {
    return Object.fromEntries([...this.#up].map(([id, link]) => [id, link.figures]));
  }

  /** How much later the agent hears a participant. */
  delayMs(participantId: string): number {
    return this.#link(this.#up, participantId).delayMs;
  }

  transmit(
    participant: MemoryParticipant,
    sent: ParticipantAudio | undefined,
    row: number,
  ): ParticipantAudio | undefined {
    const link = this.#link(this.#up, participant.id);
    if (sent) link.send(sent, row, this.#clock.now());
    const trackId = participant.microphone;
    return trackId === undefined ? undefined : link.receive(row, trackId);
  }

  deliver(connection: MemoryConnection, row: AudioRow): void {
    if (!this.#agentClock.isStalled) return connection.deliverRow(row);
    const entries = row.entries.slice(0, row.count).map((entry) => ({
      ...entry,
      pcm: new PcmChunk(entry.pcm.samples.slice(), entry.pcm),
    }));
    this.#held.push({ connection, row: { count: row.count, entries } });
  }

  send(connection: MemoryConnection, message: RoomMessage): void {
    if (this.#agentClock.isStalled) this.#held.push({ connection, message });
    else connection.receive(message);
  }

  play(participant: MemoryParticipant, samples: Int16Array, from: Participant): void {
    const link = this.#link(this.#down, participant.id);
    const nowMs = this.#clock.now();
    if (link.decide(nowMs) !== "arrives") return;
    // The time of hearing is computed instead of waited for: a timer for each frame and listener
    // would take most of the simulation's time.
    this.#onHeard(participant, nowMs + link.delayMs);
    participant.hear(samples, from);
  }

  /** Stalls the agent. */
  stall({ forMs, backlog = "rows" }: Stall): void {
    this.#agentClock.stall(forMs, () => {
      if (this.#agentClock.isStalled) return;
      const held = this.#held;
      this.#held = [];
      for (const one of this.#arrange(held, backlog)) {
        if ("message" in one) one.connection.receive(one.message);
        else one.connection.deliverRow(one.row);
      }
    });
  }

  /** Orders the rows between two messages as the stall's backlog says. */
  #arrange(held: Held[], backlog: NonNullable<Stall["backlog"]>): Held[] {
    if (backlog === "rows") return held;
    const result: Held[] = [];
    let rows: { connection: MemoryConnection; row: AudioRow }[] = [];
    const flush = () => {
      if (backlog === "permuted") {
        for (const { row } of rows) this.#random.shuffle(row.entries);
        result.push(...rows);
      } else result.push(...bySinks(rows));
      rows = [];
    };
    for (const one of held) {
      if ("row" in one) rows.push(one);
      else {
        flush();
        result.push(one);
      }
    }
    flush();
    return result;
  }

  #link(links: Map<string, SimulatedLink>, id: string): SimulatedLink {
    let link = links.get(id);
    if (!link) {
      const direction = links === this.#up ? "up" : "down";
      link = new SimulatedLink(
        this.#conditions(id),
        this.#random.fork(`${direction} ${id}`),
      );
      links.set(id, link);
    }
    return link;
  }
}

/** Orders rows by track: all slots of one track, then all of the next. */
function bySinks(rows: { connection: MemoryConnection; row: AudioRow }[]): Held[] {
  const tracks = new Set(rows.flatMap(({ row }) => row.entries.map((entry) => entry.trackId)));
  return [...tracks].flatMap((trackId) =>
    rows.flatMap(({ connection, row }) => {
      const entries = row.entries.filter((entry) => entry.trackId === trackId);
      return entries.map((entry) => ({ connection, row: { count: 1, entries: [entry] } }));
    })
  );
}
