/** The VAD that hears in noise without a download: the network in the native library and in the WASM module. @module */
import type { AudioKernel } from "../audio/kernel.ts";
import type { PcmChunk } from "../audio/pcm_chunk.ts";
import { Resampler } from "../audio/resampler.ts";
import { checkMethods, checkObject } from "../events/checks.ts";
import type { ComponentContext } from "../inference/contracts/component.ts";
import { InferenceError } from "../inference/contracts/errors.ts";
import type { VAD, VadStream } from "../inference/contracts/vad.ts";
import { loadKernel } from "../native/load.ts";

/** Options for {@linkcode earshotVad}. */
export interface EarshotVadOptions {
  /** The kernel that has the network. Default: the fastest that the machine and the permissions allow. */
  kernel?: AudioKernel;
}

/** The network's input, in Hz. */
const RATE = 16_000;

/**
 * Returns a {@linkcode VAD} with a small neural network, Earshot's, that is part of this package: it
 * needs no download and no permission, and half a millisecond of CPU time for a second of sound. It is
 * the default where no VAD is given.
 *
 * It hears speech in noise down to 5 dB above it, and takes neither noise nor keys for speech. Music
 * is its weak side: below 5 dB, or in a call of music alone, `sileroVad()` of `@ringline/silero-vad`
 * is better. The figures stand in the benchmarks' table of VADs.
 *
 * @example
 * ```ts
 * import { earshotVad } from "@ringline/edge";
 *
 * const vad = earshotVad();
 * console.log(vad.name); // earshot-vad
 * ```
 */
export function earshotVad(options: EarshotVadOptions = {}): VAD {
  checkObject(options, "options", "an object like { kernel }, or nothing");
  if (options.kernel !== undefined) {
    checkMethods(options.kernel, "options.kernel", "an AudioKernel", ["createResampler"]);
  }
  return new EarshotVad(options.kernel);
}

class EarshotVad implements VAD {
  readonly name = "earshot-vad";
  #kernel: AudioKernel | undefined;

  constructor(kernel: AudioKernel | undefined) {
    this.#kernel = kernel;
  }

  start({ logger }: ComponentContext): void {
    this.#kernel ??= loadKernel({ logger: (line) => logger.info(line) });
  }

  open({ sampleRate }: { readonly sampleRate: number }): VadStream {
    const kernel = this.#kernel ??= loadKernel();
    const detector = kernel.createSpeechDetector?.();
    if (!detector) {
      const message = `earshot-vad: the ${kernel.name} kernel has no network (${kernel.detail}): ` +
        "allow WASM or the native library, or pass another vad";
      throw new InferenceError(message, { code: "model-unavailable" });
    }
    const resampler = new Resampler(kernel, { inputRate: sampleRate, outputRate: RATE });
    let converted = new Int16Array(0);
    return {
      process(pcm: PcmChunk): number {
        const room = resampler.maxOutputFrames(pcm.frames, pcm.sampleRate);
        if (converted.length < room) converted = new Int16Array(room);
        const length = resampler.process(pcm, converted);
        return detector.process(
          length === converted.length ? converted : converted.subarray(0, length),
        );
      },
      [Symbol.dispose]() {
        resampler[Symbol.dispose]();
        detector[Symbol.dispose]();
      },
    };
  }
}
