/** Turns a track's frames into slots at an agent's rate. @module */
import type { AudioKernel, KernelResampler } from "../../audio/kernel.ts";
import type { RowQueue } from "./row_queue.ts";
import { TICKS_PER_SLOT } from "../../audio/grid.ts";
import { ROOM_RATE, TICK_SAMPLES } from "../wire/time.ts";

/**
 * Turns one track's frames into slots of 20 ms at an agent's rate. Slots lie on the room's grid: a
 * missing frame becomes silence, so that later ones keep their place.
 */
export class SlotFeed {
  readonly #resampler: KernelResampler;
  readonly #slot: Int16Array;
  readonly #half: number;
  readonly #silence = new Int16Array(TICK_SAMPLES);
  /** Samples a second of the slots. */
  readonly sampleRate: number;
  /** Takes a complete slot; the next slot reuses the array. */
  onSlot: ((slot: Int16Array, number: number) => void) | undefined;
  /** The tick after the latest; `undefined` when no slot is open. */
  #next: number | undefined;

  constructor(kernel: AudioKernel, sampleRate: number) {
    this.sampleRate = sampleRate;
    this.#resampler = kernel.createResampler({ inputRate: ROOM_RATE, outputRate: sampleRate });
    this.#half = sampleRate * TICK_SAMPLES / ROOM_RATE;
    this.#slot = new Int16Array(this.#half * TICKS_PER_SLOT);
  }

  /** Writes the frame of a tick; ignores frames older than the latest. */
  write(frame: Int16Array, tick: number): void {
    if (this.#next === undefined) {
      // The slot begins on the grid, not at the first frame.
      this.#next = tick - tick % TICKS_PER_SLOT;
    } else if (tick < this.#next) return;
    else if (tick - this.#next >= TICKS_PER_SLOT) {
      // Whole slots are missing: the open one ends here, and the gap shows in the numbers.
      this.close();
      this.#next = tick - tick % TICKS_PER_SLOT;
    }
    while (this.#next < tick) this.#append(this.#silence);
    this.#append(frame);
  }

  /** Ends the open slot with silence: frames up to this tick would be too late now. */
  complete(tick: number): void {
    while (this.#next !== undefined && this.#next % TICKS_PER_SLOT !== 0 && this.#next <= tick) {
      this.#append(this.#silence);
    }
  }

  /** Fills the open slot with silence, and resets the resampler. */
  close(): void {
    if (this.#next === undefined) return;
    while (this.#next % TICKS_PER_SLOT !== 0) this.#append(this.#silence);
    this.#next = undefined;
    this.#resampler.reset();
  }

  /** Frees the resampler. */
  [Symbol.dispose](): void {
    this.#resampler[Symbol.dispose]();
  }

  #append(frame: Int16Array): void {
    const tick = this.#next!;
    const position = tick % TICKS_PER_SLOT;
    this.#resampler.process(frame, this.#slot, position * this.#half);
    this.#next = tick + 1;
    if (position === TICKS_PER_SLOT - 1) {
      this.onSlot?.(this.#slot, (tick - position) / TICKS_PER_SLOT);
    }
  }
}

/**
 * Returns the feeds that write a track's slots to `rowQueues`, one for each rate. Existing feeds of a
 * wanted rate continue, the others are closed.
 */
export function rewireFeeds(
  kernel: AudioKernel,
  existing: readonly SlotFeed[],
  trackId: string,
  rowQueues: readonly RowQueue[],
): SlotFeed[] {
  const feeds: SlotFeed[] = [];
  const wanted = Map.groupBy(rowQueues, ({ sampleRate }) => sampleRate);
  for (const feed of existing) {
    if (wanted.has(feed.sampleRate)) continue;
    feed.close();
    feed[Symbol.dispose]();
  }
  for (const [sampleRate, group] of wanted) {
    const feed = existing.find((one) => one.sampleRate === sampleRate) ??
      new SlotFeed(kernel, sampleRate);
    feed.onSlot = (slot, number) => {
      for (const rowQueue of group) rowQueue.write(trackId, slot, number);
    };
    feeds.push(feed);
  }
  return feeds;
}
