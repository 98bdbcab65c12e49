/** How much of a pause the model hears. @module */

/** What it is used to: Pipecat, for which it was made, asks it after 200 ms of silence. */
const PAUSE = 3200;
const FRAME = 160;
/** Below this share of the loudest 10 ms there is no voice. */
const QUIET = 0.03;

/**
 * Returns what was heard without the end of a longer pause: the more silence the model hears, the more
 * complete a turn is to it. Where there is noise in the pause, all of it is left.
 *
 * @param samples mono, at 16 kHz
 */
export function withShortPause(samples: Int16Array): Int16Array {
  const levels = Array.from(
    { length: Math.floor(samples.length / FRAME) },
    (_, n) => samples.subarray(n * FRAME, (n + 1) * FRAME).reduce((sum, one) => sum + one * one, 0),
  );
  const least = QUIET ** 2 * Math.max(...levels);
  const last = levels.findLastIndex((level) => level > least);
  return samples.subarray(0, (last + 1) * FRAME + PAUSE);
}
