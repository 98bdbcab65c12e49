/**
 * RNNoise, which removes noise from a voice, as an input filter: a small recurrent network in WASM. It
 * delays what the agent hears by about 15 ms. Loading it needs `--allow-read`.
 *
 * @example
 * ```ts
 * import { rnnoise } from "@ringline/rnnoise";
 *
 * const filter = await rnnoise(); // new Agent({ ..., inputFilters: [filter] })
 * console.log(filter.name); // rnnoise
 * ```
 *
 * @module
 */
import { InferenceError, type InputFilter, type InputFilterStream, PcmChunk } from "@ringline/edge";
import { loadKernel, Resampler, SampleFifo } from "@ringline/edge/audio";
import { messageOf } from "@ringline/edge/toolkit";
import { type Denoiser, FRAME, RnnoiseNetwork } from "./network.ts";

/** The network hears 48 kHz only. */
const RATE = 48_000;

/**
 * Returns RNNoise as an {@linkcode InputFilter}. One filter serves any number of agents.
 *
 * @throws {InferenceError} the network cannot be loaded (`model-unavailable`).
 */
export async function rnnoise(): Promise<InputFilter> {
  let network: RnnoiseNetwork;
  try {
    network = await RnnoiseNetwork.load(await Deno.readFile(await networkUrl()));
  } catch (cause) {
    const reason = messageOf(cause);
    throw new InferenceError(`rnnoise: the network cannot be loaded: ${reason}`, {
      code: "model-unavailable",
      cause,
    });
  }
  return {
    name: "rnnoise",
    open: ({ sampleRate }) => new RnnoiseStream(network.open(), sampleRate),
  };
}

/** Returns where the network is, in the package `@shiguredo/rnnoise-wasm` (Apache-2.0). */
async function networkUrl(): Promise<URL> {
  // The import installs the package; only then does its path resolve. JSR rewrites a published
  // module's imports, but not this string: so it names the version itself.
  await import("npm:@shiguredo/rnnoise-wasm@2022.2.0/package.json", { with: { type: "json" } });
  const file = "npm:@shiguredo/rnnoise-wasm@2022.2.0/dist/rnnoise_simd.wasm";
  return new URL(import.meta.resolve(file));
}

/** One track: to the network's rate, through it frame by frame, and back. */
class RnnoiseStream implements InputFilterStream {
  readonly #denoiser: Denoiser;
  readonly #sampleRate: number;
  readonly #up: Resampler;
  readonly #down: Resampler;
  readonly #noisy = new SampleFifo(4 * FRAME, { whenFull: "grow" });
  readonly #clean = new SampleFifo(4 * FRAME, { whenFull: "grow" });
  readonly #frame = new Float32Array(FRAME);
  readonly #samples = new Int16Array(FRAME);
  /** What a resampler returns. */
  #resampled = new Int16Array(0);

  constructor(denoiser: Denoiser, sampleRate: number) {
    this.#denoiser = denoiser;
    this.#sampleRate = sampleRate;
    const kernel = loadKernel({ logger: () => {} });
    this.#up = new Resampler(kernel, { inputRate: sampleRate, outputRate: RATE });
    this.#down = new Resampler(kernel, { inputRate: RATE, outputRate: sampleRate });
  }

  process(samples: Int16Array): void {
    this.#resample(this.#up, samples, this.#sampleRate, this.#noisy);
    while (this.#noisy.length >= FRAME) {
      this.#noisy.shift(this.#samples);
      this.#frame.set(this.#samples);
      this.#denoiser.process(this.#frame);
      this.#frame.forEach((value, at) => {
        this.#samples[at] = Math.max(-32_768, Math.min(32_767, Math.round(value)));
      });
      this.#resample(this.#down, this.#samples, RATE, this.#clean);
    }
    // What the first frames lack is their delay, from then on the same.
    const late = Math.max(0, samples.length - this.#clean.length);
    samples.fill(0, 0, late);
    this.#clean.shift(samples.subarray(late));
  }

  #resample(resampler: Resampler, samples: Int16Array, sampleRate: number, into: SampleFifo): void {
    const room = resampler.maxOutputFrames(samples.length, sampleRate);
    if (this.#resampled.length < room) this.#resampled = new Int16Array(room);
    const count = resampler.process(new PcmChunk(samples, { sampleRate }), this.#resampled);
    into.push(this.#resampled.subarray(0, count));
  }

  [Symbol.dispose](): void {
    this.#denoiser[Symbol.dispose]();
    this.#up[Symbol.dispose]();
    this.#down[Symbol.dispose]();
  }
}
