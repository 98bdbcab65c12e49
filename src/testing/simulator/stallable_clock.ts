import type { Clock } from "../../events/clock.ts";

/** The clock of a program that can stall: its timers then run late, together. */
export class StallableClock implements Clock {
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

  schedule(callback: () => void, ms: number): Disposable {
    let timer = this.base.schedule(run, ms);
    const holder = { [Symbol.dispose]: () => timer[Symbol.dispose]() };
    const rest = () => this.#stalledUntil - this.base.now();
    const base = this.base;
    function run(): void {
      if (rest() > 0) timer = base.schedule(run, rest());
      else callback();
    }
    return holder;
  }

  /** Stalls for `ms`, then calls `after` before any timer. */
  stall(ms: number, after: () => void): void {
    this.#stalledUntil = Math.max(this.#stalledUntil, this.base.now() + ms);
    this.base.schedule(after, ms);
  }
}
