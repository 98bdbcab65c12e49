/** npm's resamplers: C libraries compiled to WASM, and plain JavaScript. @module */

import { Buffer } from "node:buffer";
import { type Contender, type Stream, streamRunner } from "../contender.ts";
import type { Rates } from "../quality.ts";

// Not in the import map: only who runs this benchmark downloads them.
const SPEEX = "npm:speex-resampler@3.0.1";
const LIBSAMPLERATE = "npm:@alexanderolsen/libsamplerate-js@2.1.2";
const WAVE = "npm:wave-resampler@1.0.0";

/** What is to be had for i16 in JavaScript. */
export const javascript: Contender[] = [
  contender("speex-resampler (npm) q5", speex),
  contender("libsamplerate-js (npm) fastest", libsamplerate),
  contender("wave-resampler (npm) sinc, no state", wave),
];

function contender(name: string, load: (rates: Rates) => Promise<() => Stream>): Contender {
  return {
    name,
    open: async (rates, streams) => streamRunner(rates, streams, await load(rates)),
  };
}

async function speex({ inputRate, outputRate }: Rates): Promise<() => Stream> {
  const module = await import(SPEEX);
  const SpeexResampler = module.default.default ?? module.default;
  await SpeexResampler.initPromise;
  return () => {
    const resampler = new SpeexResampler(1, inputRate, outputRate, 5);
    return {
      process(input, output) {
        const chunk = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
        const made: Uint8Array = resampler.processChunk(chunk);
        const frames = made.byteLength / 2;
        // A copy when it does not begin at an even address.
        const bytes = made.byteOffset % 2 === 0 ? made : made.slice();
        output.set(new Int16Array(bytes.buffer, bytes.byteOffset, frames));
        return frames;
      },
      close() {},
    };
  };
}

async function libsamplerate({ inputRate, outputRate }: Rates): Promise<() => Stream> {
  const module = await import(LIBSAMPLERATE);
  const { create, ConverterType } = module.default ?? module;
  const options = { converterType: ConverterType.SRC_SINC_FASTEST };
  // Created asynchronously, while streams are needed now: enough for speed and quality.
  const ready = await Promise.all(
    Array.from({ length: 128 }, () => create(1, inputRate, outputRate, options)),
  );
  return () => {
    const resampler = ready.pop();
    if (resampler === undefined) throw new Error("it has no more streams");
    const input32 = new Float32Array(inputRate / 50);
    return {
      process(input, output) {
        for (let n = 0; n < input.length; n++) input32[n] = input[n]! / 32_768;
        const made: Float32Array = resampler.full(input32.subarray(0, input.length));
        for (let n = 0; n < made.length; n++) {
          output[n] = Math.max(-32_768, Math.min(32_767, Math.round(made[n]! * 32_768)));
        }
        return made.length;
      },
      close: () => resampler.destroy(),
    };
  };
}

async function wave({ inputRate, outputRate }: Rates): Promise<() => Stream> {
  const module = await import(WAVE);
  const { resample } = module.default ?? module;
  return () => ({
    process(input, output) {
      const made: Float64Array = resample(input, inputRate, outputRate, { method: "sinc" });
      for (let n = 0; n < made.length; n++) {
        output[n] = Math.max(-32_768, Math.min(32_767, Math.round(made[n]!)));
      }
      return made.length;
    },
    close() {},
  });
}
