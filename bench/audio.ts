/**
 * `deno task bench audio`: measures our kernels beside what others use, in one run, interleaved.
 *
 *   --json    the figures as data
 *   --quick   fewer repetitions: to see that it runs, not to quote
 *
 * @module
 */
import { parseArgs } from "node:util";
import { wasmKernel } from "../src/native/wasm_kernel.ts";
import { cLibraries } from "./audio/contenders/c_libraries.ts";
import { javascript } from "./audio/contenders/javascript.ts";
import { livekit } from "./audio/contenders/livekit.ts";
import { ourKernels, ours } from "./audio/contenders/ours.ts";
import { python } from "./audio/contenders/python.ts";
import { rubato } from "./audio/contenders/rubato.ts";
import { measureMixing, type MixingRow } from "./audio/mixing.ts";
import { measureResampling, type ResamplingRow } from "./audio/resampling.ts";
import { measureRoom, type RoomRow } from "./audio/room.ts";
import { describeMachine } from "./lib/machine.ts";
import { progress } from "./lib/progress.ts";
import { rounded } from "./lib/stats.ts";
import { formatTable } from "./lib/table.ts";

const { values: { json, quick, help } } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (help) {
  console.log("deno task bench audio [--json] [--quick]");
  Deno.exit(0);
}

const machine = await describeMachine();
await cargo("build", "--lib");
const contenders = [...ours(), ...cLibraries, ...rubato, livekit, ...python, ...javascript];
const main = contenders.filter((contender) => contender.main);

const resampling = await measureResampling(
  contenders,
  { inputRate: 48_000, outputRate: 16_000 },
  { quick, details: true },
);
const otherRates: ResamplingRow[] = [];
for (
  const [inputRate, outputRate] of [
    [16_000, 48_000],
    [24_000, 48_000],
    [48_000, 24_000],
    [44_100, 48_000],
    [8_000, 16_000],
  ] as const
) {
  const options = { quick, details: false };
  otherRates.push(...await measureResampling(main, { inputRate, outputRate }, options));
}
const mixing = await measureMixing(quick);
const rooms: RoomRow[] = [];
const seconds = quick ? 3 : 20;
for (const kernel of [ourKernels()[0]![1], wasmKernel()]) {
  for (const speaking of [4, 100]) rooms.push(await measureRoom(kernel, { seconds, speaking }));
}
const macsPerNs = await peak();

if (json) {
  console.log(
    JSON.stringify({ machine, macsPerNs, resampling, otherRates, mixing, rooms }, null, 2),
  );
} else {
  print();
}
// Some contenders keep threads of their own.
Deno.exit(0);

async function cargo(...args: string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command("cargo", {
      args: [args[0]!, "--release", "--locked", ...args.slice(1)],
      cwd: new URL("../native", import.meta.url),
      stdin: "null",
      stderr: "null",
    }).output();
    if (success) return new TextDecoder().decode(stdout);
  } catch {
    // Said below.
  }
  progress("no cargo: the native kernel and the bound are skipped unless they are built already");
  return undefined;
}

/** Multiply-adds a nanosecond by instruction set. */
async function peak(): Promise<Record<string, number> | undefined> {
  progress("the machine's peak");
  const output = await cargo("run", "--example", "peak");
  return output === undefined ? undefined : JSON.parse(output);
}

function print(): void {
  const figure = (value: number | undefined, digits: number) =>
    rounded(value, digits)?.toFixed(digits) ?? "-";
  console.log(
    `\n${machine.cpu}, ${machine.cores} cores, ${machine.os}, Deno ${machine.deno}, ` +
      `${machine.date}, load ${machine.load.toFixed(1)} before\n`,
  );
  const best = resampling[0]!.us ?? NaN;
  console.log("48 -> 16 kHz, a chunk of 20 ms, called from Deno (Python's from Python)\n");
  console.log(formatTable(
    [
      "resampler",
      "us",
      "ratio",
      "median",
      "100 hot",
      "cold",
      "latency ms",
      "ripple dB",
      "SNR dB",
      "rejection dB",
      "at the edge",
    ],
    resampling.filter((row) => row.us !== undefined).map((row) => [
      row.name,
      figure(row.us, 2),
      figure(row.us! / best, 1),
      figure(row.medianUs, 2),
      figure(row.hundredUs, 2),
      figure(row.coldUs, 2),
      figure(row.latencyMs, 1),
      figure(row.quality!.rippleDb, 3),
      figure(row.quality!.snrDb, 1),
      figure(row.quality!.rejectionDb, 1),
      figure(row.quality!.edgeRejectionDb, 1),
    ]),
  ));
  console.log(
    "\nrejection: of tones from 1.125 of the lower Nyquist frequency up; at the edge: between 1 and\n" +
      "1.12 of it; ripple: to 0.9 of it; latency: the filter's delay and the longest hold.\n",
  );
  printSkipped([...resampling, ...mixing]);

  const macs = 320 * 113;
  if (macsPerNs !== undefined) {
    console.log("The bound: 113 multiply-adds for each of 320 outputs at the measured peak\n");
    console.log(formatTable(
      ["instructions", "multiply-adds/ns", "bound us", "measured us", "ratio"],
      Object.entries(macsPerNs).map(([isa, rate]) => {
        const us = resampling.find((row) => row.name === `ringline, ${isa} forced`)?.us;
        const bound = macs / rate / 1000;
        return [isa, figure(rate, 1), figure(bound, 2), figure(us, 2), figure(us! / bound, 2)];
      }),
    ));
  }

  console.log("\nOther rates, us a chunk of 20 ms\n");
  const pairs = [...new Set(otherRates.map(pairOf))];
  console.log(formatTable(
    ["resampler", ...pairs],
    [...new Set(otherRates.map((row) => row.name))].map((name) => [
      name,
      ...pairs.map((pair) =>
        figure(otherRates.find((row) => row.name === name && pairOf(row) === pair)?.us, 2)
      ),
    ]),
  ));

  console.log("\nMixing, ns a frame of 960 samples: the sum of all / mix-minus for each\n");
  const people = Object.keys(mixing[0]!.mixMinusNs).map(Number);
  console.log(formatTable(
    ["mixer", ...people.map((count) => `N=${count}`)],
    mixing.filter((row) => !row.skipped).map((row) => [
      row.name,
      ...people.map((count) =>
        [row.mixNs[count], row.mixMinusNs[count]]
          .filter((ns) => ns !== undefined).map((ns) => figure(ns, 0)).join(" / ")
      ),
    ]),
  ));

  console.log("\nA room in real time: ring, resampling and mix-minus, ms of work in each 20 ms\n");
  console.log(formatTable(
    ["kernel", "people", "mixed", "p50", "p99", "max"],
    rooms.map(({ kernel, people, speaking, workMs }) => [
      kernel,
      `${people}`,
      `${speaking}`,
      figure(workMs.p50, 3),
      figure(workMs.p99, 3),
      figure(workMs.max, 3),
    ]),
  ));
  printBehind();
}

function pairOf(row: ResamplingRow): string {
  return `${row.inputRate / 1000} -> ${row.outputRate / 1000}`;
}

function printSkipped(rows: (ResamplingRow | MixingRow)[]): void {
  for (const { name, skipped } of rows) {
    if (skipped !== undefined) console.log(`skipped: ${name}: ${skipped}`);
  }
}

/** Names the contenders that are ahead of us. */
function printBehind(): void {
  const native = (row: ResamplingRow) => row.name === "ringline, native";
  const all = [...resampling, ...otherRates];
  const behind = all.filter((row) => {
    const us = all.find((other) => native(other) && pairOf(other) === pairOf(row))?.us;
    return !row.name.startsWith("ringline") && row.us !== undefined && us !== undefined &&
      row.us < us;
  });
  const quick = resampling.filter((row) =>
    !row.name.startsWith("ringline") && (row.latencyMs ?? Infinity) < resampling[0]!.latencyMs!
  );
  console.log("\nWhere we are not ahead:");
  for (const row of behind) console.log(`- ${row.name} takes less time at ${pairOf(row)}`);
  for (const row of quick) {
    console.log(
      `- ${row.name} is earlier, with ${row.quality!.rejectionDb.toFixed(0)} dB of rejection`,
    );
  }
  if (behind.length + quick.length === 0) console.log("- nowhere in this run");
}
