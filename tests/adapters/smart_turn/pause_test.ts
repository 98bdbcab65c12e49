/** How much of a pause smart-turn hears. */
import { assertEquals } from "@std/assert";
import { withShortPause } from "../../../src/adapters/smart_turn/pause.ts";

const voice = Int16Array.from({ length: 16_000 }, (_, n) => 8000 * Math.sin(n / 8));

/** The voice and then so many samples, of this loudness. */
function then(length: number, loudness: number): Int16Array {
  return Int16Array.from(
    { length: voice.length + length },
    (_, n) => voice[n] ?? (n % 2 === 0 ? loudness : -loudness),
  );
}

Deno.test("withShortPause() leaves 200 ms of a pause, and all where it is shorter or loud", () => {
  for (const loudness of [0, 20]) {
    assertEquals(withShortPause(then(8000, loudness)), then(3200, loudness));
    assertEquals(withShortPause(then(1600, loudness)), then(1600, loudness));
  }
  assertEquals(withShortPause(then(8000, 600)), then(8000, 600));
  assertEquals(withShortPause(new Int16Array(0)).length, 0);
  assertEquals(withShortPause(new Int16Array(8000)).length, 3200);
});
