/**
 * `deno task soak`: calls with 8 people, visitors who come and go, and cameras that go on and off,
 * for as long as you say. Samples what the agent's process and the media process hold, draws it, and
 * fails when something grows.
 *
 * `--minutes N` (default 2), `--people N` (default 8), `--svg FILE` for the picture, `--json FILE`
 * for the samples. `--scenario` runs a hard day instead: see `soak/hard.ts` and `soak/livekit.ts`.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { LocalEdge } from "@ringline/edge/local";
import { silentLogger } from "@ringline/edge";
import { parseArgs } from "node:util";
import { formatTable } from "../bench/lib/table.ts";
import { LIVEKIT_SCENARIOS, type LiveKitScenario } from "./soak/livekit_scenarios.ts";
import { drawSoak } from "./soak/picture.ts";
import { runHard, type Scenario, SCENARIOS } from "./soak/hard.ts";
import { type RoundFigures, runRound } from "./soak/round.ts";
import { openHandles, readProcess, type Sample } from "./soak/sample.ts";
import { judge, slope, type Verdict } from "./soak/verdict.ts";

const USAGE = `deno task soak [--minutes N] [--people N] [--svg FILE] [--json FILE]
deno task soak --scenario lossy|joins|silent [--minutes N]
deno task soak --scenario livekit-outages|livekit-rooms [--rooms N]

Calls with people who come and go, to see that nothing grows; or a hard day: 5 people whose network loses
20 % of the packets in bursts, 1,000 joins and leaves (as long as they take; it fails when a minute
brings none), or 512 connections that never say hello.

  --minutes N  how long (default 2)
  --people N   how many, from 1 to 16 (default 8)
  --rooms N    how many, from 1 to 32 (default 20)
  --svg FILE   draws what was measured
  --json FILE  writes the samples`;

/** Calls of at least so long, and at most so many of them. */
const ROUND_S = 12;
const MOST_ROUNDS = 6;
/** How long what is closed may take to be gone. */
const FAREWELL_MS = 5000;

interface Options {
  minutes: number;
  people: number;
  svg: string | undefined;
  json: string | undefined;
  scenario: Scenario | LiveKitScenario | undefined;
  rooms: number;
}

/** The options; `undefined` when help is asked for. */
function readOptions(args: string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      minutes: { type: "string", default: "2" },
      people: { type: "string", default: "8" },
      svg: { type: "string" },
      json: { type: "string" },
      scenario: { type: "string" },
      rooms: { type: "string", default: "20" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const minutes = Number(values.minutes);
  const people = Number(values.people);
  if (!(minutes > 0 && Number.isFinite(minutes))) {
    throw new RangeError(`--minutes: expected a number above 0, got "${values.minutes}"`);
  }
  if (!Number.isInteger(people) || people < 1 || people > 16) {
    throw new RangeError(`--people: expected a whole number from 1 to 16, got "${values.people}"`);
  }
  const rooms = Number(values.rooms);
  if (!Number.isInteger(rooms) || rooms < 1 || rooms > 32) {
    throw new RangeError(`--rooms: expected a whole number from 1 to 32, got "${values.rooms}"`);
  }
  const { scenario, svg, json } = values;
  const known = [...Object.keys(SCENARIOS), ...LIVEKIT_SCENARIOS];
  if (scenario !== undefined && !known.includes(scenario)) {
    const names = known.join(", ");
    throw new RangeError(`--scenario: expected one of ${names}, got "${scenario}"`);
  }
  return { minutes, people, rooms, svg, json, scenario: scenario as Options["scenario"] };
}

function table(verdicts: Verdict[]): string {
  const figure = (value: number) => Number.isFinite(value) ? value.toFixed(1) : "-";
  return formatTable(
    ["", "first", "middle", "last", "may gain", ""],
    verdicts.map(({ what, unit, thirds, allowed, grows }) => [
      unit ? `${what}, ${unit}` : what,
      ...thirds.map(figure),
      allowed === undefined ? "-" : String(allowed),
      allowed === undefined ? "shown only" : grows ? "GROWS" : "flat",
    ]),
  );
}

/** Waits until the edge's end shows in what this process has open. */
async function leftBehind(before: { files: number; handles: number }): Promise<string[]> {
  const end = performance.now() + FAREWELL_MS;
  for (;;) {
    const now = { files: readProcess("self").files, handles: openHandles() };
    const left = (["files", "handles"] as const)
      .filter((name) => now[name] > before[name])
      .map((name) => `${name}: ${before[name]} before, ${now[name]} after`);
    if (left.length === 0 || performance.now() > end) return left;
    await delay(100);
  }
}

/** Memory that one media process gains in a minute: wrtc's own, which replacing it gives back. */
function mediaGrowth(samples: Sample[], people: number): number {
  const rounds = Map.groupBy(samples.filter((one) => one.people >= people), ({ round }) => round);
  const longest = [...rounds.values()].reduce((a, b) => a.length >= b.length ? a : b, []);
  return slope(longest.map(({ atS, media }) => [atS / 60, media.rssMb]));
}

async function main(options: Options): Promise<boolean> {
  const begun = performance.now();
  const seconds = options.minutes * 60;
  const rounds = Math.max(2, Math.min(MOST_ROUNDS, Math.floor(seconds / ROUND_S)));
  const samples: Sample[] = [];
  const total: RoundFigures = { joins: 0, leaves: 0, pictures: 0, slots: 0, frames: 0, dropped: 0 };
  // The first time something is done, something stays open for good: that is no leak.
  await using warm = new LocalEdge({ logger: silentLogger });
  await runRound(warm, { ms: 500, people: 1, onSample() {} });
  await warm.close();
  const before = { files: readProcess("self").files, handles: openHandles() };
  {
    await using edge = new LocalEdge({ logger: silentLogger });
    for (let round = 0; round < rounds; round++) {
      const figures = await runRound(edge, {
        ms: seconds / rounds * 1000,
        people: options.people,
        onSample: (sample) =>
          samples.push({ ...sample, round, atS: (performance.now() - begun) / 1000 }),
      });
      for (const [name, value] of Object.entries(figures)) {
        total[name as keyof RoundFigures] += value;
      }
      console.error(
        `soak: call ${round + 1} of ${rounds}: ${figures.joins} joined, ${figures.leaves} left, ` +
          `${figures.pictures} cameras on and off, ${figures.slots} slots and ` +
          `${figures.frames} frames heard and seen`,
      );
    }
  }
  const left = await leftBehind(before);
  if (options.svg) await Deno.writeTextFile(options.svg, drawSoak(samples));
  if (options.json) await Deno.writeTextFile(options.json, JSON.stringify(samples));
  const verdicts = judge(samples, options.people);
  console.log(table(verdicts));
  console.log(
    `Within one media process memory grew by ${
      mediaGrowth(samples, options.people).toFixed(1)
    } MB a minute. ${total.joins} joins, ${total.leaves} leaves, ${total.pictures} cameras, ` +
      `${total.dropped} slots dropped, ${samples.length} samples.`,
  );
  for (const line of left) console.log(`Left behind: ${line}`);
  const grows = verdicts.filter((verdict) => verdict.grows);
  const idle = (["leaves", "pictures", "slots", "frames"] as const).filter((name) => !total[name]);
  if (idle.length > 0) console.log(`Nothing happened: no ${idle.join(", no ")}`);
  const passed = grows.length === 0 && left.length === 0 && idle.length === 0;
  console.log(passed ? "Flat." : "Not flat.");
  return passed;
}

async function run(options: Options): Promise<boolean> {
  const { scenario, minutes, rooms } = options;
  if (scenario === undefined) return await main(options);
  if (scenario !== "livekit-outages" && scenario !== "livekit-rooms") {
    return await runHard(scenario, minutes);
  }
  // Looks for LiveKit's server, and builds it the first time.
  const { runLiveKit } = await import("./soak/livekit.ts");
  return await runLiveKit(scenario, { rooms });
}

if (import.meta.main) {
  let options: Options | undefined;
  try {
    options = readOptions(Deno.args);
  } catch (error) {
    console.error(`soak: ${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    Deno.exit(2);
  }
  if (!options) {
    console.log(USAGE);
    Deno.exit(0);
  }
  if (Deno.build.os !== "linux") {
    console.error("soak: reads /proc, which only Linux has");
    Deno.exit(2);
  }
  Deno.exit(await run(options) ? 0 : 1);
}
