/** How a {@linkcode Channel} is bounded. */
export interface ChannelOptions<T> {
  /** What may wait, in the unit of `sizeOf`, before the oldest goes. Default: no bound. */
  capacity?: number;
  /** Default: 1 for each item. */
  sizeOf?: (item: T) => number;
}

/** Items on their way to one who reads at his own pace: the oldest goes when it is full, counted. */
export class Channel<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  readonly #capacity: number;
  readonly #sizeOf: (item: T) => number;
  #size = 0;
  #dropped = 0;
  #ended = false;
  #failure: { error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(options: ChannelOptions<T> = {}) {
    this.#capacity = options.capacity ?? Infinity;
    this.#sizeOf = options.sizeOf ?? (() => 1);
  }

  /** What waits to be read. */
  get size(): number {
    return this.#size;
  }

  /** What was dropped because nobody read. */
  get dropped(): number {
    return this.#dropped;
  }

  /** What it failed with, if it has. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** Appends an item; does nothing once ended. */
  push(item: T): void {
    if (this.#ended) return;
    this.#items.push(item);
    this.#size += this.#sizeOf(item);
    while (this.#size > this.#capacity) {
      const size = this.#sizeOf(this.#items.shift()!);
      this.#size -= size;
      this.#dropped += size;
    }
    this.#wake?.();
  }

  /** Nothing follows: whoever reads gets what waits, then the end. Idempotent. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Nothing follows: whoever reads gets what waits, then `error`. Does nothing once ended. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#failure = { error };
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    while (true) {
      if (this.#items.length > 0) {
        const item = this.#items.shift()!;
        this.#size -= this.#sizeOf(item);
        yield item;
      } else if (this.#ended) {
        if (this.#failure) throw this.#failure.error;
        return;
      } else {
        await new Promise<void>((resolve) => this.#wake = resolve);
        this.#wake = undefined;
      }
    }
  }
}
