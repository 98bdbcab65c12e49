/** The part of the spectrum in which echo is looked for. @module */
import { SLOT_MS } from "../../audio/grid.ts";
import { PcmChunk } from "../../audio/pcm_chunk.ts";
import { Resampler } from "../../audio/resampler.ts";
import { typescriptKernel } from "../../audio/typescript_kernel.ts";
import { HalfBand } from "./half_band.ts";

const RATE = 4000;

/**
 * Filters the frequency band in which echo is detected: up to 2 kHz, where codecs and rooms change
 * the waveform least, with low frequencies attenuated, since any two voices are alike in those.
 */
export class EchoBand {
  /** Samples per second. */
  static readonly RATE = RATE;
  /** Samples of a row of 20 ms. */
  static readonly ROW: number = RATE * SLOT_MS / 1000;
  /** On the TypeScript kernel, which keeps nothing outside the heap: it needs no disposal. */
  readonly #resampler = new Resampler(typescriptKernel(), { inputRate: RATE, outputRate: RATE });
  /** What comes before it, since its filter costs several times as much at a high rate. */
  #halvings: readonly HalfBand[] = [];
  #inputRate = RATE;
  #converted = new Int16Array(0);
  #band = new Float32Array(0);
  #last = 0;

  /** Returns the band of the next samples (mono): a view that is valid until the next call. */
  take(pcm: PcmChunk): Float32Array {
    const halved = this.#halve(pcm);
    const room = this.#resampler.maxOutputFrames(halved.frames, halved.sampleRate);
    if (this.#converted.length < room) {
      this.#converted = new Int16Array(room);
      this.#band = new Float32Array(room);
    }
    const converted = this.#converted, band = this.#band;
    const made = this.#resampler.process(halved, converted);
    let last = this.#last;
    for (let index = 0; index < made; index++) {
      const sample = converted[index]!;
      band[index] = sample - last;
      last = sample;
    }
    this.#last = last;
    return band.subarray(0, made);
  }

  /** Starts over: the next samples do not continue the last ones. */
  reset(): void {
    for (const halving of this.#halvings) halving.reset();
    this.#resampler.reset();
    this.#last = 0;
  }

  /** Halves the rate as often as leaves the band, and as much again for the filter's edge. */
  #halve(pcm: PcmChunk): PcmChunk {
    if (pcm.sampleRate !== this.#inputRate) {
      this.#inputRate = pcm.sampleRate;
      const halvings = [];
      for (let rate = pcm.sampleRate; rate >= 4 * RATE && rate % 2 === 0; rate /= 2) {
        halvings.push(new HalfBand());
      }
      this.#halvings = halvings;
    }
    if (this.#halvings.length === 0) return pcm;
    let { samples } = pcm;
    for (const halving of this.#halvings) samples = halving.take(samples);
    return new PcmChunk(samples, { sampleRate: pcm.sampleRate / 2 ** this.#halvings.length });
  }
}
