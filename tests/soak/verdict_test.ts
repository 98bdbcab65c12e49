/** The verdict of a soak on samples that are made up. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { drawSoak } from "../../scripts/soak/picture.ts";
import type { Sample } from "../../scripts/soak/sample.ts";
import { judge, medianThirds, slope } from "../../scripts/soak/verdict.ts";

const PEOPLE = 8;

/** Samples of some rounds, the agent's and the media process' memory as they are given. */
function samples(
  agentMb: (at: number) => number,
  mediaMb: (round: number, at: number) => number,
  rounds = 4,
): Sample[] {
  return Array.from({ length: rounds * 30 }, (_, at) => {
    const round = Math.floor(at / 30);
    return {
      atS: at,
      round,
      people: at % 30 < 3 ? 2 : PEOPLE,
      agent: {
        rssMb: agentMb(at),
        heapMb: 10 + at % 2,
        buffersMb: 3,
        files: 30,
        threads: 5,
        handles: 9,
      },
      media: { rssMb: mediaMb(round, at % 30), files: 400, threads: 90 },
    };
  });
}

function growing(all: Sample[]): string[] {
  return judge(all, PEOPLE).filter(({ grows }) => grows).map(({ what }) => what);
}

Deno.test("verdict takes noise and single peaks for no growth", () => {
  const noise = (at: number) => 100 + (at * 7919) % 25 + (at === 119 ? 300 : 0);
  assertEquals(growing(samples(noise, () => 120)), []);
});

Deno.test("verdict detects an agent that gains a megabyte a second", () => {
  assertEquals(growing(samples((at) => 100 + at, () => 120)), ["agent RSS"]);
});

Deno.test("verdict counts as growth only what outlives a media process", () => {
  assertEquals(growing(samples(() => 100, (_round, at) => 100 + 10 * at)), []);
  assertEquals(growing(samples(() => 100, (round) => 100 + 30 * round)), [
    "media RSS, from process to process",
  ]);
});

Deno.test("verdict fails a soak without participants", () => {
  assert(growing([]).length > 0);
});

Deno.test("verdict's slope ignores a few outliers", () => {
  const line = Array.from({ length: 20 }, (_, at): [number, number] => [at, 2 * at]);
  line[5]![1] = 900;
  assertEquals(slope(line), 2);
  assertEquals(medianThirds([1, 1, 9, 2, 2, 2, 3, 3, 3]), [1, 2, 3]);
});

Deno.test("the picture shows a line for each process, and where one was replaced", () => {
  const picture = drawSoak(samples(() => 100, () => 120, 3));
  assertStringIncludes(picture, "<svg");
  assert(!/NaN|undefined|Infinity/.test(picture));
  assertEquals(picture.match(/stroke-dasharray/g)?.length, 2 * 5);
});
