/** This library's kernels. @module */

import type { AudioKernel } from "../../../src/audio/kernel.ts";
import { typescriptKernel } from "../../../src/audio/typescript_kernel.ts";
import { localBuild } from "../../../src/native/locate.ts";
import { openNativeKernel } from "../../../src/native/native_kernel.ts";
import { wasmKernel } from "../../../src/native/wasm_kernel.ts";
import { type Contender, streamRunner } from "../contender.ts";

/** Our kernels by the name they have in the table. */
export function ourKernels(): [string, AudioKernel][] {
  const kernels: [string, AudioKernel][] = [];
  for (const isa of [undefined, "avx512", "avx2", "sse2", "neon"]) {
    try {
      const kernel = openNativeKernel(localBuild()!, { isa });
      if (isa === undefined) kernels.push(["ringline, native", kernel]);
      else kernels.push([`ringline, ${isa} forced`, kernel]);
    } catch {
      continue; // Another machine's instructions, or no library.
    }
  }
  kernels.push(["ringline, WASM", wasmKernel()]);
  kernels.push(["ringline, TypeScript (pure JS)", typescriptKernel()]);
  return kernels;
}

/** Our kernels as contenders. */
export function ours(): Contender[] {
  return ourKernels().map(([name, kernel]) => ({
    name,
    main: !name.includes("pure JS"),
    open: (rates, streams) =>
      streamRunner(rates, streams, () => {
        const resampler = kernel.createResampler(rates);
        return {
          process: (input, output) => resampler.process(input, output),
          close: () => resampler[Symbol.dispose](),
        };
      }),
  }));
}
