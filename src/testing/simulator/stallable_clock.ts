/** The clock of a program that stands still at times. @module */
import type { Clock } from "../../events/clock.ts";

/** The clock of a program that can stall: its timers then run late, together. */
export class StallableClock implements Clock {
  readonly #waiting = new Set<{ readonly at: number }>();
  #stalledUntil = -Infinity;

  constructor(private readonly base: Clock) {}

  /** Whether the program is stalled. */
  get isStalled(): boolean {
    return this.base.now() < this.#stalledUntil;
  }

  now(): number {
    return this.base.now();
  }

  epochMs(): number {
    return this.base.epochMs();
  }

  /** When the next of the program's own timers is due; `Infinity` without one. */
  get nextAt(): number {
    return Math.min(...Array.from(this.#waiting, ({ at }) => at));
  }

  schedule(callback: () => void, ms: number): Disposable {
    const { base } = this;
    const waiting = { at: base.now() + Math.max(0, ms) };
    this.#waiting.add(waiting);
    const run = () => {
      const restMs = this.#stalledUntil - base.now();
      if (restMs > 0) {
        timer = base.schedule(run, restMs);
        return;
      }
      this.#waiting.delete(waiting);
      callback();
    };
    let timer = base.schedule(run, ms);
    return {
      [Symbol.dispose]: () => {
        this.#waiting.delete(waiting);
        timer[Symbol.dispose]();
      },
    };
  }

  /** Stalls for `ms`, then calls `after` before any timer. */
  stall(ms: number, after: () => void): void {
    this.#stalledUntil = Math.max(this.#stalledUntil, this.base.now() + ms);
    this.base.schedule(after, ms);
  }
}
