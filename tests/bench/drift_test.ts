/** How late clicks are heard, from when they were sent and heard. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { lateness } from "../../bench/call/drift.ts";

const clicks = (count: number, late: (index: number) => number) =>
  Array.from({ length: count }, (_, index) => ({ name: "Ada", at: index * 1000 + late(index) }));

Deno.test("lateness finds the slope of a delay, and the clicks that were never heard", () => {
  const sent = clicks(121, () => 0);
  // 60 ms, and 6 ms more each minute.
  const heard = clicks(121, (index) => 60 + index / 10).filter((_, index) => index !== 50);
  const { clicks: count, lost, slopeMsPerMinute, firstMs, lastMs, worstMs } = lateness(sent, heard);
  assertEquals([count, lost], [121, 1]);
  assertAlmostEquals(slopeMsPerMinute, 6);
  assertAlmostEquals(firstMs, 61.45);
  assertAlmostEquals(lastMs, 70.55);
  assertAlmostEquals(worstMs, 72);
});

Deno.test("lateness leaves out clicks from before the agent listened and after it was asked", () => {
  const sent = clicks(20, () => 0);
  const heard = clicks(20, () => 80).slice(5, 15);
  const { clicks: count, lost } = lateness(sent, heard);
  assertEquals([count, lost], [10, 0]);
});
