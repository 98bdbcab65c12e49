/** A figure that only grows, as what it has grown by. @module */

/** The growth of a figure. One that is smaller than before has begun anew. */
export class Growth {
  #value = 0;

  /** Returns by how much it has grown to `value`. */
  to(value = 0): number {
    const grown = value - this.#value;
    this.#value = value;
    return grown < 0 ? value : grown;
  }
}
