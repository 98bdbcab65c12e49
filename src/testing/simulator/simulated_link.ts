/** One person's way to the agent, with its losses and its jitter buffer. @module */
import { SLOT_MS } from "../../audio/grid.ts";
import type { ParticipantAudio } from "../../edge/participant_audio.ts";
import type { NetworkConditions } from "./script.ts";
import { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Random } from "../random.ts";

/** Counts of one person's packets. */
export interface NetworkFigures {
  /** Sent. */
  sent: number;
  /** Never arrived. */
  lost: number;
  /** Arrived after their time. */
  late: number;
  /** Arrived twice. */
  duplicated: number;
}

/** A link between one person and the agent: packets of 20 ms, and a jitter buffer at its end. */
export class SimulatedLink {
  readonly figures: NetworkFigures = { sent: 0, lost: 0, late: 0, duplicated: 0 };
  readonly #conditions: NetworkConditions;
  readonly #random: Random;
  readonly #rows: number;
  /** Packets in transit, by the row in which they arrive: there is one for each row. */
  readonly #arriving = new Map<number, ParticipantAudio>();
  /** Whether the last packet was lost: losses come in bursts. */
  #losing = false;

  constructor(conditions: NetworkConditions, random: Random) {
    this.#conditions = conditions;
    this.#random = random;
    const { delayMs = 0, jitterMs = 0, reordering = 0 } = conditions;
    const buffered = jitterMs > 0 || reordering > 0 ? this.#bufferMs : 0;
    this.#rows = Math.ceil((delayMs + buffered) / SLOT_MS);
  }

  /** Milliseconds from speaking to arrival. */
  get delayMs(): number {
    return this.#rows * SLOT_MS;
  }

  get isEmpty(): boolean {
    return this.#arriving.size === 0;
  }

  /** Sends the packet of a row, at a time. */
  send(entry: ParticipantAudio, row: number, nowMs: number): void {
    this.figures.sent++;
    if (this.decide(nowMs) !== "arrives") return;
    const pcm = new PcmChunk(entry.pcm.samples.slice(), entry.pcm);
    const arrival = row + this.#rows;
    const { participant, trackId } = entry;
    this.#arriving.set(arrival, { participant, trackId, pcm, row: arrival });
  }

  /** Returns the packet that arrives in a row, if it is of this track: the last one's are dropped. */
  receive(row: number, trackId: string): ParticipantAudio | undefined {
    const entry = this.#arriving.get(row);
    this.#arriving.delete(row);
    return entry?.trackId === trackId ? entry : undefined;
  }

  /** Decides what happens to a packet that is sent now. */
  decide(nowMs: number): "arrives" | "lost" | "late" {
    const { cuts = [], jitterMs = 0, reordering = 0, duplication = 0 } = this.#conditions;
    if (this.#isLost() || cuts.some(([from, until]) => nowMs >= from && nowMs < until)) {
      this.figures.lost++;
      return "lost";
    }
    const overtaken = reordering > 0 && this.#random.chance(reordering) ? 2 * SLOT_MS : 0;
    const behindMs = (jitterMs > 0 ? this.#random.between(0, jitterMs) : 0) + overtaken;
    if (behindMs > this.#bufferMs) {
      this.figures.late++;
      return "late";
    }
    // The receiver recognises the second one by its number and drops it.
    if (duplication > 0 && this.#random.chance(duplication)) this.figures.duplicated++;
    return "arrives";
  }

  get #bufferMs(): number {
    return this.#conditions.bufferMs ?? 60;
  }

  #isLost(): boolean {
    const { loss = 0, burst = 1 } = this.#conditions;
    if (loss <= 0) return false;
    // A Markov chain of two states (Gilbert): losing lasts `burst` packets on average.
    let stays = 1 - 1 / Math.max(1, burst);
    let begins = loss / Math.max(1e-9, (1 - loss) * Math.max(1, burst));
    if (begins > 1) {
      // Even with one packet between bursts the loss is not reached: the bursts must be longer.
      begins = 1;
      stays = 2 - 1 / loss;
    }
    this.#losing = this.#random.chance(this.#losing ? stays : begins);
    return this.#losing;
  }
}
