/** Samples on their way from one step to the next. @module */

/** A queue of samples that is written in place and grows as it has to. */
export class SampleQueue {
  #samples = new Int16Array(4096);
  #length = 0;

  /** How many samples wait. */
  get length(): number {
    return this.#length;
  }

  /** Returns room for so many samples, a view; `added` says how many were written there. */
  room(count: number): Int16Array {
    const needed = this.#length + count;
    if (needed > this.#samples.length) {
      const grown = new Int16Array(2 * needed);
      grown.set(this.#samples.subarray(0, this.#length));
      this.#samples = grown;
    }
    return this.#samples.subarray(this.#length, needed);
  }

  /** So many samples were written to the room. */
  added(count: number): void {
    this.#length += count;
  }

  /** Takes as many samples as `out` has room for; there must be as many. */
  take(out: Int16Array): void {
    out.set(this.#samples.subarray(0, out.length));
    this.#samples.copyWithin(0, out.length, this.#length);
    this.#length -= out.length;
  }
}
