import type { Clock } from "./clock.ts";

/**
 * Counts what a bounded queue had to drop and says so at most once a second. It needs no timer:
 * what is dropped inside that second is told with the next drop after it.
 */
export class DropCounter {
  #total = 0;
  #told = 0;
  #toldAt = -Infinity;

  /** `tell` is called with the drops since it was last called and with all of them. */
  constructor(
    private readonly clock: Clock,
    private readonly tell: (dropped: number, total: number) => void,
    private readonly intervalMs: number = 1000,
  ) {}

  /** Everything that was dropped. */
  get total(): number {
    return this.#total;
  }

  /** Counts `amount` drops. */
  add(amount: number = 1): void {
    this.#total += amount;
    const now = this.clock.now();
    if (now - this.#toldAt < this.intervalMs) return;
    const dropped = this.#total - this.#told;
    this.#toldAt = now;
    this.#told = this.#total;
    this.tell(dropped, this.#total);
  }
}
