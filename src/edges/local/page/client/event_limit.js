/**
 * The limits of custom events that a page sends. The server has limits too, a little wider: an event
 * beyond these throws where the page sends it, and ends nothing.
 *
 * @module
 */
import { RinglineError } from "./error.js";

/** The most bytes of a custom event, as JSON in UTF-8. */
const EVENT_BYTES = 5120;
/** Events a second; the server accepts twice as many. */
const PER_SECOND = 20;
/** Events in a burst. */
const BURST = 80;

/** Checks the size and the rate of events. */
export class EventLimit {
  #tokens = BURST;
  #at = 0;

  /**
   * @param {unknown} data the event to send
   * @throws {TypeError} `data` is not JSON
   * @throws {RangeError} `data` is too large
   * @throws {RinglineError} `too-many-messages`
   */
  check(data) {
    const text = JSON.stringify(data);
    if (text === undefined) throw new TypeError(`an event: expected JSON, got ${typeof data}`);
    const bytes = new TextEncoder().encode(text).length;
    if (bytes > EVENT_BYTES) {
      throw new RangeError(`an event: expected at most ${EVENT_BYTES} bytes of JSON, got ${bytes}`);
    }
    const now = performance.now();
    const tokens = Math.min(BURST, this.#tokens + (now - this.#at) / 1000 * PER_SECOND);
    if (tokens < 1) throw new RinglineError("too-many-messages");
    this.#tokens = tokens - 1;
    this.#at = now;
  }
}
