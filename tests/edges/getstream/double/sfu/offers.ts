import { Refused } from "./refused.ts";

/**
 * What became of one participant's offers. An offer is answered once; one that the SFU took back,
 * since its socket was lost or its time was over, may be answered yet: that answer was on its way.
 */
export class Offers {
  readonly #answered = new Set<number>();
  #last = 0;
  #open: PromiseWithResolvers<string> | undefined;

  /** Opens the next one; the promise rejects when it is withdrawn. */
  open(): { negotiationId: number; answer: Promise<string> } {
    this.withdraw("another offer followed");
    const open = this.#open = Promise.withResolvers<string>();
    // It may be withdrawn before it is waited for.
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

  /** Takes back the one that is open. */
  withdraw(reason: string): void {
    this.#open?.reject(new Refused(reason));
    this.#open = undefined;
  }
}
