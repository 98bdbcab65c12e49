/** A sound that is played again and again, faded in and out. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import { Resampler } from "../../audio/resampler.ts";
import { typescriptKernel } from "../../audio/typescript_kernel.ts";

/** How long a whole fade takes. */
const FADE_MS = 400;

/** A sound that is added to others as long as it is wanted. */
export class LoopedSound {
  readonly #pcm: PcmChunk;
  /** Its samples at the rates that were asked for. */
  readonly #atRate = new Map<number, Int16Array>();
  #positionMs = 0;
  #gain = 0;

  constructor(pcm: PcmChunk) {
    this.#pcm = (pcm.channels === 1 ? pcm : pcm.toMono()).clone();
  }

  /** Whether any of it is heard if more is added now. */
  get isAudible(): boolean {
    return this.#gain > 0;
  }

  /** Begins from silence the next time. */
  cut(): void {
    this.#gain = 0;
  }

  /** Adds its next part to these samples, which are mono, and fades it in or out. */
  addTo(samples: Int16Array, sampleRate: number, isWanted: boolean): void {
    const lasts = samples.length * 1000 / sampleRate;
    if (isWanted || this.#gain > 0) {
      const sound = this.#samples(sampleRate);
      const from = Math.round(this.#positionMs * sampleRate / 1000);
      const step = (isWanted ? 1 : -1) * 1000 / (FADE_MS * sampleRate);
      for (let index = 0; index < samples.length; index++) {
        this.#gain = Math.min(1, Math.max(0, this.#gain + step));
        const sum = samples[index]! + this.#gain * sound[(from + index) % sound.length]!;
        samples[index] = Math.max(-32768, Math.min(32767, Math.round(sum)));
      }
    }
    this.#positionMs = (this.#positionMs + lasts) % this.#pcm.durationMs;
  }

  #samples(sampleRate: number): Int16Array {
    return this.#atRate.getOrInsertComputed(sampleRate, () => {
      if (this.#pcm.sampleRate === sampleRate) return this.#pcm.samples;
      const rates = { inputRate: this.#pcm.sampleRate, outputRate: sampleRate };
      using resampler = new Resampler(typescriptKernel(), rates);
      return resampler.convert(this.#pcm).samples.slice();
    });
  }
}
