/**
 * The report of a call: what was measured, against the targets and beside others' figures.
 *
 * @module
 */
import type { Machine } from "../lib/machine.ts";
import { median, percentile, rounded, type Summary } from "../lib/stats.ts";
import { formatTable } from "../lib/table.ts";
import { isMet, type Target } from "../lib/target.ts";
import type { CameraResult } from "./camera.ts";
import type { CrowdResult } from "./crowd.ts";
import type { DriftResult } from "./drift.ts";
import type { LossResult } from "./loss.ts";
import { PUBLISHED, SOURCES } from "./published.ts";
import { type RoundTripResults, type TripResult, typicalTrip } from "./round_trip.ts";
import type { LiveBlockResult, LiveStallResult, SpeechStallResult } from "./stall.ts";

/** The media process's hop, one way each. */
export interface HopResult {
  participants: number;
  toChild: Summary;
  toParent: Summary;
}

/** Everything that a run measured; a part that was not asked for is `undefined`. */
export interface CallResults {
  machine: Machine & { chromium: string };
  /** Which kernel resampled: native or TypeScript. */
  kernel: string;
  seconds: number;
  roundTrip?: RoundTripResults;
  speechStall?: SpeechStallResult;
  liveStalls?: LiveStallResult[];
  liveBlocks?: LiveBlockResult[];
  hop?: HopResult;
  crowd?: CrowdResult;
  camera?: CameraResult;
  loss?: LossResult[];
  drift?: DriftResult;
}

/** What may be made up at most, in per cent, where lost packets are sent again. By round trip. */
const LOSS_LIMITS = [[20, 1], [50, 3]] as const;

/** Each figure that has a target, whether or not it was met. */
export function targets(results: CallResults): Target[] {
  const { roundTrip, speechStall, liveStalls, liveBlocks, hop, crowd, loss, drift } = results;
  const list: Target[] = [];
  const add = (name: string, unit: Target["unit"], limit: number, measured: number) =>
    list.push({ name, unit, limit, measured });
  if (roundTrip) {
    const { own, baseline } = roundTrip;
    const trip = typicalTrip(own);
    add("round trip of a live track, median", "ms", 100, trip);
    add("round trip above the baseline", "ms", 15, trip - typicalTrip(baseline));
    add(
      "flush to silence, p95",
      "ms",
      80,
      percentile(own.flatMap(({ flushesMs }) => flushesMs), 0.95),
    );
    add("agent joins, media process started", "ms", 300, median(own.map((one) => one.agentJoinMs)));
    add("person joins", "ms", 300, median(own.map((one) => one.personJoinMs)));
  }
  if (speechStall) {
    const { reception, quietMs } = speechStall.stalled;
    add("stalled, speech: concealed", "samples", 0, reception.concealedSamples);
    add("stalled, speech: audible quiet", "ms", 0, quietMs);
  }
  if (liveStalls) {
    const slowest = Math.max(...liveStalls.map(({ recoveredAfterMs }) => recoveredAfterMs));
    add("stalled, live: back to normal after", "ms", 5000, slowest);
  }
  if (liveBlocks) {
    const late = liveBlocks.map((one) => one.afterDepthMs - one.normalDepthMs);
    add("blocked for 3 s, live: held more than before, 5 s later", "ms", 20, Math.max(...late));
  }
  if (hop) {
    const { participants, toChild, toParent } = hop;
    add(`hop, ${participants} people, p50`, "ms", 1, Math.max(toChild.p50, toParent.p50));
    add(`hop, ${participants} people, p95`, "ms", 2, Math.max(toChild.p95, toParent.p95));
  }
  if (crowd) {
    add(`${crowd.people} people: concealed`, "%", 0.5, crowd.concealedPercent);
    add(
      `${crowd.people} people: core per person, media process`,
      "%",
      4,
      crowd.mediaCpuPercent ?? NaN,
    );
  }
  for (const [roundTripMs, limit] of LOSS_LIMITS) {
    const line = loss?.find((one) => one.repaired && one.roundTripMs === roundTripMs);
    if (!line) continue;
    const name = `10 % lost in bursts of 60 ms, ${roundTripMs} ms there and back: made up by the`;
    add(`${name} page`, "%", limit, line.page.concealedPercent);
    add(`${name} agent`, "%", limit, line.agentConcealedPercent);
  }
  for (const { ppm, firstMs, lastMs, lost } of drift?.people ?? []) {
    const name = `a clock off by ${ppm} ppm, ${drift!.minutes} min`;
    add(`${name}: later at the end than at the beginning`, "ms", 20, lastMs - firstMs);
    add(`${name}: clicks lost`, "clicks", 0, lost);
  }
  return list;
}

function show(value: number | undefined, digits = 1): string {
  return value === Infinity ? "never" : String(rounded(value, digits) ?? "-");
}

function targetTable(results: CallResults): string {
  return formatTable(
    ["target", "limit", "measured", "unit", ""],
    targets(results).map((target) => {
      const { name, limit, measured, unit } = target;
      return [name, show(limit), show(measured, 2), unit, isMet(target) ? "met" : "MISSED"];
    }),
  );
}

/** Concealed, dropped and round trip together: any one of them can hide what another shows. */
function tripRow(name: string, results: TripResult[]): string[] {
  const all = results.flatMap(({ tripsMs }) => tripsMs);
  const medians = results.map(({ tripsMs }) => median(tripsMs));
  const concealed = results.map(({ reception }) => reception.concealedPercent);
  return [
    name,
    show(typicalTrip(results)),
    `${show(Math.min(...medians), 0)}-${show(Math.max(...medians), 0)}`,
    show(percentile(all, 0.95)),
    show(results.reduce((lost, one) => lost + one.lost, 0), 0),
    show(median(concealed), 2),
    show(median(results.map(({ reception }) => reception.jitterBufferMs)), 0),
  ];
}

function tripTable({ roundTrip, liveStalls }: CallResults): string {
  const rows: string[][] = [];
  if (roundTrip) {
    rows.push(
      tripRow("Ringline, agent on a live track", roundTrip.own),
      tripRow("baseline, one process, this run", roundTrip.baseline),
    );
  }
  if (liveStalls) {
    rows.push(tripRow(
      "Ringline, stalled 200 ms every 2 s",
      liveStalls.map((one) => ({ ...one, tripsMs: one.duringMs })),
    ));
  }
  return formatTable(
    ["round trip", "p50 ms", "medians", "p95 ms", "lost", "concealed %", "jitter buffer ms"],
    rows,
  );
}

function otherTable(results: CallResults): string {
  const rows: string[][] = [];
  const { roundTrip, speechStall, liveStalls, liveBlocks, hop, crowd, camera, drift } = results;
  if (roundTrip) {
    for (
      const [name, results] of [["", roundTrip.own], [", baseline", roundTrip.baseline]] as const
    ) {
      const flushes = results.flatMap(({ flushesMs }) => flushesMs);
      rows.push([
        `flush to silence p50/p95/max ms${name}`,
        [0.5, 0.95, 1].map((p) => show(percentile(flushes, p), 0)).join("/"),
      ]);
    }
    for (const [name, key] of [["agent", "agentJoinMs"], ["person", "personJoinMs"]] as const) {
      const joins = roundTrip.own.map((one) => one[key]);
      rows.push([
        `${name} joins p50/p95 ms`,
        `${show(median(joins), 0)}/${show(percentile(joins, 0.95), 0)}`,
      ]);
    }
  }
  for (const [name, heard] of Object.entries(speechStall ?? {})) {
    rows.push([
      `speech ${show(heard.seconds, 0)} s, ${name}: concealed %, quiet ms, jitter buffer ms`,
      `${show(heard.reception.concealedPercent, 2)}, ${heard.quietMs}, ${
        show(heard.reception.jitterBufferMs, 0)
      }`,
    ]);
  }
  for (const live of liveStalls ?? []) {
    rows.push([
      "live track: normal ms, ms at the end, back after s",
      `${show(live.normalMs, 0)}, ${show(live.finalMs, 0)}, ${show(live.recoveredAfterMs / 1000)}`,
    ]);
  }
  for (const one of liveBlocks ?? []) {
    rows.push([
      "live track, blocked for 3 s: normal ms, 5 s later, held before and then, cut out ms",
      [one.normalMs, one.afterMs, one.normalDepthMs, one.afterDepthMs, one.cutMs]
        .map((ms) => show(ms, 0)).join(", "),
    ]);
  }
  if (hop) {
    for (const [name, way] of [["to child", hop.toChild], ["to parent", hop.toParent]] as const) {
      rows.push([
        `hop ${name}, ${hop.participants} people, p50/p95/p99 ms`,
        `${show(way.p50, 2)}/${show(way.p95, 2)}/${show(way.p99, 2)}`,
      ]);
    }
  }
  if (crowd) {
    const { agent } = crowd;
    rows.push(
      [
        `${crowd.people} people: concealed % of all, of the worst`,
        `${show(crowd.concealedPercent, 2)}, ${show(crowd.worstConcealedPercent, 2)}`,
      ],
      [
        `${crowd.people} people: core % a person, media and agent process, and they themselves`,
        [crowd.mediaCpuPercent, crowd.agentCpuPercent, crowd.peopleCpuPercent]
          .map((percent) => show(percent)).join(", "),
      ],
      [`${crowd.people} people: media process MB`, show(crowd.mediaMb, 0)],
      [
        `${crowd.people} people: rows the agent heard, and missed`,
        `${agent.rows}, ${agent.missingRows}`,
      ],
    );
  }
  if (camera) {
    const { received: { width, height, fps }, streams, mediaCpuPercent } = camera;
    rows.push([
      `a camera, ${streams} streams of ${width} x ${height} at ${fps} a second: core % a stream`,
      show(mediaCpuPercent),
    ]);
  }
  for (const one of drift?.people ?? []) {
    rows.push([
      `${one.ppm} ppm: late at first, at the end, at most, ms; slope, ms a minute`,
      `${show(one.firstMs)}, ${show(one.lastMs)}, ${show(one.worstMs)}; ${
        show(one.slopeMsPerMinute, 2)
      }`,
    ], [
      `${one.ppm} ppm: clicks, of them lost; concealed %`,
      `${one.clicks}, ${one.lost}; ${show(one.concealedPercent, 2)}`,
    ]);
  }
  if (drift) {
    const { rows: heard, missingRows } = drift.agent;
    rows.push([
      "clocks that are off: rows the agent heard, and missed",
      `${heard}, ${missingRows}`,
    ]);
  }
  return formatTable(["figure", "value"], rows);
}

function lossTable(loss: LossResult[]): string {
  return formatTable(
    ["10 % lost, 60 ms each", "page %", "agent %", "asked", "sent again", "buffer ms", "trip ms"],
    loss.map((line) => [
      `${line.roundTripMs} ms, ${line.repaired ? "sent again" : "as it is"}`,
      show(line.page.concealedPercent, 2),
      show(line.agentConcealedPercent, 2),
      String(line.asked),
      String(line.sentAgain),
      show(line.page.jitterBufferMs, 0),
      show(line.tripMs, 0),
    ]),
  );
}

/** The report for people. */
export function formatReport(results: CallResults): string {
  const { machine } = results;
  const parts = [
    `${machine.cores} cores ${machine.cpu}, ${machine.os}, Deno ${machine.deno}, Chromium ` +
    `${machine.chromium}, ${results.kernel} kernel, ${machine.date}, ${
      show(results.seconds, 0)
    } s, ` +
    `load before ${show(machine.load)}`,
    targetTable(results),
  ];
  if (results.roundTrip || results.liveStalls) parts.push(tripTable(results));
  if (results.loss) parts.push(lossTable(results.loss));
  parts.push(
    otherTable(results),
    formatTable(
      ["others' figures, not of this run", "who", "value"],
      PUBLISHED.map(({ what, who, value }) => [what, who, value]),
    ),
    `prototype: ${SOURCES.prototype}\nothers: ${SOURCES.peers}`,
  );
  return parts.join("\n\n");
}

/** The report for programs: everything, unrounded; what was not measured or never came is `null`. */
export function jsonReport(results: CallResults): string {
  const list = targets(results).map((target) => ({ ...target, met: isMet(target) }));
  return JSON.stringify(
    { ...results, targets: list, published: PUBLISHED, sources: SOURCES },
    null,
    2,
  );
}
