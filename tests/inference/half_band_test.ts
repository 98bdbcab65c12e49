import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import { HalfBand } from "../../src/inference/echo/half_band.ts";

/** Returns how loud a sine of this frequency, in parts of the rate, is after halving. */
function gain(frequency: number): number {
  const amplitude = 20_000;
  const sine = Int16Array.from(
    { length: 4096 },
    (_, n) => amplitude * Math.sin(2 * Math.PI * frequency * n + 1),
  );
  const halved = new HalfBand().take(sine).subarray(16);
  return Math.sqrt(2 * halved.reduce((sum, one) => sum + one * one, 0) / halved.length) / amplitude;
}

Deno.test("HalfBand passes an eighth of the rate, and stops what would be folded onto it", () => {
  for (const frequency of [0.01, 0.05, 0.1, 0.125]) assertAlmostEquals(gain(frequency), 1, 0.015);
  for (const frequency of [0.375, 0.4, 0.45, 0.49]) assert(gain(frequency) < 0.015);
});

Deno.test("HalfBand returns the same however its input is cut, and after a reset", () => {
  const halfBand = new HalfBand();
  const samples = fc.int16Array({ maxLength: 200 });
  fc.assert(
    fc.property(samples, fc.array(fc.nat({ max: 40 }), { maxLength: 8 }), (whole, cuts) => {
      const expected = [...new HalfBand().take(whole)];
      halfBand.reset();
      const made: number[] = [];
      let at = 0;
      for (const length of [...cuts, whole.length]) {
        made.push(...halfBand.take(whole.subarray(at, at + length)));
        at += length;
      }
      assertEquals(made, expected);
      assertEquals(made.length, Math.ceil(whole.length / 2));
    }),
    { numRuns: 200, seed: 1 },
  );
});

Deno.test("HalfBand saturates", () => {
  const step = new Int16Array(200).fill(32_767);
  step.fill(-32_768, 0, 100);
  const halved = new HalfBand().take(step);
  assertEquals([Math.min(...halved), Math.max(...halved)], [-32_768, 32_767]);
});
