/**
 * What the page has sent and the server has not acknowledged: it goes out again on the next socket, so
 * that a cut network or a media process that is replaced loses nothing that a person wrote.
 *
 * @module
 */
import { RinglineError } from "./error.js";

/** How many wait; the server accepts as many at a time. */
const MAX_WAITING = 80;

/** Messages in order. Both ends count them from the welcome of each socket on. */
export class Outbox {
  /** @type {object[]} */
  #messages = [];
  /** How many of this socket the server has acknowledged. */
  #acknowledged = 0;

  /** How many wait. */
  get size() {
    return this.#messages.length;
  }

  /**
   * @param {object} message
   * @throws {RinglineError} `too-many-messages`
   */
  add(message) {
    if (this.#messages.length >= MAX_WAITING) throw new RinglineError("too-many-messages");
    this.#messages.push(message);
  }

  /** Drops what the server has. @param {number} count how many it has received of this socket */
  acknowledge(count) {
    this.#messages.splice(0, Math.max(0, count - this.#acknowledged));
    this.#acknowledged = Math.max(count, this.#acknowledged);
  }

  /**
   * Begins to count anew, for another socket.
   *
   * @returns {readonly object[]} what goes out on it first
   */
  restart() {
    this.#acknowledged = 0;
    return [...this.#messages];
  }
}
