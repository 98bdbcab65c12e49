/** The low-pass filter behind every resampler. @module */

import { assertSampleRate } from "./pcm_chunk.ts";

/*
 * One Kaiser-windowed sinc serves every pair of rates. It lives at the rate `up * inputRate` =
 * `down * outputRate` and cuts at the lower Nyquist frequency, so it is a Nyquist filter: zero at
 * every multiple of max(up, down) but the middle. At an integer ratio one phase is then a pure
 * delay, which saves a third of the work at ratio 3 and half of it at ratio 2.
 *
 * 28 zero crossings a side and beta 10 give 0.005 dB of ripple to 0.9 of the lower Nyquist and
 * over 100 dB of rejection from 1.125 of it, at 28 samples of the lower rate of delay: 1.75 ms at
 * 16 kHz. More crossings buy a steeper edge with more delay and more work. The delay is rounded up
 * to whole output frames, so that one filter can take over from another on the same grid.
 */
const ZERO_CROSSINGS = 28;
const BETA = 10;

/** The most coefficients of one table, 8 MiB: rates that share no large divisor would need more. */
const MAX_COEFFICIENTS = 1 << 21;
/** Tables kept for reuse; a program meets a handful of ratios. */
const MAX_TABLES = 32;

/** A filter, split into the phases that the outputs use in turn. */
export interface PolyphaseFilter {
  /** Phases: `outputRate` over the greatest common divisor of the rates. */
  readonly up: number;
  /** `inputRate` over the greatest common divisor of the rates. */
  readonly down: number;
  /** Coefficients of a phase. */
  readonly taps: number;
  /** The delay, in steps of 1 / (up * inputRate): a whole number of output frames. */
  readonly delay: number;
  /**
   * `up` rows of `taps` coefficients. Output n is the product of row `n * down % up` with the
   * `taps` inputs that end with number `floor(n * down / up)`, oldest first.
   */
  readonly rows: Float32Array;
}

const tables = new Map<string, PolyphaseFilter>();

/**
 * Returns the filter for a pair of different rates. All pairs of the same ratio share one table.
 *
 * @throws {RangeError} when a rate is out of range or the ratio would need too large a table
 */
export function polyphaseFilter(inputRate: number, outputRate: number): PolyphaseFilter {
  const { up, down, taps, delay } = filterShape(inputRate, outputRate);
  const key = `${up}/${down}`;
  let table = tables.get(key);
  if (table === undefined) {
    table = { up, down, taps, delay, rows: design(up, down, taps, delay) };
    if (tables.size >= MAX_TABLES) tables.delete(tables.keys().next().value!);
    tables.set(key, table);
  }
  return table;
}

/**
 * Returns a filter without its coefficients: enough to check whether two rates can be converted.
 *
 * @throws {RangeError} as {@linkcode polyphaseFilter} does
 */
export function filterShape(
  inputRate: number,
  outputRate: number,
): Omit<PolyphaseFilter, "rows"> {
  assertSampleRate(inputRate, "inputRate");
  assertSampleRate(outputRate, "outputRate");
  const divisor = greatestCommonDivisor(inputRate, outputRate);
  const up = outputRate / divisor;
  const down = inputRate / divisor;
  const halfWidth = ZERO_CROSSINGS * Math.max(up, down);
  const delay = Math.ceil(halfWidth / down) * down;
  const taps = Math.ceil((delay + halfWidth) / up);
  if (up * taps > MAX_COEFFICIENTS) {
    throw new RangeError(
      `inputRate, outputRate: expected rates with a simpler ratio, got ${inputRate} and ${outputRate}`,
    );
  }
  return { up, down, taps, delay };
}

function design(up: number, down: number, taps: number, delay: number): Float32Array {
  const spacing = Math.max(up, down);
  const rows = new Float32Array(up * taps);
  const row = new Float64Array(taps);
  for (let phase = 0; phase < up; phase++) {
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const value = prototype(phase + tap * up - delay, spacing);
      row[taps - 1 - tap] = value;
      sum += value;
    }
    // Each phase passes a constant unchanged: silence and full scale come out as they went in.
    for (let tap = 0; tap < taps; tap++) rows[phase * taps + tap] = row[tap]! / sum;
  }
  return rows;
}

function prototype(offset: number, spacing: number): number {
  const halfWidth = ZERO_CROSSINGS * spacing;
  if (offset === 0) return 1;
  // Exactly zero, where sin() would leave 1e-17: the kernels skip these.
  if (offset % spacing === 0 || Math.abs(offset) >= halfWidth) return 0;
  const x = Math.PI * offset / spacing;
  const ratio = offset / halfWidth;
  const window = besselI0(BETA * Math.sqrt(1 - ratio * ratio)) / besselI0(BETA);
  return window * Math.sin(x) / x;
}

/** The modified Bessel function of the first kind, order 0, by its power series. */
function besselI0(x: number): number {
  const quarter = x * x / 4;
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= quarter / (k * k);
    sum += term;
  }
  return sum;
}

/** Returns the largest integer that divides both. */
export function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
