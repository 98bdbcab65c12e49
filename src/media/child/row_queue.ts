import { DropCounter } from "../../events/drop_counter.ts";
import type { Clock } from "../../events/clock.ts";
import { SLOT_MS } from "../../audio/grid.ts";
import { RowValues } from "../../audio/row_values.ts";
import { SlotQueue } from "./slot_queue.ts";

/** How much of each participant is kept for an agent that does not read. */
const KEPT_MS = 8000;

/** Options of an {@linkcode RowQueue}. */
export interface RowQueueOptions {
  /** Samples a second that the agent hears. */
  sampleRate: number;
  clock: Clock;
  /** Tells the agent's half whose slots carry `source`. Called before the first of them. */
  introduce(source: number, participantId: string, trackId: string): void;
  /** Something can be sent. */
  onReady(): void;
  /** Slots were lost; called at most once a second. */
  onDropped?(dropped: number, total: number): void;
}

/** A row that is to be written. */
export interface CompleteRow {
  number: number;
  count: number;
  slotSamples: number;
  /** How much of what the agent says had been played; `NaN` when that is not known. */
  playedMs: number;
}

/** Where {@linkcode RowQueue.writeRow} writes a row to. */
export interface RowWriter {
  /** Begins a row; `undefined` when there is no room for it now. */
  begin(row: CompleteRow): RowSpace | undefined;
}

/** Room for one row: ids, and samples one entry after the other. */
export interface RowSpace {
  /** Writes an entry's source. */
  setSource(entry: number, source: number): void;
  /** The samples that entries are written to. */
  readonly samples: Int16Array;
  /** Where in `samples` the first entry begins. */
  readonly offset: number;
}

/**
 * What one agent hears: a queue of slots for each track it listens to, taken out as rows. It keeps
 * what the agent has not read, 8 s of each participant, so that a blocked agent loses nothing at
 * first, and later only the oldest.
 */
export class RowQueue {
  /** Samples a second. */
  readonly sampleRate: number;
  readonly slotSamples: number;
  readonly #options: RowQueueOptions;
  readonly #drops: DropCounter;
  readonly #open = new Map<string, Source>();
  readonly #played = new RowValues(KEPT_MS / SLOT_MS);
  /** The open ones, and those that have ended with something still to be sent. */
  #sources: Source[] = [];
  #nextSource = 1;
  #completeTo = -1;
  #closed = false;

  constructor(options: RowQueueOptions) {
    this.#options = options;
    this.sampleRate = options.sampleRate;
    this.slotSamples = options.sampleRate * SLOT_MS / 1000;
    this.#drops = new DropCounter(
      options.clock,
      (dropped, total) => options.onDropped?.(dropped, total),
    );
  }

  /** Slots that were lost because the agent did not read. */
  get dropped(): number {
    return this.#drops.total;
  }

  /** Begins a track. */
  addSource(trackId: string, participantId: string): void {
    if (this.#closed || this.#open.has(trackId)) return;
    const index = this.#nextSource++;
    const queue = new SlotQueue(this.slotSamples, KEPT_MS / SLOT_MS);
    const source: Source = { index, queue, ended: false };
    this.#open.set(trackId, source);
    this.#sources.push(source);
    this.#options.introduce(index, participantId, trackId);
  }

  /** Ends a track. What the agent has not read of it is sent still. */
  removeSource(trackId: string): void {
    const source = this.#open.get(trackId);
    if (source === undefined) return;
    this.#open.delete(trackId);
    source.ended = true;
    this.#forgetEnded();
  }

  /**
   * One slot of one track: copied, and sent when its row is complete. A slot of a row that is
   * complete already comes too late and is counted as lost.
   */
  write(trackId: string, samples: Int16Array, number: number): void {
    const source = this.#open.get(trackId);
    if (source === undefined || this.#closed) return;
    if (number <= this.#completeTo || source.queue.push(samples, number)) this.#drops.add();
  }

  /**
   * No slot up to this number is still to come; `playedMs` of what the agent says had been played by
   * then, if that is known.
   */
  complete(number: number, playedMs = NaN): void {
    if (this.#closed || number <= this.#completeTo) return;
    this.#played.set(number, playedMs);
    this.#completeTo = number;
    if (this.hasRow) this.#options.onReady();
  }

  /** Whether a complete row waits. */
  get hasRow(): boolean {
    return this.#firstNumber() <= this.#completeTo;
  }

  /** Hands the oldest complete row to `writer`; false when there is none, or no room for it. */
  writeRow(writer: RowWriter): boolean {
    const number = this.#firstNumber();
    if (number > this.#completeTo) return false;
    let count = 0;
    for (const { queue } of this.#sources) if (queue.firstNumber === number) count++;
    const { slotSamples } = this;
    const playedMs = this.#played.get(number) ?? NaN;
    const space = writer.begin({ number, count, slotSamples, playedMs });
    if (space === undefined) return false;
    let entry = 0;
    let hasEnded = false;
    for (const { index, queue, ended } of this.#sources) {
      if (queue.firstNumber !== number) continue;
      space.setSource(entry, index);
      queue.copyFirst(space.samples, space.offset + entry * slotSamples);
      queue.shift();
      entry++;
      hasEnded ||= ended;
    }
    if (hasEnded) this.#forgetEnded();
    return true;
  }

  /** The agent says something else from now on: of what it said before nothing is told any more. */
  forgetPlayed(): void {
    this.#played.clear();
  }

  /** Forgets everything. */
  close(): void {
    this.#closed = true;
    this.#open.clear();
    this.#sources = [];
  }

  #firstNumber(): number {
    let first = Infinity;
    for (const { queue } of this.#sources) {
      if (queue.firstNumber < first) first = queue.firstNumber;
    }
    return first;
  }

  #forgetEnded(): void {
    this.#sources = this.#sources.filter(({ ended, queue }) => !ended || queue.length > 0);
  }
}

/** One track that an agent listens to. */
interface Source {
  /** Its name in rows. */
  readonly index: number;
  readonly queue: SlotQueue;
  ended: boolean;
}
