/**
 * The report of the two on LiveKit's server: each figure of both, and which is ahead.
 *
 * @module
 */
import type { Machine } from "../lib/machine.ts";
import { median, medianOfMedians, percentile, rounded } from "../lib/stats.ts";
import { formatTable } from "../lib/table.ts";
import { CONTENDERS } from "./contender.ts";
import type { OfEach } from "./bench_context.ts";
import { joinFigures, type JoinResult } from "./joins.ts";
import type { LateEcho, TripResult } from "./round_trip.ts";
import type { HeardBlock } from "./speech.ts";

/** Everything that a run measured, of each contender; a part that was not asked for is `undefined`. */
export interface LiveKitResults {
  machine: Machine & { chromium: string };
  seconds: number;
  trips?: OfEach<TripResult>;
  flushesMs?: OfEach<number>;
  heardBlocks?: OfEach<HeardBlock>;
  lateEchoes?: OfEach<LateEcho>;
  joins?: OfEach<JoinResult>;
}

/** One figure of each contender, ours first; less is better in all of them. */
export interface Figure {
  name: string;
  unit: "ms" | "%" | "MB" | "clicks";
  /** `null`: not measured, or it never came. */
  values: (number | null)[];
}

/** Fewer say nothing of how memory grows: a heap takes from the system in steps. */
const JOINS_FOR_GROWTH = 50;

/** All figures that were measured. */
export function figures(results: LiveKitResults): Figure[] {
  const { trips, flushesMs, heardBlocks, lateEchoes, joins } = results;
  const list: Figure[] = [];
  const add = <T>(
    name: string,
    unit: Figure["unit"],
    each: OfEach<T>,
    value: (all: T[]) => number | null,
  ) => list.push({ name, unit, values: each.map((all) => rounded(value(all) ?? NaN)) });
  if (trips) {
    add("round trip, p50", "ms", trips, (all) => medianOfMedians(all.map((one) => one.tripsMs)));
    const every = (all: TripResult[]) => all.flatMap((one) => one.tripsMs);
    add("round trip, p95", "ms", trips, (all) => percentile(every(all), 0.95));
    add("clicks lost", "clicks", trips, (all) => all.reduce((sum, one) => sum + one.lost, 0));
    add(
      "the page's jitter buffer",
      "ms",
      trips,
      (all) => median(all.map((one) => one.reception.jitterBufferMs)),
    );
    add(
      "made up by the page",
      "%",
      trips,
      (all) => median(all.map((one) => one.reception.concealedPercent)),
    );
    add("of a core, one person", "%", trips, (all) => median(all.map((one) => one.cpuPercent)));
  }
  if (flushesMs) {
    add("flush to silence, p50", "ms", flushesMs, (all) => percentile(all, 0.5));
    add("flush to silence, p95", "ms", flushesMs, (all) => percentile(all, 0.95));
  }
  for (const blockMs of lengths(heardBlocks)) {
    const name = blockMs === 0 ? "speech, nothing blocked" : `speech, blocked for ${blockMs} ms`;
    const of = (all: HeardBlock[]) => all.filter((one) => one.blockMs === blockMs);
    add(`${name}: missing`, "ms", heardBlocks!, (all) => median(of(all).map((b) => b.missingMs)));
    add(`${name}: made up`, "ms", heardBlocks!, (all) => median(of(all).map((b) => b.madeUpMs)));
  }
  for (const blockMs of lengths(lateEchoes)) {
    const name = `echo, blocked for ${blockMs} ms`;
    const of = (all: LateEcho[]) => all.filter((one) => one.blockMs === blockMs);
    const late = (one: LateEcho) => one.afterMs - one.normalMs;
    add(`${name}: later 5 s afterwards`, "ms", lateEchoes!, (all) => median(of(all).map(late)));
  }
  if (joins) {
    // Without the first, which starts a process or loads a library, where a part before had none.
    const figures = joins.map(joinFigures);
    const each = figures.map((one) => [one]);
    add("join and publish, p50", "ms", each, ([one]) => one!.p50Ms);
    add("join and publish, p95", "ms", each, ([one]) => one!.p95Ms);
    for (const [index, when] of ["the first", "half of", "the last of"].entries()) {
      const count = index === 0 ? "join" : `${joins[0]!.length} joins`;
      add(`memory after ${when} ${count}`, "MB", each, ([one]) => one!.memoryMb[index]!);
    }
    if (joins[0]!.length >= JOINS_FOR_GROWTH) {
      add("growth in the second half, for 100 joins", "MB", each, ([one]) => one!.growthMb);
    }
  }
  return list;
}

/** The lengths of the blocks that were measured. */
function lengths(each: OfEach<{ blockMs: number }> | undefined): number[] {
  return [...new Set(each?.flat().map(({ blockMs }) => blockMs))];
}

/** Two figures that differ by no more are even: the phases of the clocks alone move them by as much. */
const EVEN = 0.1;

/** Says whether ours is ahead. */
function verdict({ values: [ours, theirs] }: Figure): string {
  if (ours === null || ours === undefined) return "behind";
  if (theirs === null || theirs === undefined) return "ahead";
  if (Math.abs(ours - theirs) <= EVEN * Math.max(ours, theirs)) return "even";
  return ours < theirs ? "ahead" : "behind";
}

/** The report for people. */
export function formatReport(results: LiveKitResults): string {
  const { machine } = results;
  return [
    `${machine.cores} cores ${machine.cpu}, ${machine.os}, Deno ${machine.deno}, Chromium ` +
    `${machine.chromium}, ${machine.date}, ${rounded(results.seconds, 0)} s, load before ` +
    `${rounded(machine.load)}`,
    formatTable(
      ["", ...Object.keys(CONTENDERS), "unit", "ours is"],
      figures(results).map((figure) => [
        figure.name,
        ...figure.values.map((value) => value === null ? "-" : String(value)),
        figure.unit,
        verdict(figure),
      ]),
    ),
  ].join("\n\n");
}

/** The report for programs: the figures, and all that was measured, unrounded. */
export function jsonReport(results: LiveKitResults): string {
  const list = figures(results).map((figure) => ({ ...figure, oursIs: verdict(figure) }));
  const names = Object.keys(CONTENDERS);
  return JSON.stringify({ contenders: names, figures: list, ...results }, null, 2);
}
