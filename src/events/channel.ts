/** A bounded queue of items for one reader. @module */
import { checkOptions } from "./checks.ts";

/** Options for a {@linkcode Channel}. */
export interface ChannelOptions<T> {
  /** The most that may wait, in the unit of `sizeOf`. Default: no bound. */
  capacity?: number;
  /** Returns the size of an item. Default: 1. */
  sizeOf?: (item: T) => number;
}

/** A queue of items for one reader. When full it drops the oldest item, and counts it. */
export class Channel<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  readonly #capacity: number;
  readonly #sizeOf: (item: T) => number;
  #size = 0;
  #dropped = 0;
  #ended = false;
  #failure: { error: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** An empty channel. */
  constructor(options: ChannelOptions<T> = {}) {
    checkOptions(
      options,
      "options",
      { capacity: true, sizeOf: true },
      "an object like { capacity: 100 }, or nothing",
    );
    this.#capacity = options.capacity ?? Infinity;
    this.#sizeOf = options.sizeOf ?? (() => 1);
  }

  /** The size of the items that wait to be read. */
  get size(): number {
    return this.#size;
  }

  /** The size of the items that were dropped. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The error that it failed with, if it has. */
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

  /** Ends the channel: the reader gets the waiting items, then the end. Idempotent. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Ends the channel: the reader gets the waiting items, then `error`. Does nothing once ended. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#failure = { error };
    this.end();
  }

  /** Yields the items in order, as they come; throws the error that the channel failed with. */
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
