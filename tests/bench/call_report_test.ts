/** The report of the call benchmark. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { formatReport, jsonReport, targets } from "../../bench/call/report.ts";
import { summarize } from "../../bench/lib/stats.ts";

const machine = {
  os: "linux",
  cores: 2,
  cpu: "a",
  deno: "2.9.6",
  date: "",
  chromium: "156",
  load: 0,
};
const nothing = { machine, kernel: "native", seconds: 1 };
const reception = {
  concealedPercent: 0,
  concealedSamples: 0,
  silentConcealedSamples: 0,
  jitterBufferMs: 30,
  packetsLost: 0,
};
const own = { lost: 0, reception, agentJoinMs: 200, personJoinMs: 90, flushesMs: [60] };

Deno.test("the call report makes no claim for a part that was not measured", () => {
  assertEquals(targets(nothing), []);
});

Deno.test("the call report compares the medians of the connections' medians with the baseline", () => {
  const roundTrip = {
    own: [{ ...own, tripsMs: [80, 90, 100] }, { ...own, tripsMs: [110] }],
    baseline: [{ ...own, tripsMs: [70] }, { ...own, tripsMs: [80] }],
  };
  const [trip, above, flush] = targets({ ...nothing, roundTrip });
  assertEquals([trip?.measured, above?.measured, flush?.measured], [100, 25, 60]);
});

Deno.test("the call report counts a tone that never fell silent, and a track that never recovered, as missed", () => {
  const roundTrip = {
    own: [{ ...own, tripsMs: [80], flushesMs: [60, NaN] }],
    baseline: [{ ...own, tripsMs: [70] }],
  };
  const liveStalls = [{
    normalMs: 80,
    finalMs: 200,
    recoveredAfterMs: Infinity,
    duringMs: [200],
    lost: 0,
    reception,
  }];
  const report = formatReport({ ...nothing, roundTrip, liveStalls });
  const missed = report.split("\n").filter((line) => line.endsWith("MISSED"));
  assertEquals(missed.length, 2);
  assertStringIncludes(missed[0]!, "flush to silence");
  assertStringIncludes(missed[1]!, "never");
});

Deno.test("the call report names others' figures as such, with their source", () => {
  const hop = { participants: 100, toChild: summarize([0.2]), toParent: summarize([0.4]) };
  const report = formatReport({ ...nothing, hop });
  assertStringIncludes(report, "others' figures, not of this run");
  assertStringIncludes(report, "Pipecat acead050");
  const json = JSON.parse(jsonReport({ ...nothing, hop }));
  assertEquals(json.targets[0].met, true);
  assertEquals(json.published.length > 10, true);
});
