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
 * @module
 */
import { parseArgs } from "node:util";
import { LANE_VARIABLE } from "./browsers.ts";
import { countCargo, countJunit, type Counts, sum } from "./counts.ts";
import { covers, ENVIRONMENT, filesOf, type Lane, LANES, runsAlone, testFiles } from "./lanes.ts";
import { PREREQUISITES, provide, WORLD_PREREQUISITES } from "./prerequisites.ts";
import { read, show } from "./programs.ts";

/** How long the world lane fuzzes the crate's exports. */
const FUZZ_SECONDS = 20;

function parse() {
  const end = Deno.args.indexOf("--");
  const { values, positionals } = parseArgs({
    args: end === -1 ? Deno.args : Deno.args.slice(0, end),
    options: {
      install: { type: "boolean", default: false },
      crate: { type: "boolean", default: false },
      docs: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  const isLane = (one: string): one is Lane => (LANES as readonly string[]).includes(one);
  return {
    ...values,
    lanes: LANES.filter((lane) => positionals.includes(lane)),
    paths: positionals.filter((one) => !isLane(one)).map((path) => path.replace(/^\.\//, "")),
    passed: end === -1 ? [] : Deno.args.slice(end + 1),
  };
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
  const { success, stdout, stderr } = await read("cargo", args);
  if (!success) console.error(stderr + stdout);
  return countCargo(stdout, success);
}

/** The crate under what finds wrong memory accesses, and its exports fuzzed. */
async function safety(): Promise<Counts> {
  if (!(await read("cargo", ["--version"])).success) return sum([]);
  const args = ["run", "-A", "scripts/safety.ts", `--seconds=${FUZZ_SECONDS}`];
  const { success, stdout, stderr } = await read(Deno.execPath(), args);
  console.error(success ? stderr.replace(/^(?!safety:).*\n/gm, "") : stderr + stdout);
  return countCargo(stdout, success);
}

/** The examples in the docs and the guides. What they print is of interest only when one fails. */
async function docTests(): Promise<Counts> {
  return await junit(async (report) => {
    const documented = ["mod.ts", "src", "docs"];
    const args = ["test", "--doc", "-A", "--no-prompt", "--frozen", report, ...documented];
    const { success, stdout, stderr } = await read(Deno.execPath(), args);
    if (!success) console.error(stderr + stdout);
    return success;
  });
}

/** Deno's tests of a lane: what measures nothing, as many files at a time as processors. */
async function laneTests(lane: Lane, files: string[], passed: string[]): Promise<Counts> {
  const env = { ...ENVIRONMENT[lane], [LANE_VARIABLE]: lane };
  const run = (files: string[], ...flags: string[]) =>
    junit((report) =>
      show(
        Deno.execPath(),
        // `deno task check` knows the types.
        [
          "test",
          "-A",
          "--no-prompt",
          "--no-check",
          "--frozen",
          ...flags,
          report,
          ...passed,
          ...files,
        ],
        env,
      )
    );
  const { alone = [], together = [] } = Object.groupBy(
    files,
    (file) => runsAlone(lane, file) ? "alone" : "together",
  );
  const counts = [];
  if (together.length > 0) counts.push(await run(together, "--parallel"));
  if (alone.length > 0) counts.push(await run(alone));
  return sum(counts);
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

/** Runs one part, and prints its counts and how long it took. */
async function part(name: string, run: () => Promise<Counts>): Promise<Counts> {
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
const counts: Counts[] = [];
// Neither depends on time, so they may share the processors.
counts.push(
  ...await Promise.all([
    ...(isWhole && crate ? [part("crate", crateTests)] : []),
    ...(isWhole && docs ? [part("docs", docTests)] : []),
  ]),
);
for (const { lane, files } of runs) {
  counts.push(await part(lane, () => laneTests(lane, files, passed)));
  if (lane === "world" && isWhole) counts.push(await part("safety", safety));
}
const total = sum(counts);
const line = `${total.passed} passed, ${total.failed} failed`;
console.log(total.skipped > 0 ? `${line}, ${total.skipped} skipped` : line);
if (total.failed > 0 || total.passed === 0 || (inCi && total.skipped > 0)) Deno.exit(1);
