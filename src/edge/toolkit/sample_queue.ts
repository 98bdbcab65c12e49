/** A queue of samples of fixed size. */
export class SampleQueue {
  readonly #storage: Int16Array;
  #start = 0;
  #length = 0;

  constructor(readonly capacity: number) {
    this.#storage = new Int16Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  get room(): number {
    return this.capacity - this.#length;
  }

  /** Appends samples; there must be room for them. */
  push(samples: Int16Array): void {
    if (samples.length > this.room) {
      throw new RangeError(`expected at most ${this.room} samples, got ${samples.length}`);
    }
    const at = (this.#start + this.#length) % this.capacity;
    const untilEnd = Math.min(samples.length, this.capacity - at);
    this.#storage.set(untilEnd === samples.length ? samples : samples.subarray(0, untilEnd), at);
    if (untilEnd < samples.length) this.#storage.set(samples.subarray(untilEnd), 0);
    this.#length += samples.length;
  }

  /** The oldest samples, at most `max` and as many as lie together: a view. */
  peek(max: number): Int16Array {
    const count = Math.min(max, this.#length, this.capacity - this.#start);
    return this.#storage.subarray(this.#start, this.#start + count);
  }

  /** Removes the oldest samples. */
  consume(count: number): void {
    this.#start = (this.#start + count) % this.capacity;
    this.#length -= count;
  }

  clear(): void {
    this.#length = 0;
  }
}
