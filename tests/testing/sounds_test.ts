import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { audibleMs } from "../../src/testing/conformance/fixture.ts";
import { Random } from "../../src/testing/random.ts";
import { concatenate } from "../../src/audio/concatenate.ts";
import { silence, speechLike, tone } from "../../src/testing/sounds.ts";

Deno.test("tone has its frequency, level and length; speechLike is never silent for long", () => {
  const sound = tone(1000, { frequencyHz: 1000, amplitude: 10_000 });
  assertEquals(sound.durationMs, 1000);
  let crossings = 0;
  for (let n = 1; n < sound.samples.length; n++) {
    if (sound.samples[n - 1]! < 0 && sound.samples[n]! >= 0) crossings++;
  }
  assertAlmostEquals(crossings, 1000, 1);
  assertEquals(Math.max(...sound.samples), 10_000);
  const speech = speechLike(10_000, { seed: 3 });
  assert(audibleMs(speech) > 9000);
  assertEquals(speechLike(100, { seed: 3 }).samples, speechLike(100, { seed: 3 }).samples);
  assert(
    speechLike(100, { seed: 3 }).samples.join() !== speechLike(100, { seed: 4 }).samples.join(),
  );
  const both = concatenate(tone(100), silence(50));
  assertEquals([both.durationMs, both.samples.at(-1)], [150, 0]);
  assertThrows(() => concatenate(tone(10), tone(10, { channels: 2 })), RangeError, "2 channels");
});

Deno.test("Random is uniform, and a fork is independent", () => {
  const random = new Random(5);
  const counts = new Array(10).fill(0);
  for (let n = 0; n < 100_000; n++) counts[Math.floor(random.next() * 10)]++;
  for (const count of counts) assertAlmostEquals(count, 10_000, 400);
  assert(new Random(5).fork("a").next() !== new Random(5).fork("b").next());
  assertEquals(new Random(5).fork("a").next(), new Random(5).fork("a").next());
  assertEquals(random.shuffle([1, 2, 3, 4]).toSorted(), [1, 2, 3, 4]);
  assertThrows(() => new Random(1.5), RangeError, "seed");
});
