/** An audio kernel that is loaded on first use. @module */
import type { AudioKernel } from "../audio/kernel.ts";

/**
 * Returns a kernel that is loaded on first use: an agent whose edge delivers the agent's sample rate
 * never resamples, and then the native library is not opened.
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
