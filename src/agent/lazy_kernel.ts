import type { AudioKernel } from "../audio/kernel.ts";

/**
 * A kernel that is loaded when it is first used: an agent whose edge delivers its own rate resamples
 * nothing, and then no library is opened.
 */
export function lazyKernel(load: () => AudioKernel): AudioKernel {
  return {
    get name() {
      return load().name;
    },
    get detail() {
      return load().detail;
    },
    createResampler: (options) => load().createResampler(options),
    mix: (...mixing) => load().mix(...mixing),
    mixMinus: (...mixing) => load().mixMinus(...mixing),
  };
}
