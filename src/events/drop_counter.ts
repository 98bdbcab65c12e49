/** A counter of drops that reports at most once a second. @module */
import type { Clock } from "./clock.ts";

/**
 * Counts the drops of a bounded queue and reports them at most once a second. It needs no timer: it
 * reports the drops within that second with the next drop after it.
 */
export class DropCounter {
  #total = 0;
  #reported = 0;
  #reportedAt = -Infinity;

  /** Creates a counter. It calls `report` with the drops since the last call, and with the total. */
  constructor(
    private readonly clock: Clock,
    private readonly report: (dropped: number, total: number) => void,
    private readonly intervalMs: number = 1000,
  ) {}

  /** All drops so far. */
  get total(): number {
    return this.#total;
  }

  /** Counts `amount` drops. */
  add(amount: number = 1): void {
    this.#total += amount;
    const now = this.clock.now();
    if (now - this.#reportedAt < this.intervalMs) return;
    const dropped = this.#total - this.#reported;
    this.#reportedAt = now;
    this.#reported = this.#total;
    this.report(dropped, this.#total);
  }
}
