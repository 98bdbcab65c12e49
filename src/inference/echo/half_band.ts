/** Halves the sample rate of a stream. @module */

/**
 * The filter: every second coefficient but the middle one is zero, and it is symmetric, so that these
 * are all that there are, from the middle outwards. Maximally flat: up to an eighth of the rate it
 * loses 0.1 dB, and what is folded back onto that is 39 dB lower.
 */
const MIDDLE = 2048 / 4096;
const SIDE = [1225 / 4096, -245 / 4096, 49 / 4096, -5 / 4096] as const;
/** How far the filter reaches to each side. */
const REACH = 2 * SIDE.length - 1;

/**
 * Halves the sample rate of a stream, at a tenth of what a `Resampler` costs: enough where only the
 * lowest quarter of the band is used.
 */
export class HalfBand {
  /** What came before, followed by the new samples. */
  #line = new Float64Array(2 * REACH);
  #output = new Int16Array(0);
  /** Whether the next sample is left out. */
  #isOdd = false;

  /** Returns the next samples: a view that is valid until the next call. */
  take(samples: Int16Array): Int16Array {
    const { length } = samples;
    if (this.#line.length < 2 * REACH + length) this.#grow(length);
    const line = this.#line, output = this.#output;
    line.set(samples, 2 * REACH);
    const [a, b, c, d] = SIDE;
    let made = 0;
    for (let at = REACH + (this.#isOdd ? 1 : 0); at < REACH + length; at += 2) {
      const sum = MIDDLE * line[at]! + a * (line[at - 1]! + line[at + 1]!) +
        b * (line[at - 3]! + line[at + 3]!) + c * (line[at - 5]! + line[at + 5]!) +
        d * (line[at - 7]! + line[at + 7]!);
      output[made++] = Math.round(Math.min(32767, Math.max(-32768, sum)));
    }
    line.copyWithin(0, length, length + 2 * REACH);
    if (length % 2 === 1) this.#isOdd = !this.#isOdd;
    return output.subarray(0, made);
  }

  /** Starts over, as if silence had come before. */
  reset(): void {
    this.#line.fill(0);
    this.#isOdd = false;
  }

  #grow(length: number): void {
    const line = new Float64Array(2 * REACH + length);
    line.set(this.#line.subarray(0, 2 * REACH));
    this.#line = line;
    this.#output = new Int16Array(Math.ceil(length / 2));
  }
}
