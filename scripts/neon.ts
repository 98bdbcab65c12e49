/**
 * Runs the crate's tests as AArch64 code under an emulator, where no such machine is at hand:
 * `deno run -A scripts/neon.ts`. Needs Debian 12 and root: it installs rustc, a cross linker and
 * qemu-user, and unpacks AArch64's standard library beside them, not into the system.
 */

const state = "/tmp/ringline-neon";
const triple = "aarch64-unknown-linux-gnu";
const crate = new URL("../native/", import.meta.url);

if (Deno.build.os !== "linux" || Deno.uid() !== 0) {
  console.error("NEON: needs Debian 12 and root");
  Deno.exit(1);
}
await Deno.mkdir(`${state}/lists/partial`, { recursive: true });
await Deno.mkdir(`${state}/archives/partial`, { recursive: true });
const foreign = [
  ...["-o", "APT::Architecture=arm64", "-o", "APT::Architectures::=arm64"],
  ...["-o", `Dir::State=${state}`, "-o", "Dir::State::status=/dev/null"],
  ...["-o", `Dir::Cache=${state}`, "-o", "APT::Sandbox::User=root"],
];
const tools = ["rustc=1.63.*", "libstd-rust-dev=1.63.*", "gcc-aarch64-linux-gnu", "qemu-user"];
await run("apt-get", ["update", "-qq"]);
await run("apt-get", ["install", "-y", "-qq", ...tools, "libc6-dev-arm64-cross"]);
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
