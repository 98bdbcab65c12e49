/** What smart-turn hears, against the numbers of the Python package that it comes with. */
import { assert, assertAlmostEquals } from "@std/assert";
import { BANDS, logMel, MOMENTS } from "../../../src/adapters/smart_turn/log_mel.ts";
import expected from "./expected.json" with { type: "json" };

const TOLERANCE = 1e-4;

/** The sounds by name: the same formulae made them in Python. */
const sounds: Record<keyof typeof expected.features, Int16Array> = {
  "rising tone, 3 s": Int16Array.from(
    { length: 48_000 },
    (_, n) => 12_000 * Math.sin(n * n / 400_000),
  ),
  "noise, 10 s": noise(160_000),
  "clicks, 8 s": Int16Array.from({ length: 128_000 }, (_, n) => n % 4000 === 0 ? 20_000 : 0),
  "nothing": new Int16Array(0),
};

function noise(length: number): Int16Array {
  let seed = 1;
  return Int16Array.from({ length }, () => {
    seed = seed * 16_807 % 2_147_483_647;
    return seed % 8001 - 4000;
  });
}

for (const [name, sound] of Object.entries(sounds)) {
  Deno.test(`logMel() gives the numbers of smart-turn's own Python: ${name}`, () => {
    const features = logMel(sound);
    const wanted = expected.features[name as keyof typeof sounds];
    const mean = features.reduce((sum, one) => sum + one, 0) / features.length;
    const square = features.reduce((sum, one) => sum + (one - mean) ** 2, 0) / features.length;
    assert(features.length === BANDS * MOMENTS);
    assertAlmostEquals(mean, wanted.mean, TOLERANCE);
    assertAlmostEquals(Math.sqrt(square), wanted.deviation, TOLERANCE);
    assertAlmostEquals(Math.min(...features), wanted.min, TOLERANCE);
    assertAlmostEquals(Math.max(...features), wanted.max, TOLERANCE);
    for (const [row, band] of expected.bands.entries()) {
      for (const [column, moment] of expected.moments.entries()) {
        const one = features[band * MOMENTS + moment]!;
        assertAlmostEquals(one, wanted.rows[row]![column]!, TOLERANCE, `${band}, ${moment}`);
      }
    }
  });
}
