/**
 * Decides whether something grows. A line through noisy points always slopes; so what counts is
 * whether the last third of the time lies above the first by more than noise and use can explain.
 *
 * @module
 */
import { median } from "../../bench/lib/stats.ts";
import type { Sample } from "./sample.ts";

/** What was looked at, and what came out. */
export interface Verdict {
  what: string;
  unit: string;
  /** Medians of the thirds, or of the first, the middle and the last round. */
  thirds: [number, number, number];
  /** The most that the last may be above the first; `undefined` where growth is only shown. */
  allowed: number | undefined;
  grows: boolean;
}

/** The medians of the first, the second and the last third. */
export function medianThirds(values: number[]): [number, number, number] {
  const size = Math.ceil(values.length / 3);
  return [
    median(values.slice(0, size)),
    median(values.slice(size, values.length - size)),
    median(values.slice(-size)),
  ];
}

/** How fast something grows with time: the median of the slopes between all pairs of points. */
export function slope(points: [at: number, value: number][]): number {
  const slopes: number[] = [];
  for (const [index, [at, value]] of points.entries()) {
    for (const [earlier, before] of points.slice(0, index)) {
      slopes.push((value - before) / (at - earlier));
    }
  }
  return median(slopes);
}

/** What the agent's process may gain between the first and the last third. */
const AGENT_ALLOWED = {
  // A heap takes from the system in steps, and gives back late.
  rssMb: 30,
  heapMb: 4,
  // A ring of 8 s is a quarter of a megabyte.
  buffersMb: 2,
  files: 2,
  threads: 3,
  handles: 2,
} as const;
/** What one media process may have more than the one before it, at the same moment of its life. */
const ROUND_ALLOWED = { rssMb: 40, files: 45, threads: 12 } as const;
const UNITS = { rssMb: "MB", heapMb: "MB", buffersMb: "MB" } as const;

/** Looks at all that was sampled while all participants were there. */
export function judge(samples: Sample[], fullHouse: number): Verdict[] {
  const full = samples.filter(({ people }) => people >= fullHouse);
  const rounds = [...Map.groupBy(full, ({ round }) => round).values()];
  // The first round warms up: modules are compiled, heaps find their size.
  const warm = rounds.length > 2 ? rounds.slice(1).flat() : full;
  const verdicts: Verdict[] = [];
  const add = (
    what: string,
    name: string,
    thirds: [number, number, number],
    allowed: number | undefined,
  ) => {
    const unit = UNITS[name as keyof typeof UNITS] ?? "";
    const grows = allowed !== undefined && !(thirds[2] - thirds[0] <= allowed);
    verdicts.push({ what, unit, thirds, allowed, grows });
  };
  for (const [name, allowed] of Object.entries(AGENT_ALLOWED)) {
    const values = warm.map(({ agent }) => agent[name as keyof Sample["agent"]]);
    add(`agent ${label(name)}`, name, medianThirds(values), allowed);
  }
  for (const [name, allowed] of Object.entries(ROUND_ALLOWED)) {
    const of = name as keyof Sample["media"];
    // At the same moment of each process' life, from the end of the shortest: its last samples.
    const least = Math.min(...rounds.map(({ length }) => length));
    const values = rounds.map((round) =>
      median(round.slice(Math.floor(least / 2), least).map(({ media }) => media[of]))
    );
    const at = (share: number) => values[Math.round((values.length - 1) * share)] ?? NaN;
    add(`media ${label(name)}, from process to process`, name, [at(0), at(0.5), at(1)], allowed);
    const longest = rounds.reduce((a, b) => a.length >= b.length ? a : b, []);
    const within = medianThirds(longest.map(({ media }) => media[of]));
    // What it keeps of those who left. Memory is wrtc's own: shown, and mended by replacing it.
    add(`media ${label(name)}, within one`, name, within, of === "rssMb" ? undefined : allowed);
  }
  return verdicts;
}

function label(name: string): string {
  return name === "rssMb" ? "RSS" : name.replace("Mb", "");
}
