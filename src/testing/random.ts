/** A pseudorandom generator: the same seed gives the same numbers. */
export class Random {
  #state: number;

  /**
   * Creates a generator.
   *
   * @param seed any whole number
   */
  constructor(readonly seed: number) {
    if (!Number.isInteger(seed)) throw new RangeError(`seed: expected a whole number, got ${seed}`);
    this.#state = seed >>> 0;
  }

  /** Returns a number from 0 (included) to 1 (not included). */
  next(): number {
    // Mulberry32: small, and good enough for simulated networks.
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** Returns a number from `low` to `high`. */
  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** Returns `true` with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** Shuffles a list in place and returns it. */
  shuffle<T>(list: T[]): T[] {
    for (let at = list.length - 1; at > 0; at--) {
      const other = Math.floor(this.next() * (at + 1));
      [list[at], list[other]] = [list[other]!, list[at]!];
    }
    return list;
  }

  /** Returns an independent generator for a name. */
  fork(name: string): Random {
    let hash = this.seed ^ 0x811c9dc5;
    for (const char of name) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193);
    return new Random(hash >>> 0);
  }
}
