/**
 * `deno task test`: the whole suite, from whatever machine it finds.
 *
 * Gets what the browser tests need, builds the native library where cargo is at hand, runs cargo's
 * and Deno's tests, and ends with one plain line of true counts: `N passed, N failed`. Arguments
 * are handed to `deno test`, e.g. `deno task test tests/audio`.
 *
 * @module
 */
import { provideChromium } from "./chromium.ts";

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
async function run(command: string, args: string[], env: Record<string, string> = {}) {
  const { success } = await new Deno.Command(command, { args, env, cwd: ROOT }).output();
  return success;
}

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

/** The crate's own tests, where cargo is there to run them. */
async function cargoTests(): Promise<Counts> {
  const cargo = await run("cargo", ["--version"]).catch(() => false);
  if (!cargo) {
    console.error("test: no cargo, so the crate's own tests are not run");
    return { passed: 0, failed: 0, skipped: 0 };
  }
  const { success, stdout, stderr } = await new Deno.Command("cargo", {
    args: ["test", "--release", "--manifest-path", "native/Cargo.toml"],
    cwd: ROOT,
  }).output();
  const text = new TextDecoder().decode(stdout);
  const counts = sum(
    [...text.matchAll(/test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/g)].map((
      m,
    ) => ({
      passed: Number(m[1]),
      failed: Number(m[2]),
      skipped: Number(m[3]),
    })),
  );
  if (!success) {
    console.error(new TextDecoder().decode(stderr) + text);
    counts.failed ||= 1; // it did not compile
  }
  console.error(`cargo test: ${counts.passed} passed, ${counts.failed} failed`);
  return counts;
}

/** Deno's tests, counted from their JUnit report. */
async function denoTests(chromium: string | undefined, args: string[]): Promise<Counts> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const success = await show(
      Deno.execPath(),
      ["test", "-A", "--no-prompt", `--junit-path=${report}`, ...(args.length ? args : ["tests"])],
      chromium ? { CHROMIUM: chromium } : {},
    );
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
const chromium = await provideChromium(SPEECH);
await show(Deno.execPath(), ["run", "-A", "scripts/native.ts", "--if-possible"]);
const whole = Deno.args.length === 0;
const total = sum([
  ...(whole ? [await cargoTests()] : []),
  await denoTests(chromium, Deno.args),
]);
const { passed, failed, skipped } = total;
const line = `${passed} passed, ${failed} failed`;
console.log(skipped > 0 ? `${line}, ${skipped} skipped` : line);
if (failed > 0 || passed === 0 || (inCi && skipped > 0)) Deno.exit(1);
