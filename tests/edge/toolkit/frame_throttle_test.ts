import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { FrameThrottle } from "../../../src/edge/toolkit/frame_throttle.ts";

function passed(fps: number, sourceFps: number, seconds: number, jitter = 0): number {
  const throttle = new FrameThrottle(fps);
  let count = 0;
  for (let n = 0; n < seconds * sourceFps; n++) {
    const wobble = n % 2 ? jitter : -jitter;
    if (throttle.accept(1000 + n * 1000 / sourceFps + wobble)) count++;
  }
  return count / seconds;
}

Deno.test("a rate below the source's is kept, also where it is no whole part of it", () => {
  for (const fps of [1, 5, 7, 8, 10, 12, 15, 20, 24, 25, 29, 30]) {
    assertAlmostEquals(passed(fps, 30, 60), fps, 0.05, `${fps} of 30`);
    assertAlmostEquals(passed(fps, 30, 60, 4), fps, 0.1, `${fps} of 30, jittering`);
  }
});

Deno.test("a rate above the source's lets everything through", () => {
  assertEquals(passed(60, 30, 10), 30);
  assertEquals(passed(Infinity, 30, 10), 30);
});

Deno.test("after a pause nothing is caught up", () => {
  const throttle = new FrameThrottle(10);
  assert(throttle.accept(0));
  assert(throttle.accept(5000));
  assert(!throttle.accept(5033));
  assert(!throttle.accept(5066));
  assert(throttle.accept(5100));
});

Deno.test("a rate that is no rate is refused", () => {
  for (const fps of [0, -1, NaN]) assertThrows(() => new FrameThrottle(fps), RangeError, "fps");
});
