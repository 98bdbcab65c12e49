/** The report of the LiveKit benchmark. */
import { assertEquals, assertMatch } from "@std/assert";
import { joinFigures } from "../../bench/livekit/joins.ts";
import { figures, formatReport, jsonReport } from "../../bench/livekit/report.ts";

const machine = {
  os: "linux",
  cores: 2,
  cpu: "a",
  deno: "2.9.6",
  date: "",
  load: 0,
  chromium: "156",
};
const nothing = { machine, seconds: 1 };

Deno.test("the LiveKit report makes no claim for a part that was not measured", () => {
  assertEquals(figures(nothing), []);
});

Deno.test("the LiveKit report says of each figure which of the two is ahead", () => {
  const flushesMs = [[40, 50], [60, 70]];
  const heardBlocks = [
    [{ blockMs: 1000, missingMs: 600, madeUpMs: 0 }],
    [{ blockMs: 1000, missingMs: 0, madeUpMs: 0 }],
  ];
  const verdicts = formatReport({ ...nothing, flushesMs, heardBlocks }).split("\n").slice(4);
  assertMatch(verdicts[0]!, /^flush to silence, p50\s+45\s+65\s+ms\s+ahead$/);
  assertMatch(verdicts[2]!, /^speech, blocked for 1000 ms: missing\s+600\s+0\s+ms\s+behind$/);
  assertMatch(verdicts[3]!, /made up\s+0\s+0\s+ms\s+even$/);
});

Deno.test("the LiveKit report counts what never came as behind, ours and theirs", () => {
  const late = (afterMs: number) => [{ blockMs: 300, normalMs: 90, afterMs }];
  const ours = figures({ ...nothing, lateEchoes: [late(Infinity), late(100)] });
  assertEquals(ours[0]?.values, [null, 10]);
  const report = (lateEchoes: ReturnType<typeof late>[]) =>
    JSON.parse(jsonReport({ ...nothing, lateEchoes })).figures[0].oursIs;
  assertEquals(report([late(Infinity), late(100)]), "behind");
  assertEquals(report([late(100), late(Infinity)]), "ahead");
});

Deno.test("the growth of memory is that of the second half, for a hundred joins", () => {
  const memory = [50, 80, 90, 90, 90.5, 91, 91.5, 92];
  const joins = memory.map((memoryMb, index) => ({ joinMs: 10 * (index + 1), memoryMb }));
  const { memoryMb, growthMb, p50Ms } = joinFigures(joins);
  assertEquals(memoryMb, [50, 90.5, 92]);
  assertEquals(growthMb, 50);
  assertEquals(p50Ms, 45);
});
