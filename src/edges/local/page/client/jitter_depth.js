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
/** The weight of the newest reading: a burst every few seconds must be seen as what it is. */
const NEWEST = 0.2;

/** Decides how deep the jitter buffer of one connection has to be at least. */
export class JitterDepth {
  /** What to set, in milliseconds; 0: what WebRTC thinks best. */
  targetMs = 0;
  #concealed = 0;
  #good = GOOD_READINGS;

  /**
   * Takes what was measured since the last reading, about once a second.
   *
   * @param {import("./stats.js").ConnectionStats} stats
   * @returns {number} the least depth from now on, in milliseconds
   */
  update({ nackCount = 0, concealed = 0, roundTripMs = 0 }) {
    this.#good = nackCount > 0 ? 0 : this.#good + 1;
    this.#concealed += NEWEST * (concealed - this.#concealed);
    const limitMs = roundTripMs > FAR_MS ? 0 : LIMIT_MS;
    if (this.#good >= GOOD_READINGS) this.targetMs -= STEP_MS;
    else if (this.#concealed > TOLERATED) this.targetMs += STEP_MS;
    this.targetMs = Math.max(0, Math.min(this.targetMs, limitMs));
    return this.targetMs;
  }
}
