/**
 * `deno task safety`: lints the crate strictly, runs its tests, and fuzzes every export under the
 * tool that finds wrong memory accesses on this machine: Miri for the core where it is installed,
 * and the address sanitizer (nightly) or else valgrind for the C ABI. It names what it cannot run.
 * `--seconds=N` sets how long it fuzzes, default 20.
 */
import { parseArgs } from "node:util";
import { commandLine } from "./lib/command_line.ts";

const USAGE = `deno task safety [--seconds=N]

Lints the crate, runs its tests, and fuzzes its exports under what finds wrong memory accesses.

  --seconds=N  for how long it fuzzes, 1 to 3600 (default 20)`;

const seconds = commandLine(USAGE, (args) => {
  const options = { seconds: { type: "string", default: "20" } } as const;
  const { values } = parseArgs({ args, options });
  const seconds = Number(values.seconds);
  if (seconds > 0 && seconds <= 3600) return seconds;
  throw new RangeError(`--seconds: expected a number from 1 to 3600, got "${values.seconds}"`);
});
const crate = new URL("../native/", import.meta.url);

await step("clippy", ["clippy", "--release", "--all-targets", "--locked", "--", "-Dwarnings"]);
await step("tests", ["test", "--release", "--locked"]);
if (await has("cargo", ["+nightly", "miri", "--version"])) {
  await step("the core under Miri", ["+nightly", "miri", "test", "--lib", "--test=oracle"]);
} else {
  console.error("safety: skipped: Miri is not installed");
}
const fuzz = { RINGLINE_FUZZ_SECONDS: `${seconds}` };
if (await has("cargo", ["+nightly", "--version"])) {
  const target = `--target=${Deno.build.arch}-unknown-linux-gnu`;
  await step(
    `the border for ${seconds} s, and all tests, under the address sanitizer`,
    ["+nightly", "test", "--release", target, "--target-dir=target/sanitizer", "--tests"],
    // With the checks of a debug build, such as for overflow, at the speed of a release.
    { ...fuzz, RUSTFLAGS: "-Zsanitizer=address -Cdebug-assertions=on" },
  );
} else if (await has("valgrind", ["--version"])) {
  await step(
    `the border for ${seconds} s under valgrind`,
    ["test", "--locked", "--test=fuzz"],
    {
      ...fuzz,
      CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER: "valgrind -q --error-exitcode=1",
    },
  );
} else {
  console.error("safety: skipped: neither Rust's nightly nor valgrind is installed");
  await step(`the border for ${seconds} s`, ["test", "--release", "--test=fuzz"], fuzz);
}
console.error("safety: all that could run has passed");

async function step(what: string, args: string[], env: Record<string, string> = {}): Promise<void> {
  console.error(`safety: ${what}`);
  const { success } = await new Deno.Command("cargo", {
    args,
    env,
    cwd: crate,
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn().status;
  if (!success) {
    console.error(`safety: failed: ${what}`);
    Deno.exit(1);
  }
}

async function has(command: string, args: string[]): Promise<boolean> {
  try {
    const options = { args, cwd: crate, stdout: "null", stderr: "null" } as const;
    return (await new Deno.Command(command, options).output()).success;
  } catch {
    return false;
  }
}
