/**
 * `deno task test`, `test:unit`, `test:e2e`, `test:world`: runs lanes of tests, and ends with one
 * line of counts: `N passed, N failed`.
 *
 *     scripts/test.ts LANE... [--crate] [--docs] [--install] [PATH...] [-- ARGUMENTS]
 *
 * `--crate` and `--docs` add the crate's tests and the examples in the docs. `--install` lets it
 * install the programs that are missing, as CI does. Paths narrow the run to what lies there;
 * arguments after `--` are handed to `deno test`.
 *
 * First the files of each lane run that may share the processors, then one by one those that measure
 * time. These mostly wait, so that what measures nothing runs beside them, at a lower priority. A server
 * that has to be built for the last of them is built meanwhile.
 *
 * It fails if a test fails or none ran, and in CI on Linux also if one is skipped: elsewhere some cannot
 * run, as on Windows, which has no SIGTERM.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { LANE_VARIABLE } from "./lib/browsers.ts";
import { commandLine } from "./lib/command_line.ts";
import { countCargo, countJunit, type Counts, sum } from "./lib/counts.ts";
import {
  covers,
  ENVIRONMENT,
  filesOf,
  type Lane,
  LANES,
  type Manner,
  mannerOf,
  testFiles,
} from "./lib/lanes.ts";
import { PREREQUISITES, provide, WORLD_PREREQUISITES } from "./lib/prerequisites.ts";
import { read, readYielding, show } from "./lib/programs.ts";
import { shareIsolates } from "./lib/shared_isolates.ts";

const USAGE = `scripts/test.ts LANE... [--crate] [--docs] [--install] [PATH...] [-- ARGUMENTS]

Runs lanes of tests: ${LANES.join(", ")}.

  --crate    the crate's own tests too
  --docs     the examples in the docs too
  --install  installs the programs that are missing
  PATH       only what lies there
  ARGUMENTS  for deno test`;

/** How long the world lane fuzzes the crate's exports. */
const FUZZ_SECONDS = 20;

function parse() {
  const end = Deno.args.indexOf("--");
  const { values, positionals } = commandLine(USAGE, () =>
    parseArgs({
      args: end === -1 ? Deno.args : Deno.args.slice(0, end),
      options: {
        install: { type: "boolean", default: false },
        crate: { type: "boolean", default: false },
        docs: { type: "boolean", default: false },
      },
      allowPositionals: true,
    }));
  const isLane = (one: string): one is Lane => (LANES as readonly string[]).includes(one);
  return {
    ...values,
    lanes: LANES.filter((lane) => positionals.includes(lane)),
    paths: positionals.filter((one) => !isLane(one)).map((path) => path.replace(/^\.\//, "")),
    passed: end === -1 ? [] : Deno.args.slice(end + 1),
  };
}

/** The tests that need LiveKit's server. */
const LIVEKIT = "tests/world/livekit/";

/** Runs something, and counts its tests. */
type Run = () => Promise<Counts>;

/** Test files of a lane that one run of Deno takes. */
interface Group {
  lane: Lane;
  files: string[];
  /** Whether as many files run at a time as there are processors. */
  isParallel?: boolean;
  /** Whether they leave the processors to whatever else runs. */
  yields?: boolean;
  /** Whether several of them run in one isolate. */
  isShared?: boolean;
}

/** Narrows files to the paths given. */
function narrow(files: string[], paths: string[]): string[] {
  if (paths.length === 0) return files;
  const folders = paths.map((path) => path.endsWith(".ts") ? path : path.replace(/\/?$/, "/"));
  return files.filter((file) => folders.some((folder) => covers(folder, file)));
}

/** The crate's own tests, where cargo is there to run them. */
async function crateTests(): Promise<Counts> {
  if (!(await read("cargo", ["--version"])).success) {
    console.error(
      "test: cargo is missing, so the crate's own tests are not run: install it from https://rustup.rs",
    );
    return sum([]);
  }
  const args = ["test", "--release", "--locked", "--manifest-path", "native/Cargo.toml"];
  const { success, stdout, stderr } = await readYielding("cargo", args);
  if (!success) console.error(stderr + stdout);
  return countCargo(stdout, success);
}

/** The crate under what finds wrong memory accesses, and its exports fuzzed. */
async function safety(): Promise<Counts> {
  if (!(await read("cargo", ["--version"])).success) return sum([]);
  const args = ["run", "-A", "scripts/safety.ts", `--seconds=${FUZZ_SECONDS}`];
  const { success, stdout, stderr } = await readYielding(Deno.execPath(), args);
  console.error(success ? stderr.replace(/^(?!safety:).*\n/gm, "") : stderr + stdout);
  return countCargo(stdout, success);
}

/** The examples in the docs and the guides. What they print is of interest only when one fails. */
async function docTests(): Promise<Counts> {
  return await junit(async (report) => {
    const documented = ["mod.ts", "src", "docs"];
    const args = ["test", "--doc", "-A", "--no-prompt", "--frozen", report, ...documented];
    const { success, stdout, stderr } = await readYielding(Deno.execPath(), args);
    if (!success) console.error(stderr + stdout);
    return success;
  });
}

/** Deno's tests in these files of a lane; those that yield are shown when all are over. */
async function denoTests(group: Group): Promise<Counts> {
  const { lane, files, isParallel = false, yields = false, isShared = false } = group;
  const env = { ...ENVIRONMENT[lane], [LANE_VARIABLE]: lane };
  const folder = await Deno.makeTempDir();
  try {
    const modules = isShared ? await shareIsolates(files, folder) : files;
    return await junit(async (report) => {
      // `deno task check` knows the types.
      const flags = ["--config=deno.json", "-A", "--no-prompt", "--no-check", "--frozen", report];
      const args = ["test", ...flags, ...isParallel ? ["--parallel"] : [], ...passed, ...modules];
      if (!yields) return await show(Deno.execPath(), args, env);
      const { success, stdout, stderr } = await readYielding(Deno.execPath(), args, env);
      console.error(stdout + stderr);
      return success;
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs tests that write a JUnit report, and counts by it. */
async function junit(run: (flag: string) => Promise<boolean>): Promise<Counts> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const success = await run(`--junit-path=${report}`);
    return countJunit(await Deno.readTextFile(report), success);
  } finally {
    await Deno.remove(report);
  }
}

/** Builds LiveKit's server, if it is not there. Where that fails, the tests try again, and say so. */
async function buildLiveKitServer(): Promise<void> {
  await read(Deno.execPath(), ["run", "-A", "scripts/livekit_server.ts"]);
}

/** Runs parts one after the other. */
async function inTurn(parts: Run[]): Promise<Counts[]> {
  const counts = [];
  for (const run of parts) counts.push(await run());
  return counts;
}

/** Runs one part, and prints its counts and how long it took. */
async function part(name: string, run: Run): Promise<Counts> {
  const start = performance.now();
  const counts = await run();
  const seconds = Math.round((performance.now() - start) / 1000);
  console.error(`test: ${name}: ${counts.passed} passed, ${counts.failed} failed, ${seconds} s`);
  return counts;
}

const { lanes, paths, passed, install, crate, docs } = parse();
const all = await testFiles();
const runs = lanes.map((lane) => ({ lane, files: narrow(filesOf(lane, all), paths) }))
  .filter(({ files }) => files.length > 0);
if (runs.length === 0) {
  const lane = LANES.find((one) => narrow(filesOf(one, all), paths).length > 0);
  const hint = lane ? `: deno task test:${lane} ${paths.join(" ")}` : "";
  console.error(`test: no test of ${lanes.join(", ")} lies in ${paths.join(", ")}${hint}`);
  Deno.exit(1);
}
const inCi = Deno.env.get("CI") !== undefined;
try {
  const has = (wanted: Lane) => runs.some(({ lane }) => lane === wanted);
  const needed = has("e2e") || has("world") ? PREREQUISITES : [];
  const all = has("world") ? [...needed, ...WORLD_PREREQUISITES] : needed;
  await provide(all, { install: install || inCi });
} catch (error) {
  console.error(`test: ${(error as Error).message}`);
  Deno.exit(1);
}
await show(Deno.execPath(), ["run", "-A", "scripts/native.ts", "--if-possible"]);
const isWhole = paths.length === 0;
const needsLiveKit = runs.some(({ files }) => files.some((file) => covers(LIVEKIT, file)));
const building = needsLiveKit ? buildLiveKitServer() : undefined;
const counts: Counts[] = [];
const alone: Run[] = [];
const beside: Run[] = [];
const hasAlone = runs.some(({ lane, files }) =>
  files.some((file) => mannerOf(lane, file) === "alone")
);
for (const { lane, files } of runs) {
  const groups = Object.groupBy(files, (file) => mannerOf(lane, file));
  const run = (manner: Manner, options: Omit<Group, "lane" | "files">) => async () => {
    const group = { lane, files: groups[manner]!, ...options };
    return await part(`${lane}, ${manner}`, () => denoTests(group));
  };
  if (groups.together) {
    const isShared = isWhole && lane === "unit";
    counts.push(await run("together", { isParallel: true, isShared })());
  }
  if (groups.alone) alone.push(run("alone", {}));
  if (groups.beside) beside.push(run("beside", hasAlone ? { yields: true } : { isParallel: true }));
}
const hasSafety = isWhole && lanes.includes("world");
if (isWhole && docs) beside.push(() => part("docs", docTests));
if (hasSafety) beside.push(() => part("safety", safety));
// The check of the crate's safety runs its tests too.
else if (isWhole && crate) beside.push(() => part("crate", crateTests));
counts.push(...(await Promise.all([inTurn(beside), inTurn(alone)])).flat());
await building;
const total = sum(counts);
const line = `${total.passed} passed, ${total.failed} failed`;
console.log(total.skipped > 0 ? `${line}, ${total.skipped} skipped` : line);
const hasGap = inCi && Deno.build.os === "linux" && total.skipped > 0;
if (total.failed > 0 || total.passed === 0 || hasGap) Deno.exit(1);
