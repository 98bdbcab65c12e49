/** The time of the conformance kits' tests. @module */
import { sleep, waitFor } from "../../events/waiting.ts";
import type { VirtualClock } from "../virtual_clock.ts";

/** The time of a test: a virtual clock where what it tests has one, or the machine's. */
export class TestTime {
  constructor(
    readonly clock: VirtualClock | undefined,
    readonly limitMs: number,
  ) {}

  /** Waits for a promise. */
  until<T>(promise: PromiseLike<T>, what: string): Promise<T> {
    if (this.clock) return this.clock.until(promise, this.limitMs);
    return waitFor(promise, what, { timeoutMs: this.limitMs });
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    if (this.clock) await this.clock.advance(ms);
    else await sleep(ms);
  }

  /** Waits until a condition holds. */
  async eventually(condition: () => boolean, what: string): Promise<void> {
    const stepMs = 10;
    for (let passed = 0; !condition(); passed += stepMs) {
      if (passed >= this.limitMs) throw new Error(`did not happen: ${what}`);
      await this.pass(stepMs);
    }
  }
}
