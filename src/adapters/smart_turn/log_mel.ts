/**
 * What Whisper hears, and smart-turn with it: the logarithm of the energy in 80 bands of the mel scale,
 * every 10 ms of eight seconds at 16 kHz.
 *
 * @module
 */
import { Fourier } from "./fourier.ts";

/** The samples that the model hears: eight seconds. */
const SAMPLES = 128_000;
/** The bands of the mel scale, and the moments for which each has a number. */
export const BANDS = 80;
export const MOMENTS = 800;
const RATE = 16_000;
/** A window of 25 ms, every 10 ms. */
const WINDOW = 400;
const HOP = SAMPLES / MOMENTS;
const BINS = WINDOW / 2 + 1;
/** The least energy, and how far below the loudest anything counts, as powers of ten. */
const LEAST_ENERGY = 1e-10;
const RANGE = 8;

const hann = Float64Array.from(
  { length: WINDOW },
  (_, n) => 0.5 - 0.5 * Math.cos(2 * Math.PI * n / WINDOW),
);
const fourier = new Fourier(WINDOW);

/** A band: the first bin of the spectrum in it, and the weights from there on. */
interface Band {
  first: number;
  weights: Float64Array;
}

/** The mel scale, of its kinds the one that is linear up to 1 kHz (15 mel), and logarithmic above. */
const STEP = Math.log(6.4) / 27;
const toMel = (hertz: number) =>
  hertz < 1000 ? 3 * hertz / 200 : 15 + Math.log(hertz / 1000) / STEP;
const toHertz = (mel: number) => mel < 15 ? 200 * mel / 3 : 1000 * Math.exp(STEP * (mel - 15));

/** Triangles from one corner to the next but one, each of the same area. */
const bands: Band[] = Array.from({ length: BANDS }, (_, band) => {
  const [from, top, until] = [band, band + 1, band + 2]
    .map((n) => toHertz(toMel(RATE / 2) * n / (BANDS + 1))) as [number, number, number];
  const weights = Array.from({ length: BINS }, (_, bin) => {
    const hertz = bin * RATE / WINDOW;
    const height = Math.min((hertz - from) / (top - from), (until - hertz) / (until - top));
    return Math.max(0, height) * 2 / (until - from);
  });
  const first = Math.max(0, weights.findIndex((one) => one > 0));
  return {
    first,
    weights: Float64Array.from(weights.slice(first, weights.findLastIndex(Boolean) + 1)),
  };
});

/**
 * Returns the last eight seconds of `samples` as the model takes them: a row of 800 numbers for each
 * band. Where there are fewer samples, silence comes before them.
 */
export function logMel(samples: Int16Array): Float32Array {
  const sound = normalised(samples);
  const mel = new Float64Array(BANDS * MOMENTS);
  const [first, second] = [new Float64Array(WINDOW), new Float64Array(WINDOW)];
  const [real, imaginary] = [new Float64Array(WINDOW), new Float64Array(WINDOW)];
  const [firstEnergy, secondEnergy] = [new Float64Array(BINS), new Float64Array(BINS)];
  let loudest = -Infinity;
  const note = (moment: number, energy: Float64Array) => {
    for (let band = 0; band < BANDS; band++) {
      const { first, weights } = bands[band]!;
      let sum = 0;
      for (let n = 0; n < weights.length; n++) sum += weights[n]! * energy[first + n]!;
      const level = Math.log10(Math.max(LEAST_ENERGY, sum));
      mel[band * MOMENTS + moment] = level;
      loudest = Math.max(loudest, level);
    }
  };
  // Two windows of real numbers are one of complex numbers, whose spectrum has both.
  for (let moment = 0; moment < MOMENTS; moment += 2) {
    cut(sound, moment, first);
    cut(sound, moment + 1, second);
    fourier.transform([first, second], [real, imaginary]);
    for (let bin = 0; bin < BINS; bin++) {
      const mirror = (WINDOW - bin) % WINDOW;
      const re = real[bin]!, im = imaginary[bin]!;
      const mirrorRe = real[mirror]!, mirrorIm = imaginary[mirror]!;
      firstEnergy[bin] = ((re + mirrorRe) ** 2 + (im - mirrorIm) ** 2) / 4;
      secondEnergy[bin] = ((im + mirrorIm) ** 2 + (re - mirrorRe) ** 2) / 4;
    }
    note(moment, firstEnergy);
    note(moment + 1, secondEnergy);
  }
  return Float32Array.from(mel, (level) => (Math.max(level, loudest - RANGE) + 4) / 4);
}

/** Returns eight seconds with a mean of 0 and a variance of 1, the silence before them included. */
function normalised(samples: Int16Array): Float64Array {
  const sound = new Float64Array(SAMPLES);
  const heard = samples.subarray(Math.max(0, samples.length - SAMPLES));
  for (let n = 0; n < heard.length; n++) sound[SAMPLES - heard.length + n] = heard[n]! / 32_768;
  const mean = sound.reduce((sum, one) => sum + one, 0) / SAMPLES;
  const variance = sound.reduce((sum, one) => sum + (one - mean) ** 2, 0) / SAMPLES;
  const scale = 1 / Math.sqrt(variance + 1e-7);
  return sound.map((one) => (one - mean) * scale);
}

/** Cuts the window around a moment; before the beginning and after the end the sound is mirrored. */
function cut(sound: Float64Array, moment: number, into: Float64Array): void {
  const start = moment * HOP - WINDOW / 2;
  for (let n = 0; n < WINDOW; n++) {
    const at = Math.abs(start + n);
    into[n] = hann[n]! * sound[at < SAMPLES ? at : 2 * (SAMPLES - 1) - at]!;
  }
}
