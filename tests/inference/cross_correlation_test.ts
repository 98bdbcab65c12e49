import { assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CrossCorrelation } from "../../src/inference/echo/cross_correlation.ts";
import { Random } from "../../src/testing/random.ts";

function noise(length: number, seed: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length }, () => random.between(-32_768, 32_767));
}

Deno.test("CrossCorrelation returns the dot product at every offset that is asked for", () => {
  const lengths = fc.tuple(fc.integer({ min: 1, max: 1024 }), fc.integer({ min: 0, max: 6000 }));
  const starts = fc.double({ min: 0, max: 0.6, noNaN: true });
  fc.assert(
    fc.property(lengths, fc.nat(), starts, ([windowLength, offsets], seed, start) => {
      const window = noise(windowLength, seed);
      const signal = noise(windowLength + offsets, seed + 1);
      const correlation = new CrossCorrelation(windowLength);
      const products = new Float64Array(offsets + 1).fill(NaN);
      // Twice: the second must not depend on what the first has left.
      correlation.compute(signal.subarray(0, windowLength), signal, products, 0, offsets + 1);
      products.fill(NaN);
      const from = Math.floor(offsets * start), to = offsets + 1 - Math.floor(from / 2);
      correlation.compute(window, signal, products, from, to);
      for (let offset = 0; offset <= offsets; offset += 1 + seed % 7) {
        if (offset < from || offset >= to) {
          assertEquals(products[offset], NaN);
          continue;
        }
        const expected = window.reduce((sum, one, index) => sum + one * signal[offset + index]!, 0);
        assertAlmostEquals(products[offset]!, expected, 1);
      }
    }),
    { numRuns: 100, seed: 1 },
  );
});
