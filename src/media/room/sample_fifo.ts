/**
 * Samples that wait, first in, first out. Grows when it must, since what an agent says is never
 * dropped; whoever writes keeps it short.
 */
export class SampleFifo {
  #samples: Int16Array;
  #start = 0;
  #length = 0;

  constructor(capacity: number) {
    this.#samples = new Int16Array(capacity);
  }

  /** Samples that wait. */
  get length(): number {
    return this.#length;
  }

  /** Appends a copy of `samples`. */
  push(samples: Int16Array): void {
    if (this.#length + samples.length > this.#samples.length) {
      this.#grow(this.#length + samples.length);
    }
    const ring = this.#samples;
    const at = (this.#start + this.#length) % ring.length;
    const first = Math.min(samples.length, ring.length - at);
    if (first === samples.length) ring.set(samples, at);
    else {
      ring.set(samples.subarray(0, first), at);
      ring.set(samples.subarray(first), 0);
    }
    this.#length += samples.length;
  }

  /** Moves up to `count` samples to `out` and returns how many there were. */
  shift(out: Int16Array, count: number): number {
    const taken = this.peek(out, count);
    this.drop(taken);
    return taken;
  }

  /** Copies up to `count` samples, `offset` after the first, and returns how many there were. */
  peek(out: Int16Array, count: number, offset = 0): number {
    const ring = this.#samples;
    const taken = Math.max(0, Math.min(count, this.#length - offset));
    let at = (this.#start + offset) % ring.length;
    for (let index = 0; index < taken; index++) {
      out[index] = ring[at]!;
      if (++at === ring.length) at = 0;
    }
    return taken;
  }

  /** Throws away the first `count` samples. */
  drop(count: number): void {
    const dropped = Math.min(count, this.#length);
    this.#start = (this.#start + dropped) % this.#samples.length;
    this.#length -= dropped;
  }

  /** Writes `samples` over the first ones. */
  replaceStart(samples: Int16Array): void {
    const ring = this.#samples;
    let at = this.#start;
    for (let index = 0; index < Math.min(samples.length, this.#length); index++) {
      ring[at] = samples[index]!;
      if (++at === ring.length) at = 0;
    }
  }

  /** Throws everything away and returns how much it was. */
  clear(): number {
    const dropped = this.#length;
    this.#start = this.#length = 0;
    return dropped;
  }

  #grow(needed: number): void {
    const larger = new Int16Array(Math.max(needed, this.#samples.length * 2));
    const length = this.peek(larger, this.#length);
    this.#samples = larger;
    this.#start = 0;
    this.#length = length;
  }
}
