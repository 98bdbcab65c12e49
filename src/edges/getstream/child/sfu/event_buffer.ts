import type { SfuPayload } from "./sfu_socket.ts";

/** Keeps an SFU's events back until the state of the call that they change has been taken. */
export class EventBuffer {
  readonly #deliver: (event: SfuPayload) => void;
  #waiting: SfuPayload[] | undefined = [];

  constructor(deliver: (event: SfuPayload) => void) {
    this.#deliver = deliver;
  }

  push(event: SfuPayload): void {
    if (this.#waiting) this.#waiting.push(event);
    else this.#deliver(event);
  }

  /** Lets them pass: those that waited, first. */
  open(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    for (const event of waiting ?? []) this.#deliver(event);
  }
}
