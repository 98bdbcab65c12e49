/**
 * How many custom events a page may send, and how large they may be. The server has limits too, a
 * little wider: what is refused here throws where it is made, and ends nothing.
 *
 * @module
 */
import { RinglineError } from "./error.js";

/** The most bytes of a custom event, as JSON in UTF-8. */
const EVENT_BYTES = 5120;
/** Events that may be sent a second; the server takes twice as much. */
const PER_SECOND = 20;
/** Events that may be sent at once. */
const BURST = 80;

/** Lets events pass as long as they are few and small. */
export class EventLimit {
  #tokens = BURST;
  #at = 0;

  /**
   * @param {unknown} data an event that is about to be sent
   * @throws {TypeError} it is not JSON
   * @throws {RangeError} it is too large
   * @throws {RinglineError} `too-many-messages`
   */
  check(data) {
    const text = JSON.stringify(data);
    if (text === undefined) throw new TypeError(`an event must be JSON, got ${typeof data}`);
    const bytes = new TextEncoder().encode(text).length;
    if (bytes > EVENT_BYTES) {
      throw new RangeError(`an event has at most ${EVENT_BYTES} bytes, this one has ${bytes}`);
    }
    const now = performance.now();
    const tokens = Math.min(BURST, this.#tokens + (now - this.#at) / 1000 * PER_SECOND);
    if (tokens < 1) throw new RinglineError("too-many-messages");
    this.#tokens = tokens - 1;
    this.#at = now;
  }
}
