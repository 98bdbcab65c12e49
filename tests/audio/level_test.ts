import { assertAlmostEquals, assertEquals } from "@std/assert";
import { meanSquare, rms } from "../../src/audio/level.ts";
import { tone } from "./signals.ts";

Deno.test("the level of samples is theirs as a part of full scale", () => {
  assertEquals(rms(new Int16Array(0)), 0);
  assertEquals(rms(new Int16Array(100)), 0);
  assertEquals(rms(new Int16Array(100).fill(-32_768)), 1);
  const sine = tone(48_000, { frequency: 1000, sampleRate: 48_000, amplitude: 32_767 });
  assertAlmostEquals(rms(sine), Math.SQRT1_2, 1e-4);
  assertEquals(meanSquare(Int16Array.of(3, -4)), 12.5);
});
