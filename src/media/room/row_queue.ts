/** What an agent has not read yet, row by row. @module */
import { DropCounter } from "../../events/drop_counter.ts";
import type { Clock } from "../../events/clock.ts";
import { SLOT_MS } from "../../audio/grid.ts";
import { RowValues } from "../../audio/row_values.ts";
import { SlotQueue } from "./slot_queue.ts";

/** How much of each participant the queue keeps for an agent that does not read. */
const KEPT_MS = 8000;

/** Options of an {@linkcode RowQueue}. */
export interface RowQueueInit {
  /** Samples a second of the agent's input. */
  sampleRate: number;
  clock: Clock;
  /** Says which track's slots carry the number `source`. Called before the first of them. */
  onSource(source: number, participantId: string, trackId: string): void;
  /** A row can be sent. */
  onReady(): void;
  /** Slots were dropped; called at most once a second. */
  onDropped?(dropped: number, total: number): void;
}

/** The header of a row that is to be written. */
export interface CompleteRow {
  number: number;
  count: number;
  slotSamples: number;
  /** How much of the agent's audio had been played; `NaN` when unknown. */
  playedMs: number;
}

/** The target of {@linkcode RowQueue.writeRow}. */
export interface RowWriter {
  /** Begins a row; returns `undefined` when there is no room for it now. */
  begin(row: CompleteRow): RowSpace | undefined;
}

/** Room for one row: ids, and samples one entry after the other. */
export interface RowSpace {
  /** Writes an entry's source. */
  setSource(entry: number, source: number): void;
  /** The samples to write entries to. */
  readonly samples: Int16Array;
  /** Offset of the first entry in `samples`. */
  readonly offset: number;
}

/**
 * One agent's input: a queue of slots for each of its tracks, read as rows. It keeps up to 8 s of
 * each participant that the agent has not read, so that a blocked agent loses nothing at first, and
 * later only the oldest slots.
 */
export class RowQueue {
  /** Samples a second. */
  readonly sampleRate: number;
  readonly slotSamples: number;
  readonly #options: RowQueueInit;
  readonly #drops: DropCounter;
  readonly #open = new Map<string, QueuedSource>();
  readonly #played = new RowValues(KEPT_MS / SLOT_MS);
  /** The open sources, and the ended ones whose slots are not all sent. */
  #sources: QueuedSource[] = [];
  #nextSource = 1;
  #completeTo = -1;
  #closed = false;

  constructor(options: RowQueueInit) {
    this.#options = options;
    this.sampleRate = options.sampleRate;
    this.slotSamples = options.sampleRate * SLOT_MS / 1000;
    this.#drops = new DropCounter(
      options.clock,
      (dropped, total) => options.onDropped?.(dropped, total),
    );
  }

  /** Slots that the queue dropped because the agent did not read. */
  get dropped(): number {
    return this.#drops.total;
  }

  /** Adds a track. */
  addSource(trackId: string, participantId: string): void {
    if (this.#closed || this.#open.has(trackId)) return;
    const index = this.#nextSource++;
    const queue = new SlotQueue(this.slotSamples, KEPT_MS / SLOT_MS);
    const source: QueuedSource = { index, queue, ended: false };
    this.#open.set(trackId, source);
    this.#sources.push(source);
    this.#options.onSource(index, participantId, trackId);
  }

  /** Ends a track. Its unread slots are still sent. */
  removeSource(trackId: string): void {
    const source = this.#open.get(trackId);
    if (source === undefined) return;
    this.#open.delete(trackId);
    source.ended = true;
    this.#forgetEnded();
  }

  /**
   * Copies one slot of one track, which is sent when its row is complete. A slot of a row that is
   * complete already is too late, and counts as dropped.
   */
  write(trackId: string, samples: Int16Array, number: number): void {
    const source = this.#open.get(trackId);
    if (source === undefined || this.#closed) return;
    if (number <= this.#completeTo || source.queue.push(samples, number)) this.#drops.add();
  }

  /**
   * Completes the rows up to this number: no more slots of them will arrive. By then `playedMs` of the
   * agent's audio had been played, if that is known.
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

  /** Writes the oldest complete row; returns false when there is none, or no room for it. */
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

  /** Forgets how much of the agent's audio was played: it publishes another track. */
  forgetPlayed(): void {
    this.#played.clear();
  }

  /** Discards everything. */
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

/** One track of an agent's input. */
interface QueuedSource {
  /** Its number in rows. */
  readonly index: number;
  readonly queue: SlotQueue;
  ended: boolean;
}
