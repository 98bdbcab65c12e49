/** LiveKit's AudioResampler and AudioMixer, as its agents for Node use it. @module */

import { type Contender, streamRunner, testSignal } from "../contender.ts";

// Not in the import map: only who runs this benchmark downloads it.
const SPECIFIER = "npm:@livekit/rtc-node@1.1.0";

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

/** Nanoseconds in which LiveKit's AudioMixer makes one block of `people` streams, which never wait. */
export async function timeLivekitMixer(people: number, frames: number): Promise<number> {
  const { AudioFrame, AudioMixer } = await livekitModule();
  const mixer = new AudioMixer(48_000, 1, { blocksize: frames });
  const samples = testSignal(frames).map((sample) => sample / people);
  for (let person = 0; person < people; person++) {
    mixer.addStream((async function* () {
      while (true) yield new AudioFrame(samples, 48_000, 1, frames);
    })());
  }
  const blocks = mixer[Symbol.asyncIterator]();
  for (let block = 0; block < 5; block++) await blocks.next();
  const calls = 50, start = performance.now();
  for (let block = 0; block < calls; block++) await blocks.next();
  const ns = (performance.now() - start) * 1e6 / calls;
  await mixer.aclose();
  return ns;
}
