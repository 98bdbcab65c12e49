/** The Fourier transform of any length, quick where the length has small factors only. @module */

/** Transforms of one length. */
export class Fourier {
  readonly #length: number;
  readonly #factors: number[] = [];
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;

  constructor(length: number) {
    this.#length = length;
    this.#cos = Float64Array.from({ length }, (_, n) => Math.cos(2 * Math.PI * n / length));
    this.#sin = Float64Array.from({ length }, (_, n) => -Math.sin(2 * Math.PI * n / length));
    for (let factor = 2, rest = length; rest > 1; factor++) {
      for (; rest % factor === 0; rest /= factor) this.#factors.push(factor);
    }
  }

  /** Writes the transform of complex numbers, as real and imaginary parts, into two other arrays. */
  transform(
    [fromReal, fromImaginary]: readonly [Float64Array, Float64Array],
    [real, imaginary]: readonly [Float64Array, Float64Array],
  ): void {
    const length = this.#length, cos = this.#cos, sin = this.#sin, factors = this.#factors;
    const partsReal = new Float64Array(Math.max(...factors));
    const partsImaginary = new Float64Array(partsReal.length);
    /** Of the numbers at `first`, `first + step` and so on, into `count` places from `at`. */
    const transform = (depth: number, first: number, step: number, at: number, count: number) => {
      const parts = factors[depth]!;
      const each = count / parts;
      for (let part = 0; part < parts; part++) {
        const from = first + part * step, to = at + part * each;
        if (each > 1) {
          transform(depth + 1, from, step * parts, to, each);
        } else {
          real[to] = fromReal[from]!;
          imaginary[to] = fromImaginary[from]!;
        }
      }
      for (let n = 0; n < each; n++) {
        for (let part = 0; part < parts; part++) {
          const place = at + part * each + n, turn = part * n * step;
          const re = real[place]!, im = imaginary[place]!, c = cos[turn]!, s = sin[turn]!;
          partsReal[part] = re * c - im * s;
          partsImaginary[part] = re * s + im * c;
        }
        for (let out = 0; out < parts; out++) {
          let sumReal = 0, sumImaginary = 0;
          for (let part = 0, turn = 0; part < parts; part++) {
            const re = partsReal[part]!, im = partsImaginary[part]!, c = cos[turn]!, s = sin[turn]!;
            sumReal += re * c - im * s;
            sumImaginary += re * s + im * c;
            turn = (turn + out * length / parts) % length;
          }
          real[at + out * each + n] = sumReal;
          imaginary[at + out * each + n] = sumImaginary;
        }
      }
    };
    transform(0, 0, 1, 0, length);
  }
}
