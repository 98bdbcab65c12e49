/** The last seconds of a speaker, for turn detectors that listen. @module */
import { PcmChunk } from "../../audio/pcm_chunk.ts";
import { Resampler } from "../../audio/resampler.ts";
import { SampleFifo } from "../../audio/sample_fifo.ts";
import { typescriptKernel } from "../../audio/typescript_kernel.ts";

/** What turn detectors are trained on: so much audio, at this rate. */
const RECENT_MS = 8000;
const RATE = 16_000;

/** The latest audio of one speaker, as turn detectors get it. */
export class RecentAudio {
  readonly #sampleRate: number;
  readonly #samples: SampleFifo;

  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
    this.#samples = new SampleFifo(sampleRate * RECENT_MS / 1000, { whenFull: "drop-oldest" });
  }

  push({ samples }: PcmChunk): void {
    this.#samples.push(samples);
  }

  /** Returns a copy of it: up to eight seconds of mono at 16 kHz. */
  read(): PcmChunk {
    const samples = new Int16Array(this.#samples.length);
    this.#samples.peek(samples);
    const pcm = new PcmChunk(samples, { sampleRate: this.#sampleRate });
    if (this.#sampleRate === RATE) return pcm;
    const options = { inputRate: this.#sampleRate, outputRate: RATE };
    using resampler = new Resampler(typescriptKernel(), options);
    return resampler.convert(pcm).clone();
  }
}
