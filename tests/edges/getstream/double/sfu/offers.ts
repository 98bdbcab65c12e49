/** The SFU's offers to one participant. @module */
import { Refused } from "./refused.ts";

/**
 * The offers to one participant. An offer is answered once. The SFU withdraws one when the socket is
 * lost or the time is over; its answer may still arrive, and has no effect.
 */
export class Offers {
  readonly #answered = new Set<number>();
  #last = 0;
  #open: PromiseWithResolvers<string> | undefined;

  /** Opens the next offer; the promise rejects when it is withdrawn. */
  open(): { negotiationId: number; answer: Promise<string> } {
    this.withdraw("another offer followed");
    const open = this.#open = Promise.withResolvers<string>();
    // It may be withdrawn before it is awaited.
    open.promise.catch(() => {});
    return { negotiationId: ++this.#last, answer: open.promise };
  }

  answer(negotiationId: number, sdp: string): void {
    if (negotiationId < 1 || negotiationId > this.#last) {
      throw new Refused(`negotiation ${negotiationId} was never opened, ${this.#last} is the last`);
    }
    if (this.#answered.has(negotiationId)) {
      throw new Refused(`negotiation ${negotiationId} was answered already`);
    }
    this.#answered.add(negotiationId);
    if (negotiationId !== this.#last) return;
    this.#open?.resolve(sdp);
    this.#open = undefined;
  }

  /** Withdraws the open offer. */
  withdraw(reason: string): void {
    this.#open?.reject(new Refused(reason));
    this.#open = undefined;
  }
}
