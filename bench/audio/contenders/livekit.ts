/** LiveKit's AudioResampler, as its agents for Node use it. @module */

import { type Contender, streamRunner } from "../contender.ts";

// Not in the import map: only who runs this benchmark downloads it.
const SPECIFIER = "npm:@livekit/rtc-node@0.13.20";

// deno-lint-ignore no-explicit-any
let module: Promise<any> | undefined;

/** The module; rejects where it cannot be had. */
// deno-lint-ignore no-explicit-any
export function livekitModule(): Promise<any> {
  return module ??= import(SPECIFIER);
}

/** LiveKit's resampler at its default quality. */
export const livekit: Contender = {
  name: "@livekit/rtc-node",
  async open(rates, streams) {
    const { AudioFrame, AudioResampler } = await livekitModule();
    return streamRunner(rates, streams, () => {
      const resampler = new AudioResampler(rates.inputRate, rates.outputRate, 1);
      return {
        process(input, output) {
          // It reads from the start of the buffer, whatever part of it a view is of.
          const samples = input.byteOffset === 0 ? input : input.slice();
          const frame = new AudioFrame(samples, rates.inputRate, 1, samples.length);
          let written = 0;
          for (const made of resampler.push(frame)) {
            output.set(made.data, written);
            written += made.data.length;
          }
          return written;
        },
        close: () => resampler.close?.(),
      };
    });
  },
};
