/** The statistics of the benchmarks. */
import { assertEquals, assertThrows } from "@std/assert";
import { median, medianOfMedians, percentile, rounded, summarize } from "../../bench/lib/stats.ts";

Deno.test("percentile interpolates between the two nearest measurements", () => {
  assertEquals(percentile([30, 10, 20, 40], 0.5), 25);
  assertEquals(percentile([0, 100], 0.95), 95);
  assertEquals(percentile([7], 0.95), 7);
});

Deno.test("percentile sorts by value, not by text, and leaves its argument alone", () => {
  const values = [100, 9, 20];
  assertEquals(percentile(values, 1), 100);
  assertEquals(percentile(values, 0), 9);
  assertEquals(values, [100, 9, 20]);
});

Deno.test("a Summary has NaN for what was not measured, null in JSON, never zero", () => {
  assertEquals(percentile([], 0.5), NaN);
  assertEquals(summarize([]).mean, NaN);
  assertEquals(rounded(NaN), null);
  assertEquals(rounded(undefined), null);
});

Deno.test("a Summary takes what never came back as Infinity, which hides only what is as bad", () => {
  assertEquals(median([80, 90, 70, Infinity, Infinity]), 90);
  assertEquals(percentile([80, Infinity], 1), Infinity);
});

Deno.test("percentile takes a fraction", () => {
  assertThrows(() => percentile([1], 95), RangeError, "expected a fraction from 0 to 1, got 95");
});

Deno.test("medians of connections count alike, however many clicks each of them measured", () => {
  const many = Array.from({ length: 100 }, () => 90);
  assertEquals(medianOfMedians([many, [70, 71, 72], [80]]), 80);
});

Deno.test("a connection that measured nothing does not hide the other ones' medians", () => {
  assertEquals(medianOfMedians([[], [70], [90]]), 80);
});

Deno.test("a Summary has the usual figures of one set of measurements", () => {
  const summary = summarize([1, 2, 3, 4, 5]);
  assertEquals(summary.count, 5);
  assertEquals([summary.min, summary.mean, summary.p50, summary.max], [1, 3, 3, 5]);
  assertEquals(rounded(summary.p95, 2), 4.8);
  assertEquals(median([3, 1, 2]), 2);
});
