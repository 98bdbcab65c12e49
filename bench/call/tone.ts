/**
 * The tone that is flushed.
 *
 * @module
 */

/** A whole number of periods in 10 ms, so that the tone goes on without a seam. */
export const TONE_HZ = 1000;
/** Its peak, of 32768. */
export const TONE_LEVEL = 9000;
