/** The VAD that hears in noise without a download: a network in the native library and in WASM. @module */
import type { AudioKernel } from "../../audio/kernel.ts";
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import { Resampler } from "../../audio/resampler.ts";
import { checkMethods, checkOptions } from "../../events/checks.ts";
import type { ComponentContext } from "../contracts/component.ts";
import { InferenceError } from "../contracts/errors.ts";
import type { VAD, VadStream } from "../contracts/vad.ts";
import { loadKernel } from "../../native/load.ts";

/** Options for {@linkcode neuralVad}. */
export interface NeuralVadOptions {
  /** The kernel that has the network. Default: the fastest that the machine and the permissions allow. */
  kernel?: AudioKernel;
}

/** The network's input, in Hz. */
const RATE = 16_000;

/**
 * Returns a {@linkcode VAD} with a neural network, Silero's (v6), that is part of this package: it
 * needs no download and no permission, and 2 ms of CPU time for a second of sound. It is the default
 * where no VAD is given.
 *
 * It hears speech down to 5 dB above noise, music, keys and the talk of a street, and takes none of
 * them for speech. The figures stand in the benchmarks' table of VADs.
 *
 * @example
 * ```ts
 * import { neuralVad } from "@ringline/edge";
 *
 * const vad = neuralVad();
 * console.log(vad.name); // neural-vad
 * ```
 */
export function neuralVad(options: NeuralVadOptions = {}): VAD {
  checkOptions(options, "options", { kernel: true }, "an object like { kernel }, or nothing");
  if (options.kernel !== undefined) {
    checkMethods(options.kernel, "options.kernel", "an AudioKernel", ["createResampler"]);
  }
  return new NeuralVad(options.kernel);
}

class NeuralVad implements VAD {
  readonly name = "neural-vad";
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
      const message = `neural-vad: the ${kernel.name} kernel has no network (${kernel.detail}): ` +
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
