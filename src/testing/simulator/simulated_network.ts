import type { AudioRow, AudioRowEntry } from "../../edge/edge_agent.ts";
import type { Participant } from "../../edge/types.ts";
import type { MemoryConnection, RoomMessage } from "../memory_connection.ts";
import type { MemoryParticipant } from "../memory_participant.ts";
import type { MemoryNetwork } from "../memory_room.ts";
import type { Random } from "../random.ts";
import type { VirtualClock } from "../virtual_clock.ts";
import type { NetworkConditions, Stall } from "./script.ts";
import type { StallableClock } from "./stallable_clock.ts";
import { PcmChunk } from "../../audio/pcm_chunk.ts";
import { type NetworkFigures, SimulatedLink } from "./network.ts";

/** What the agent was to be told while it stood still. */
type Held =
  | { connection: MemoryConnection; row: AudioRow }
  | { connection: MemoryConnection; message: RoomMessage };

/** The ways between the people and the agent, and the agent's standing still. */
export class SimulatedNetwork implements MemoryNetwork {
  readonly heardDelayMs: number;
  readonly #clock: VirtualClock;
  readonly #agentClock: StallableClock;
  readonly #random: Random;
  readonly #conditions: (participantId: string) => NetworkConditions;
  readonly #up = new Map<string, SimulatedLink>();
  readonly #down = new Map<string, SimulatedLink>();
  readonly #onHeard: (party: MemoryParticipant, atMs: number) => void;
  #held: Held[] = [];

  constructor(
    options: {
      clock: VirtualClock;
      agentClock: StallableClock;
      random: Random;
      conditions: (participantId: string) => NetworkConditions;
      heardDelayMs: number;
      /** A party hears 10 ms of the agent, at that time. */
      onHeard: (party: MemoryParticipant, atMs: number) => void;
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
    return [...this.#up.values()].every((network) => network.isEmpty);
  }

  /** What became of each person's packets on their way to the agent. */
  get figures(): { [participantId: string]: NetworkFigures } {
    return Object.fromEntries([...this.#up].map(([id, network]) => [id, network.figures]));
  }

  /** How much later the agent hears somebody. */
  delayMs(participantId: string): number {
    return this.#network(this.#up, participantId).delayMs;
  }

  carry(party: MemoryParticipant, sent: AudioRowEntry | undefined, row: number): AudioRowEntry[] {
    const network = this.#network(this.#up, party.id);
    if (sent) network.send(sent, row, this.#clock.now());
    const arrived = party.microphone && network.receive(row, party.microphone);
    return arrived ? [arrived] : [];
  }

  deliver(connection: MemoryConnection, row: AudioRow): void {
    if (!this.#agentClock.isStalled) return connection.hearRow(row);
    const entries = row.entries.slice(0, row.count).map((entry) => ({
      ...entry,
      pcm: new PcmChunk(entry.pcm.samples.slice(), entry.pcm),
    }));
    this.#held.push({ connection, row: { number: row.number, count: row.count, entries } });
  }

  tell(connection: MemoryConnection, message: RoomMessage): void {
    if (this.#agentClock.isStalled) this.#held.push({ connection, message });
    else connection.take(message);
  }

  say(party: MemoryParticipant, samples: Int16Array, from: Participant): void {
    const network = this.#network(this.#down, party.id);
    const nowMs = this.#clock.now();
    if (network.decide(nowMs) !== "arrives") return;
    // When it is heard is told instead of waited for: a timer for each frame and listener would
    // take most of the simulation's time.
    this.#onHeard(party, nowMs + network.delayMs);
    party.hear(samples, from);
  }

  /** The agent stands still. */
  stall({ forMs, backlog = "rows" }: Stall): void {
    this.#agentClock.stall(forMs, () => {
      if (this.#agentClock.isStalled) return;
      const held = this.#held;
      this.#held = [];
      for (const one of this.#arrange(held, backlog)) {
        if ("message" in one) one.connection.take(one.message);
        else one.connection.hearRow(one.row);
      }
    });
  }

  /** The rows between two messages, in the order in which they are handed over. */
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

  #network(networks: Map<string, SimulatedLink>, id: string): SimulatedLink {
    let network = networks.get(id);
    if (!network) {
      const direction = networks === this.#up ? "up" : "down";
      network = new SimulatedLink(
        this.#conditions(id),
        this.#random.fork(`${direction} ${id}`),
      );
      networks.set(id, network);
    }
    return network;
  }
}

/** All slots of one track, then all of the next. */
function bySinks(rows: { connection: MemoryConnection; row: AudioRow }[]): Held[] {
  const tracks = new Set(rows.flatMap(({ row }) => row.entries.map((entry) => entry.trackId)));
  return [...tracks].flatMap((trackId) =>
    rows.flatMap(({ connection, row }) => {
      const entries = row.entries.filter((entry) => entry.trackId === trackId);
      return entries.map((entry) => ({
        connection,
        row: { number: row.number, count: 1, entries: [entry] },
      }));
    })
  );
}
