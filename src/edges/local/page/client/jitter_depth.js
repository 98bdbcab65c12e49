/**
 * The depth of the jitter buffer while lost packets are sent again. WebRTC's own buffer waits for what
 * is sent again once, and not for what is lost a second time, with which the losses of bursts end: it
 * weighs each 20 ms of delay against one per cent of the sound.
 *
 * @module
 */

/** The share of sound that may be made up before the buffer gets deeper, 0 to 1. */
const TOLERATED = 0.005;
/** Change for each reading, in milliseconds. */
const STEP_MS = 20;
/** Enough for two attempts after a burst of 60 ms, 20 ms there and back. More would cost the conversation more than it saves. */
const LIMIT_MS = 180;
/** Beyond this round trip, what is sent again comes too late for a conversation. */
const FAR_MS = 100;
/** Readings without a packet that is asked for, after which the line counts as good. */
const GOOD_READINGS = 10;
/**
 * Readings without much made up, after which less depth is tried: nearly every line loses a packet now
 * and then, and would keep for the whole call the depth that its worst minute needed. Each try that
 * holds halves it, down to the first, and each that fails doubles it, up to the last.
 */
const CALM_READINGS = [10, 60, 240];
/** For so many readings a round trip is long before it counts: one that is measured late says nothing. */
const FAR_READINGS = 5;
/** The weight of the newest reading: a burst every few seconds must be seen as what it is. */
const NEWEST = 0.2;

/** Decides how deep the jitter buffer of one connection has to be at least. */
export class JitterDepth {
  /** What to set, in milliseconds; 0: what WebRTC thinks best. */
  targetMs = 0;
  #concealed = 0;
  #good = GOOD_READINGS;
  /** Readings since the depth was changed for what was made up. */
  #calm = 0;
  #patience = CALM_READINGS[1];
  /** Whether the last change was a try with less. */
  #tried = false;
  #far = 0;

  /**
   * Takes what was measured since the last reading, about once a second.
   *
   * @param {import("./stats.js").ConnectionStats} stats
   * @returns {number} the least depth from now on, in milliseconds
   */
  update({ nackCount = 0, concealed = 0, roundTripMs = 0 }) {
    this.#good = nackCount > 0 ? 0 : this.#good + 1;
    // What is made up far from a loss has another reason, for instance a server that stood still.
    const lost = this.#good <= 1 ? concealed : 0;
    this.#concealed += NEWEST * (lost - this.#concealed);
    if (this.#good >= GOOD_READINGS) {
      this.targetMs -= STEP_MS;
      this.#patience = CALM_READINGS[1];
      this.#tried = false;
    } else if (this.#concealed > TOLERATED) this.#deepen();
    else if (++this.#calm >= this.#patience && this.targetMs > 0) this.#tryLess();
    this.#far = roundTripMs > FAR_MS ? this.#far + 1 : 0;
    const limitMs = this.#far >= FAR_READINGS ? 0 : LIMIT_MS;
    this.targetMs = Math.max(0, Math.min(this.targetMs, limitMs));
    return this.targetMs;
  }

  #deepen() {
    if (this.#tried) this.#patience = Math.min(2 * this.#patience, CALM_READINGS[2]);
    this.#tried = false;
    this.#calm = 0;
    this.targetMs += STEP_MS;
  }

  #tryLess() {
    if (this.#tried) this.#patience = Math.max(this.#patience / 2, CALM_READINGS[0]);
    this.#tried = true;
    this.#calm = 0;
    this.targetMs -= STEP_MS;
  }
}
