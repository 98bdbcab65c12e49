/**
 * Measures what a resampler does to tones: how much of what should not be there comes through, how
 * level the rest is, and how late.
 *
 * @module
 */

/** Converts a whole mono signal; the tail may be left out. */
export type Convert = (input: Int16Array) => Int16Array | Promise<Int16Array>;

/** The two rates of a conversion, in Hz. */
export interface Rates {
  inputRate: number;
  outputRate: number;
}

/** What {@linkcode measureQuality} found. */
export interface Quality {
  /** The least rejection of aliases or images of tones from 1.125 of the lower Nyquist up, in dB. */
  rejectionDb: number;
  /** The same for tones between 0.9 and 1.125 of it: what the filter's edge lets through, in dB. */
  edgeRejectionDb: number;
  /** The largest deviation from level to 0.9 of the lower Nyquist, in dB. */
  rippleDb: number;
  /** A tone of 997 Hz (its rounding errors do not repeat) against all else that comes out, in dB. */
  snrDb: number;
  /** How much later a tone comes out than it went in, in milliseconds. */
  delayMs: number;
}

const AMPLITUDE = 14_000;
/** A second tone within the band keeps the rounding from hiding what is below one LSB. */
const SECOND_TONE_HZ = 997;
/** What is cut off at the start, so that only the settled signal is measured, in seconds. */
const SETTLE = 0.1;

/** Measures a conversion with tones, a second of each. */
export async function measureQuality(
  convert: Convert,
  rates: Rates,
  options: { tones?: number } = {},
): Promise<Quality> {
  const { tones = 16 } = options;
  const nyquist = Math.min(rates.inputRate, rates.outputRate) / 2;
  let rejectionDb = Infinity;
  for (const frequency of spread(nyquist * 1.126, nyquist * 4, tones)) {
    rejectionDb = Math.min(rejectionDb, await rejection(convert, rates, frequency));
  }
  let edgeRejectionDb = Infinity;
  for (const frequency of spread(nyquist * 1.01, nyquist * 1.12, 4)) {
    edgeRejectionDb = Math.min(edgeRejectionDb, await rejection(convert, rates, frequency));
  }
  let rippleDb = 0;
  for (const frequency of spread(50, nyquist * 0.9, tones)) {
    rippleDb = Math.max(rippleDb, Math.abs(await level(convert, rates, frequency)));
  }
  return {
    rejectionDb,
    edgeRejectionDb,
    rippleDb,
    snrDb: await signalToNoise(convert, rates, SECOND_TONE_HZ),
    delayMs: await delay(convert, rates),
  };
}

/**
 * How far below a tone its ghost is, in dB: what the filter leaves at `frequency`, where the tone
 * or one of its images lies, before the output's rate folds it down.
 */
async function rejection(
  convert: Convert,
  { inputRate, outputRate }: Rates,
  frequency: number,
): Promise<number> {
  const tone = fold(frequency, inputRate);
  const ghost = fold(frequency, outputRate);
  const apart = Math.min(
    Math.abs(ghost - tone),
    Math.abs(ghost - SECOND_TONE_HZ),
    Math.abs(tone - SECOND_TONE_HZ),
    ghost,
    tone,
    outputRate / 2 - ghost,
    inputRate / 2 - tone,
  );
  // A tone within the filter's edge has another image there, which is not what is asked for.
  const nyquist = Math.min(inputRate, outputRate) / 2;
  const onEdge = frequency > 1.125 * nyquist && tone > 0.875 * nyquist && tone < 1.125 * nyquist;
  if (apart < 5 || onEdge) return Infinity;
  const output = await run(convert, { inputRate, outputRate }, [tone, SECOND_TONE_HZ]);
  return decibels(AMPLITUDE / Math.max(amplitude(output, ghost, outputRate), 1e-9));
}

/** What comes out of a tone within the band, against what went in, in dB. */
async function level(convert: Convert, rates: Rates, frequency: number): Promise<number> {
  const output = await run(convert, rates, [frequency]);
  return decibels(amplitude(output, frequency, rates.outputRate) / AMPLITUDE);
}

async function signalToNoise(
  convert: Convert,
  rates: Rates,
  frequency: number,
): Promise<number> {
  const output = await run(convert, rates, [frequency], 30_000);
  const { outputRate } = rates;
  const { sine, cosine } = project(output, frequency, outputRate);
  const { sin, cos } = turn(outputRate);
  let noise = 0;
  for (let n = 0; n < output.length; n++) {
    const at = frequency * n % outputRate;
    noise += (output[n]! - sine * sin[at]! - cosine * cos[at]!) ** 2;
  }
  return 10 * Math.log10((sine ** 2 + cosine ** 2) / 2 / (noise / output.length));
}

/** Measures the delay by the phase of a tone of 10 Hz, which is unambiguous up to 100 ms. */
async function delay(convert: Convert, rates: Rates): Promise<number> {
  const frequency = 10;
  const { sine, cosine } = project(
    await run(convert, rates, [frequency]),
    frequency,
    rates.outputRate,
  );
  // `run` cuts whole periods off, so a delay is all that turns the phase.
  return Math.atan2(-cosine, sine) / (2 * Math.PI * frequency) * 1000;
}

/** A second of what the tones become, once it has settled. */
async function run(
  convert: Convert,
  { inputRate, outputRate }: Rates,
  frequencies: number[],
  level = AMPLITUDE,
): Promise<Int16Array> {
  const input = new Int16Array(Math.ceil(inputRate * (1 + 2 * SETTLE)));
  const { sin } = turn(inputRate);
  for (let n = 0; n < input.length; n++) {
    let sum = 0;
    for (const frequency of frequencies) sum += sin[frequency * n % inputRate]!;
    input[n] = Math.round(level * sum);
  }
  const start = Math.round(outputRate * SETTLE);
  return (await convert(input)).subarray(start, start + outputRate);
}

/** Whole frequencies, so that a second holds whole periods. */
function spread(from: number, to: number, count: number): number[] {
  return Array.from(
    { length: count },
    (_, index) => Math.round(from + (to - from) * index / Math.max(1, count - 1)),
  );
}

function fold(frequency: number, rate: number): number {
  const folded = frequency % rate;
  return folded > rate / 2 ? rate - folded : folded;
}

function amplitude(samples: Int16Array, frequency: number, rate: number): number {
  const { sine, cosine } = project(samples, frequency, rate);
  return Math.hypot(sine, cosine);
}

function project(
  samples: Int16Array,
  frequency: number,
  rate: number,
): { sine: number; cosine: number } {
  let sine = 0, cosine = 0;
  const { sin, cos } = turn(rate);
  for (let n = 0; n < samples.length; n++) {
    const at = frequency * n % rate;
    sine += samples[n]! * sin[at]!;
    cosine += samples[n]! * cos[at]!;
  }
  return { sine: 2 * sine / samples.length, cosine: 2 * cosine / samples.length };
}

const turns = new Map<number, { sin: Float64Array; cos: Float64Array }>();

/** A turn in as many steps as a second has samples: all that tones of whole frequencies consist of. */
function turn(rate: number): { sin: Float64Array; cos: Float64Array } {
  let steps = turns.get(rate);
  if (!steps) {
    const angles = Float64Array.from({ length: rate }, (_, n) => 2 * Math.PI * n / rate);
    turns.set(rate, steps = { sin: angles.map(Math.sin), cos: angles.map(Math.cos) });
  }
  return steps;
}

function decibels(ratio: number): number {
  return 20 * Math.log10(ratio);
}
