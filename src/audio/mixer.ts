/** Mixes several streams into one, and into one per listener. @module */

import { type AudioKernel, MAX_GAIN, MAX_MIX_ROWS } from "./kernel.ts";
import { assertKernel, assertOptions } from "./arguments.ts";
import { int16Length } from "./typed_arrays.ts";

/** Options for a {@linkcode Mixer}. */
export interface MixerOptions {
  /** Samples in a frame: frames times channels, for example 480 for 10 ms of mono at 48 kHz. */
  frameSamples: number;
  /** The initial number of rows; it grows as needed. Default 16. */
  rows?: number;
}

/**
 * Mixes one frame after another: it adds the active inputs, and computes for each the sum of all the
 * others. All other listeners share {@linkcode Mixer.total}, so that they cost nothing.
 *
 * Sums are exact and saturate once at the end, whatever the order of the inputs.
 *
 * @example
 * ```ts
 * import { Mixer, typescriptKernel } from "@ringline/edge/audio";
 *
 * const mixer = new Mixer(typescriptKernel(), { frameSamples: 2 });
 * const ann = mixer.add(Int16Array.of(1, 2));
 * const ben = mixer.add(Int16Array.of(10, 20));
 * mixer.mixMinus();
 * console.log(mixer.output(ann), mixer.output(ben), mixer.total); // [10, 20] [1, 2] [11, 22]
 * mixer.clear(); // ready for the next frame
 * ```
 */
export class Mixer {
  /** Samples in a frame. */
  readonly frameSamples: number;
  readonly #kernel: AudioKernel;
  #count = 0;
  #capacity = 0;
  #block = new Int16Array(0);
  #gains = new Float32Array(0);
  #previousGains = new Float32Array(0);
  #unity = true;
  /** Each row of the output. */
  #views: Int16Array[] = [];
  /** For each number of inputs exactly their rows, and their outputs' with the total's. */
  #blocks: Int16Array[] = [];
  #outs: Int16Array[] = [];
  #single: Int16Array;
  #total: Int16Array;

  /**
   * Creates a mixer and allocates its first rows.
   *
   * @throws {RangeError} when the sizes are not whole and positive
   */
  constructor(kernel: AudioKernel, options: MixerOptions) {
    assertKernel(kernel);
    const known: Readonly<Record<keyof MixerOptions, true>> = { frameSamples: true, rows: true };
    assertOptions(options, known, "an object like { frameSamples: 960 }");
    const { frameSamples, rows = 16 } = options;
    if (!Number.isInteger(frameSamples) || frameSamples < 1) {
      throw new RangeError(`frameSamples: expected a positive whole number, got ${frameSamples}`);
    }
    if (!Number.isInteger(rows) || rows < 1 || rows > MAX_MIX_ROWS) {
      throw new RangeError(`rows: expected 1 to ${MAX_MIX_ROWS}, got ${rows}`);
    }
    this.#kernel = kernel;
    this.frameSamples = frameSamples;
    this.#single = new Int16Array(frameSamples);
    this.#total = this.#single;
    this.#grow(rows);
  }

  /** Inputs added since the last {@linkcode Mixer.clear}. */
  get count(): number {
    return this.#count;
  }

  /** The sum of all inputs after a mix: a view, valid until the next mix. */
  get total(): Int16Array {
    return this.#total;
  }

  /**
   * Adds an input to the frame being mixed; its samples are copied.
   *
   * @param options `gain`, 0 to 32, is interpolated linearly from `previousGain` and reached
   *   at the frame's end, so that a change causes no click; default 1, without a change
   * @returns the input's number, for {@linkcode Mixer.output}
   * @throws {TypeError} when the samples are no `Int16Array`
   * @throws {RangeError} when the samples are not one frame, a gain is out of range or there are
   *   too many inputs; nothing is added then
   */
  add(samples: Int16Array, options?: { gain?: number; previousGain?: number }): number {
    const length = int16Length(samples, "samples");
    if (length !== this.frameSamples) {
      throw new RangeError(`samples: expected a frame of ${this.frameSamples}, got ${length}`);
    }
    const gain = options?.gain ?? 1;
    const previousGain = options?.previousGain ?? gain;
    assertGain(gain, "gain");
    assertGain(previousGain, "previousGain");
    const row = this.#count;
    if (row === this.#capacity) this.#grow(row * 2);
    this.#block.set(samples, row * this.frameSamples);
    this.#gains[row] = gain;
    this.#previousGains[row] = previousGain;
    if (gain !== 1 || previousGain !== 1) this.#unity = false;
    this.#count = row + 1;
    return row;
  }

  /** Computes {@linkcode Mixer.total} alone. */
  mix(): void {
    const { frameSamples } = this;
    const block = this.#blocks[this.#count]!;
    this.#total = this.#single;
    if (this.#unity) {
      this.#kernel.mix(block, this.#count, frameSamples, this.#single);
    } else {
      this.#kernel.mix(
        block,
        this.#count,
        frameSamples,
        this.#single,
        this.#gains,
        this.#previousGains,
      );
    }
  }

  /** Computes {@linkcode Mixer.total} and the output of each input. */
  mixMinus(): void {
    const { frameSamples } = this;
    const block = this.#blocks[this.#count]!;
    const out = this.#outs[this.#count]!;
    if (this.#unity) {
      this.#kernel.mixMinus(block, this.#count, frameSamples, out);
    } else {
      this.#kernel.mixMinus(
        block,
        this.#count,
        frameSamples,
        out,
        this.#gains,
        this.#previousGains,
      );
    }
    this.#total = this.#views[this.#count]!;
  }

  /**
   * Returns the sum of all inputs but number `row`, after {@linkcode Mixer.mixMinus}: a view,
   * valid until the next mix.
   *
   * @throws {RangeError} when there is no such input
   */
  output(row: number): Int16Array {
    const view = row < this.#count ? this.#views[row] : undefined;
    if (view === undefined) {
      throw new RangeError(`row: expected one of ${this.#count} inputs, got ${row}`);
    }
    return view;
  }

  /** Removes all inputs, for the next frame. Views of outputs stay valid until the next mix. */
  clear(): void {
    this.#count = 0;
    this.#unity = true;
  }

  #grow(rows: number): void {
    const capacity = Math.min(rows, MAX_MIX_ROWS);
    if (capacity <= this.#capacity) {
      throw new RangeError(`inputs: expected at most ${MAX_MIX_ROWS}, got one more`);
    }
    const { frameSamples } = this;
    this.#block = grown(this.#block, new Int16Array(capacity * frameSamples));
    const out = new Int16Array((capacity + 1) * frameSamples);
    this.#gains = grown(this.#gains, new Float32Array(capacity));
    this.#previousGains = grown(this.#previousGains, new Float32Array(capacity));
    const counts = Array.from({ length: capacity + 1 }, (_, count) => count);
    this.#views = counts.map((row) => out.subarray(row * frameSamples, (row + 1) * frameSamples));
    this.#blocks = counts.map((count) => this.#block.subarray(0, count * frameSamples));
    this.#outs = counts.map((count) => out.subarray(0, (count + 1) * frameSamples));
    this.#capacity = capacity;
  }
}

function assertGain(gain: number, what: string): void {
  // Written so that NaN fails too.
  if (!(gain >= 0 && gain <= MAX_GAIN)) {
    throw new RangeError(`${what}: expected 0 to ${MAX_GAIN}, got ${gain}`);
  }
}

function grown<T extends Int16Array | Float32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
