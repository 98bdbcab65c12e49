/** A buffer for the events of an SFU during a join. @module */
import type { SfuPayload } from "./sfu_socket.ts";

/** Holds an SFU's events until the roster has taken the state of the call that they change. */
export class EventBuffer {
  readonly #deliver: (event: SfuPayload) => void;
  #waiting: SfuPayload[] | undefined = [];

  constructor(deliver: (event: SfuPayload) => void) {
    this.#deliver = deliver;
  }

  /** Delivers an event, or holds it while the buffer is closed. */
  push(event: SfuPayload): void {
    if (this.#waiting) this.#waiting.push(event);
    else this.#deliver(event);
  }

  /** Delivers the events that waited; later ones pass through. */
  open(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    for (const event of waiting ?? []) this.#deliver(event);
  }
}
