/** How a live track's round trip recovers from a stall. */
import { assertEquals } from "@std/assert";
import { recovery } from "../../bench/call/recovery.ts";

/** Clicks every 100 ms, whose round trip is a function of their time. */
function clicks(untilMs: number, ms: (time: number) => number | null) {
  return Array.from({ length: untilMs / 100 }, (_, i) => ({ time: i * 100, ms: ms(i * 100) }));
}
const stalls = { firstStallAt: 1000, lastStallEnd: 2000 };

Deno.test("recovery begins where the median of five clicks is normal again", () => {
  const trips = clicks(8000, (time) => time >= 1000 && time < 4000 ? 250 : 80);
  const { normalMs, finalMs, recoveredAfterMs } = recovery(trips, stalls);
  assertEquals([normalMs, finalMs], [80, 80]);
  assertEquals(recoveredAfterMs, 2200);
});

Deno.test("recovery never comes for a round trip that stays long", () => {
  const trips = clicks(8000, (time) => time >= 1000 ? 250 : 80);
  assertEquals(recovery(trips, stalls).recoveredAfterMs, Infinity);
});

Deno.test("recovery is immediate for a round trip that was never long, whatever a single echo does", () => {
  const trips = clicks(8000, (time) => time % 1000 === 0 ? 300 : time % 1500 === 0 ? null : 80);
  assertEquals(recovery(trips, stalls).recoveredAfterMs, 0);
});

Deno.test("recovery does not count echoes that are lost for good", () => {
  const trips = clicks(8000, (time) => time >= 2000 ? null : 80);
  assertEquals(recovery(trips, stalls).recoveredAfterMs, Infinity);
});

Deno.test("recovery claims nothing without clicks after the stall", () => {
  assertEquals(recovery(clicks(2000, () => 80), stalls).recoveredAfterMs, NaN);
});
