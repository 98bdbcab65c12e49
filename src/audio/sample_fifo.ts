/** A queue of samples, first in, first out. @module */
import { assertOptions } from "./arguments.ts";

import { describe } from "./typed_arrays.ts";

/** The behaviour of a full {@linkcode SampleFifo}. */
export type WhenFull = "throw" | "grow" | "drop-oldest";

/**
 * A queue of samples, first in, first out. Only the constructor and growth allocate memory.
 *
 * @example Frames of another length
 * ```ts
 * import { SampleFifo } from "@ringline/edge/audio";
 *
 * const queue = new SampleFifo(960, { whenFull: "grow" });
 * queue.push(Int16Array.of(1, 2, 3));
 * const frame = new Int16Array(2);
 * while (queue.length >= frame.length) queue.shift(frame);
 * console.log(frame, queue.length); // [1, 2] 1
 * ```
 */
export class SampleFifo {
  readonly #whenFull: WhenFull;
  #samples: Int16Array;
  #start = 0;
  #length = 0;

  /**
   * Creates a queue of `capacity` samples. A full queue throws unless `whenFull` says otherwise.
   *
   * @throws {RangeError} `capacity` is not a whole number from 0 to 2^31 - 1
   */
  constructor(capacity: number, options: { whenFull?: WhenFull } = {}) {
    assertOptions(options, { whenFull: true }, 'an object like { whenFull: "grow" }');
    if (!Number.isInteger(capacity) || capacity < 0 || capacity >= 2 ** 31) {
      const got = typeof capacity === "number" ? capacity : describe(capacity);
      throw new RangeError(`capacity: expected a whole number of samples, got ${got}`);
    }
    this.#samples = new Int16Array(capacity);
    this.#whenFull = options.whenFull ?? "throw";
  }

  /** Samples that wait. */
  get length(): number {
    return this.#length;
  }

  /** Samples that can be pushed before the queue is full. */
  get free(): number {
    return this.#samples.length - this.#length;
  }

  /**
   * Appends a copy of `samples`.
   *
   * @throws {RangeError} the queue has no room for them, and neither grows nor drops the oldest
   */
  push(samples: Int16Array): void {
    if (samples.length > this.free) samples = this.#makeRoom(samples);
    const ring = this.#samples;
    const at = this.#index(this.#length);
    const untilEnd = Math.min(samples.length, ring.length - at);
    if (untilEnd === samples.length) ring.set(samples, at);
    else {
      ring.set(samples.subarray(0, untilEnd), at);
      ring.set(samples.subarray(untilEnd), 0);
    }
    this.#length += samples.length;
  }

  /** Moves up to `count` samples to `out` and returns how many there were. */
  shift(out: Int16Array, count: number = out.length): number {
    const taken = this.peek(out, count);
    this.drop(taken);
    return taken;
  }

  /** Copies up to `count` samples, `offset` after the first, and returns how many there were. */
  peek(out: Int16Array, count: number = out.length, offset = 0): number {
    const ring = this.#samples;
    const taken = Math.max(0, Math.min(count, out.length, this.#length - offset));
    if (taken === 0) return 0;
    const at = this.#index(offset);
    const untilEnd = Math.min(taken, ring.length - at);
    out.set(ring.subarray(at, at + untilEnd));
    if (untilEnd < taken) out.set(ring.subarray(0, taken - untilEnd), untilEnd);
    return taken;
  }

  /** Discards up to `count` samples, the oldest first. */
  drop(count: number): void {
    const dropped = Math.min(count, this.#length);
    if (dropped === 0) return;
    this.#start = this.#index(dropped);
    this.#length -= dropped;
  }

  /** Discards up to `count` samples, `offset` after the oldest, and returns how many there were. */
  remove(offset: number, count: number): number {
    const ring = this.#samples;
    const removed = Math.max(0, Math.min(count, this.#length - offset));
    // What is older moves up: it is the shorter part as a rule.
    for (let index = offset - 1; index >= 0 && removed > 0; index--) {
      ring[this.#index(index + removed)] = ring[this.#index(index)]!;
    }
    this.drop(removed);
    return removed;
  }

  /** Writes `samples` over those that are `offset` after the oldest; ignores what exceeds them. */
  replace(samples: Int16Array, offset = 0): void {
    const ring = this.#samples;
    const count = Math.min(samples.length, this.#length - offset);
    if (count <= 0) return;
    let at = this.#index(offset);
    for (let index = 0; index < count; index++) {
      ring[at] = samples[index]!;
      if (++at === ring.length) at = 0;
    }
  }

  /** Discards everything and returns how many samples that were. */
  clear(): number {
    const dropped = this.#length;
    this.#start = this.#length = 0;
    return dropped;
  }

  /** Returns the index of the sample `offset` after the oldest. */
  #index(offset: number): number {
    return (this.#start + offset) % this.#samples.length;
  }

  /** Frees room for `samples`, and returns those of them to be pushed. */
  #makeRoom(samples: Int16Array): Int16Array {
    if (this.#whenFull === "throw") {
      throw new RangeError(
        `samples: expected at most ${this.free} (room in the queue), got ${samples.length}`,
      );
    }
    if (this.#whenFull === "grow") this.#grow(this.#length + samples.length);
    else {
      const capacity = this.#samples.length;
      if (samples.length > capacity) samples = samples.subarray(samples.length - capacity);
      this.drop(samples.length - this.free);
    }
    return samples;
  }

  #grow(needed: number): void {
    const larger = new Int16Array(Math.max(needed, this.#samples.length * 2));
    this.peek(larger, this.#length);
    this.#samples = larger;
    this.#start = 0;
  }
}
