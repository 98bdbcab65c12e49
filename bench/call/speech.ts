/**
 * Sound that stands for speech: noise in the voice's range, in syllables, words and pauses.
 *
 * @module
 */

const RATE = 48_000;

/** Random numbers from 0 to 1 that are the same in every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Mono samples at 48 kHz: phrases of 1 to 3 s at about four syllables a second, pauses of 0.5 to
 * 2.5 s between them. Loops without a click, since it ends in a pause.
 */
export function speechLikeNoise(seconds: number, seed: number): Int16Array<ArrayBuffer> {
  const random = seeded(seed);
  const samples = new Int16Array(seconds * RATE);
  let low = 0;
  let lower = 0;
  let at = Math.floor(random() * RATE);
  while (at < samples.length) {
    const end = Math.min(at + (1 + 2 * random()) * RATE, samples.length - RATE / 4);
    const start = at;
    for (; at < end; at++) {
      const syllable = Math.sin(Math.PI * 4 * (at - start) / RATE) ** 2;
      // Two poles at about 3 kHz, less one at 150 Hz: roughly where a voice has its energy.
      low += 0.33 * (random() - 0.5 - low);
      lower += 0.02 * (low - lower);
      samples[at] = (low - lower) * syllable * 24_000;
    }
    at += Math.floor((0.5 + 2 * random()) * RATE);
  }
  return samples;
}
