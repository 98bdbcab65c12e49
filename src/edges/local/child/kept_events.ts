/**
 * The events that a page has not acknowledged: what was on its way when a network was cut, and what was
 * sent meanwhile.
 *
 * @module
 */
import type { ServerMessage } from "../wire/signalling.ts";

/** How many are kept; the oldest are dropped. An event has 5 KB at most. */
const MAX_KEPT = 100;

/** A page's events, in order. Both ends count them from the welcome of each socket on. */
export class KeptEvents {
  #events: ServerMessage[] = [];
  /** The number of the oldest one on this socket. */
  #first = 0;
  #sent = 0;

  /** Keeps one; `isSent`: it leaves on the socket now. */
  add(event: ServerMessage, isSent: boolean): void {
    if (isSent) this.#sent++;
    if (this.#events.push(event) <= MAX_KEPT) return;
    this.#events.shift();
    this.#first++;
  }

  /** Drops those that the page has received of this socket: so many, or all that were sent. */
  acknowledge(received: number = this.#sent): void {
    const count = Math.min(received - this.#first, this.#events.length);
    if (count <= 0) return;
    this.#events.splice(0, count);
    this.#first += count;
  }

  /** Returns those that go out on another socket, the others being dropped. */
  restart(mayRead: (event: ServerMessage) => boolean): readonly ServerMessage[] {
    this.#events = this.#events.filter(mayRead);
    this.#first = 0;
    this.#sent = this.#events.length;
    return this.#events;
  }
}

/** Whether a message is an agent's line of what was said, for those who may hear it. */
export function isTranscript(message: ServerMessage): boolean {
  if (message.type !== "event" || !message.from.startsWith("agent-")) return false;
  const { data } = message;
  return typeof data === "object" && data !== null && "type" in data && data.type === "transcript";
}
