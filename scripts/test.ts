/**
 * `deno task test`: the whole suite, from whatever machine it finds.
 *
 * Gets what the browser tests need, builds the native library where cargo is at hand, runs cargo's
 * and Deno's tests, and ends with one plain line of true counts: `N passed, N failed`. Arguments
 * are handed to `deno test`, e.g. `deno task test tests/audio`.
 *
 * @module
 */
import { provideBrowsers } from "./browsers.ts";

const ROOT = new URL("..", import.meta.url);
const SPEECH = "/usr/share/sounds/alsa/Front_Center.wav";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

function sum(all: Counts[]): Counts {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped } of all) {
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
  }
  return total;
}

/** Runs a command with its output shown and gives whether it succeeded. */
async function show(command: string, args: string[], env: Record<string, string> = {}) {
  const child = new Deno.Command(command, {
    args,
    env,
    cwd: ROOT,
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  return (await child.status).success;
}

/** Runs a command and gives what it printed. */
async function read(command: string, args: string[]) {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, cwd: ROOT }).output();
  const decoder = new TextDecoder();
  return { success, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** The crate's own tests, where cargo is there to run them. */
async function cargoTests(): Promise<Counts> {
  const cargo = await read("cargo", ["--version"]).catch(() => undefined);
  if (!cargo?.success) {
    console.error("test: no cargo, so the crate's own tests are not run");
    return { passed: 0, failed: 0, skipped: 0 };
  }
  const args = ["test", "--release", "--manifest-path", "native/Cargo.toml"];
  const { success, stdout, stderr } = await read("cargo", args);
  const results = stdout.matchAll(/test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/g);
  const counts = sum(
    [...results].map(([, passed, failed, skipped]) => ({
      passed: Number(passed),
      failed: Number(failed),
      skipped: Number(skipped),
    })),
  );
  if (!success) {
    console.error(stderr + stdout);
    counts.failed ||= 1; // it did not compile
  }
  console.error(`cargo test: ${counts.passed} passed, ${counts.failed} failed`);
  return counts;
}

/** The examples in the docs, run. What they print is of interest only when one fails. */
async function docTests(): Promise<Counts> {
  return await counted(async (report) => {
    const args = ["test", "--doc", "-A", "--no-prompt", `--junit-path=${report}`, "mod.ts", "src"];
    const { success, stdout, stderr } = await read(Deno.execPath(), args);
    if (!success) console.error(stderr + stdout);
    return success;
  });
}

/** Deno's tests. */
async function denoTests(browsers: Record<string, string>, paths: string[]): Promise<Counts> {
  return await counted((report) =>
    show(
      Deno.execPath(),
      ["test", "-A", "--no-prompt", `--junit-path=${report}`, ...paths],
      browsers,
    )
  );
}

/** Runs tests that write a JUnit report, and counts by it. */
async function counted(run: (report: string) => Promise<boolean>): Promise<Counts> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const success = await run(report);
    const xml = await Deno.readTextFile(report);
    const cases = xml.match(/<testcase\b/g)?.length ?? 0;
    const failed = xml.match(/<(failure|error)\b/g)?.length ?? 0;
    const skipped = xml.match(/<skipped\b/g)?.length ?? 0;
    return {
      passed: cases - failed - skipped,
      failed: failed === 0 && !success ? 1 : failed, // a module that did not load, a leak
      skipped,
    };
  } finally {
    await Deno.remove(report);
  }
}

const inCi = Deno.env.get("CI") !== undefined;
const browsers = await provideBrowsers(SPEECH);
await show(Deno.execPath(), ["run", "-A", "scripts/native.ts", "--if-possible"]);
const whole = Deno.args.length === 0;
const total = sum(
  whole
    ? [await cargoTests(), await docTests(), await denoTests(browsers, ["tests"])]
    : [await denoTests(browsers, Deno.args)],
);
const { passed, failed, skipped } = total;
const line = `${passed} passed, ${failed} failed`;
console.log(skipped > 0 ? `${line}, ${skipped} skipped` : line);
if (failed > 0 || passed === 0 || (inCi && skipped > 0)) Deno.exit(1);
