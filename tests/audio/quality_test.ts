import { assert, assertAlmostEquals } from "@std/assert";
import { measureQuality } from "../../bench/audio/quality.ts";
import { type AudioKernel, typescriptKernel } from "../../src/audio/mod.ts";
import { wasmKernel } from "../../src/native/wasm_kernel.ts";
import { nativeKernel } from "../native/kernels.ts";
import { resampleAll } from "./signals.ts";

const RATES = [8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

/** The oracle is measured at fewer tones, since it takes its time. */
const kernels: [AudioKernel, number][] = [[typescriptKernel(), 3], [wasmKernel(), 6]];
if (nativeKernel !== undefined) kernels.push([nativeKernel, 16]);

/** What the oracle, the first to be measured, reaches. */
const exactSnrDb = new Map<string, number>();

for (const [kernel, tones] of kernels) {
  Deno.test(`the ${kernel.name} kernel rejects aliases and images, is level, and is early`, async () => {
    for (const inputRate of RATES) {
      for (const outputRate of RATES) {
        if (inputRate === outputRate) continue;
        const what = `${inputRate} to ${outputRate}`;
        const convert = (input: Int16Array) => {
          using resampler = kernel.createResampler({ inputRate, outputRate });
          return resampleAll(resampler, input, 1);
        };
        using resampler = kernel.createResampler({ inputRate, outputRate });
        const quality = await measureQuality(convert, { inputRate, outputRate }, { tones });
        assert(quality.rejectionDb >= 96, `${what}: ${quality.rejectionDb} dB of rejection`);
        assert(quality.rippleDb <= 0.01, `${what}: ${quality.rippleDb} dB of ripple`);
        // Input and output are both rounded to i16, which alone leaves 94.3 dB.
        const exact = exactSnrDb.get(what) ?? quality.snrDb;
        exactSnrDb.set(what, exact);
        assert(quality.snrDb >= Math.max(93.5, exact - 0.5), `${what}: ${quality.snrDb} dB of SNR`);
        assertAlmostEquals(quality.delayMs, resampler.latencyMs, 0.02, what);
        const lower = Math.min(inputRate, outputRate);
        const longest = 28_000 / lower + 1000 / outputRate;
        assert(resampler.latencyMs <= longest, `${what}: ${resampler.latencyMs} ms`);
      }
    }
    for (const [inputRate, outputRate] of [[48_000, 16_000], [16_000, 48_000]] as const) {
      using resampler = kernel.createResampler({ inputRate, outputRate });
      assert(resampler.latencyMs <= 2.1);
    }
  });
}
