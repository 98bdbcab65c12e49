/**
 * The tone that is played where a flush or a hole is to be heard.
 *
 * @module
 */

/** A whole number of periods in 10 ms, so that the tone goes on without a seam. */
const TONE_HZ = 1000;
/** Its peak, of 32768. */
const TONE_LEVEL = 9000;

/** Returns samples of the tone at 48 kHz; of whole periods where their number is one of milliseconds. */
export function toneSamples(length: number): Int16Array<ArrayBuffer> {
  return Int16Array.from(
    { length },
    (_, i) => TONE_LEVEL * Math.sin(2 * Math.PI * TONE_HZ * i / 48_000),
  );
}
