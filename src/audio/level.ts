/** The level of samples. @module */

/**
 * Returns the root mean square of samples: 0 for silence, 1 for the loudest square wave, 0.707 for
 * the loudest sine.
 *
 * @example
 * ```ts
 * import { rms } from "@ringline/edge/audio";
 *
 * const samples = new Int16Array(160).fill(3277);
 * console.log(Math.round(20 * Math.log10(rms(samples)))); // -20, in dB of full scale
 * ```
 */
export function rms(samples: Int16Array): number {
  if (!(samples instanceof Int16Array)) {
    throw new TypeError(`samples: expected an Int16Array, got ${samples}`);
  }
  return samples.length === 0 ? 0 : Math.sqrt(meanSquare(samples)) / 32_768;
}

/** Returns the mean square of samples, which is cheaper where levels are only compared. */
export function meanSquare(samples: Int16Array): number {
  let sum = 0;
  for (let index = 0; index < samples.length; index++) sum += samples[index]! * samples[index]!;
  return sum / samples.length;
}
