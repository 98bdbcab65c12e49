/**
 * Runs the crate's tests as AArch64 code under an emulator, where no such machine is at hand:
 * `deno run -A scripts/neon.ts`. Needs Debian 12 with rustc, a cross linker and qemu-user; where one
 * of them is missing it prints the command that installs them, and `--install`, or CI, runs it.
 *
 * AArch64's standard library is unpacked into a temporary folder, not into the system.
 */
import { flags } from "./lib/command_line.ts";
import { exists } from "./lib/files.ts";

const { install } = flags(
  `scripts/neon.ts [--install]

Runs the crate's tests as AArch64 code under an emulator.

  --install  installs what is missing`,
  "install",
);

const state = "/tmp/ringline-neon";
const triple = "aarch64-unknown-linux-gnu";
const crate = new URL("../native/", import.meta.url);

const packages = [
  ...["rustc=1.63.*", "libstd-rust-dev=1.63.*", "gcc-aarch64-linux-gnu", "qemu-user"],
  "libc6-dev-arm64-cross",
];
/** A file of each package that the tests need. */
const needed = [
  "/usr/bin/rustc",
  "/usr/bin/aarch64-linux-gnu-gcc",
  "/usr/bin/qemu-aarch64",
  "/usr/aarch64-linux-gnu/lib/libc.so.6",
];
const mayInstall = install || Deno.env.get("CI") !== undefined;

if (Deno.build.os !== "linux" || !await exists("/usr/bin/apt-get")) {
  console.error("NEON: needs Debian 12, whose packages it uses");
  Deno.exit(1);
}
const missing = await missingFiles();
if (missing.length > 0 && mayInstall && Deno.uid() === 0) {
  await run("apt-get", ["update", "-qq"]);
  await run("apt-get", ["install", "-y", "-qq", ...packages]);
} else if (missing.length > 0) {
  console.error(
    `NEON: ${missing.join(", ")} missing: apt-get install ${packages.join(" ")}\n` +
      "(as root, on Debian 12; --install does it)",
  );
  Deno.exit(1);
}
await Deno.mkdir(`${state}/lists/partial`, { recursive: true });
await Deno.mkdir(`${state}/archives/partial`, { recursive: true });
const foreign = [
  ...["-o", "APT::Architecture=arm64", "-o", "APT::Architectures::=arm64"],
  ...["-o", `Dir::State=${state}`, "-o", "Dir::State::status=/dev/null"],
  ...["-o", `Dir::Cache=${state}`, "-o", "APT::Sandbox::User=root"],
];
await run("apt-get", [...foreign, "update", "-qq"]);
await run("apt-get", [...foreign, "download", "-qq", "libstd-rust-dev"], state);
for await (const { name } of Deno.readDir(state)) {
  if (name.endsWith(".deb")) await run("dpkg-deb", ["-x", name, "."], state);
}

const rustc = [
  ...["--edition=2021", `--target=${triple}`, `--sysroot=${state}/usr`, "-Copt-level=2"],
  ...["-Clinker=aarch64-linux-gnu-gcc", `--out-dir=${state}/out`, "--cap-lints=allow"],
];
await run("/usr/bin/rustc", [
  ...rustc,
  "--crate-type=rlib",
  "--crate-name=ringline_audio",
  "src/lib.rs",
]);
for (const test of ["oracle", "fuzz"]) {
  const library = `ringline_audio=${state}/out/libringline_audio.rlib`;
  const names = [`--crate-name=${test}`, "--test", "--extern", library];
  await run("/usr/bin/rustc", [...rustc, ...names, `tests/${test}.rs`]);
  await run("qemu-aarch64", ["-L", "/usr/aarch64-linux-gnu", `${state}/out/${test}`]);
}
console.error("NEON: all tests have passed under the emulator");

async function missingFiles(): Promise<string[]> {
  const missing = [];
  for (const file of needed) if (!await exists(file)) missing.push(file);
  return missing;
}

/** Runs a command, in the crate's folder unless told otherwise. Ends the program where it fails. */
async function run(command: string, args: string[], cwd: string | URL = crate): Promise<void> {
  const child = new Deno.Command(command, {
    args,
    cwd,
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
    stdout: command === "apt-get" ? "null" : "inherit",
    stderr: "inherit",
  }).spawn();
  const { success } = await child.status;
  if (success) return;
  console.error(`NEON: failed: ${command} ${args.join(" ")}`);
  Deno.exit(1);
}
