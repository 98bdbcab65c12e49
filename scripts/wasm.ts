/**
 * Builds the crate's part of the package: `deno task wasm` builds
 * `src/native/ringline_audio.wasm` and lists the sources with their hashes in
 * `src/native/sources.ts`. With `--check` it writes nothing, and fails when the committed files
 * differ from what the sources build.
 *
 * The compiler is Debian's rustc for browsers, which is new enough for the crate's dependencies:
 * `apt-get install rustc-web cargo-web rust-web-src lld-22`. With `--install`, and in CI, this does it.
 * It comes from the security archive and moves: with another version than the recorded one the bytes
 * differ, so that nothing is compared, and the parity tests decide.
 */

import { flags } from "./lib/command_line.ts";
import { sha256 } from "../src/native/node_builtins.ts";
import { fileURLToPath } from "node:url";

const { check, ...options } = flags(
  `deno task wasm [--check] [--install]

Builds the WASM module that the package carries.

  --check    writes nothing: compares with what is committed
  --install  installs the compiler where it is missing`,
  "check",
  "install",
);

/** The compiler that built the committed module. */
const RECORDED = "rustc 1.96.0";
/** The oldest that builds the crate: `rust-version` of its Cargo.toml. */
const OLDEST_MINOR = 87;
const PACKAGES = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];
/** Debian's, whatever other compiler stands first on the path. */
const RUSTC = "/usr/bin/rustc";
const CARGO = "/usr/bin/cargo";
const LINKER = "wasm-ld-22";
const TARGET = "wasm32-unknown-unknown";

const crate = new URL("../native/", import.meta.url);
const committed = new URL("../src/native/ringline_audio.wasm", import.meta.url);
const list = new URL("../src/native/sources.ts", import.meta.url);
const mayInstall = options.install || Deno.env.get("CI") !== undefined;

await listSources();

if (mayInstall && !await hasCompiler()) await install();
if (!await hasCompiler()) {
  console.error(
    `WASM: needs Debian's rustc for browsers: apt-get install ${PACKAGES.join(" ")}\n` +
      "(as root, on Debian 12; --install does it). The committed module works without it.",
  );
  // Where it cannot be had, there is nothing to compare with; in CI it can be.
  Deno.exit(check && Deno.env.get("CI") === undefined ? 0 : 1);
}
const built = await build();
if (!check) {
  await Deno.writeFile(committed, built);
  console.error(`WASM: ${built.length} bytes in ${fileURLToPath(committed)}`);
} else if (!(await output(RUSTC, ["--version"]))?.startsWith(RECORDED)) {
  console.error(`WASM: built, but not compared: the committed module is that of ${RECORDED}.`);
} else if (!equal(built, await Deno.readFile(committed))) {
  console.error(
    "WASM: the committed module differs from what the sources build: run `deno task wasm`.",
  );
  Deno.exit(1);
} else {
  console.error("WASM: the committed module is what the sources build.");
}

async function listSources(): Promise<void> {
  const names = ["Cargo.toml", "Cargo.lock", "build.rs", ...await filesIn("src/")].sort();
  const entries = [];
  for (const name of names) {
    entries.push(`  "${name}": "${sha256(await Deno.readFile(new URL(name, crate)))}",\n`);
  }
  const text =
    "/** The crate's sources and their SHA-256. Written by `deno task wasm`. @module */\n\n" +
    "// deno-fmt-ignore-file\n/** What the native library is built from. */\n" +
    `export const sources: Readonly<Record<string, string>> = {\n${entries.join("")}};\n`;
  if (!check) {
    await Deno.writeTextFile(list, text);
  } else if (text !== await Deno.readTextFile(list)) {
    console.error("WASM: src/native/sources.ts is outdated: run `deno task wasm`.");
    Deno.exit(1);
  }
}

async function filesIn(folder: string): Promise<string[]> {
  const files = [];
  for await (const entry of Deno.readDir(new URL(folder, crate))) {
    const name = folder + entry.name;
    if (entry.isDirectory) files.push(...await filesIn(name + "/"));
    else if (/\.(rs|bin)$/.test(name)) files.push(name);
  }
  return files;
}

async function hasCompiler(): Promise<boolean> {
  const version = await output(RUSTC, ["--version"]);
  const minor = Number(/^rustc 1\.(\d+)/.exec(version ?? "")?.[1] ?? 0);
  if (minor < OLDEST_MINOR || await output(LINKER, ["--version"]) === undefined) return false;
  const root = await output(RUSTC, ["--print=sysroot"]);
  try {
    return (await Deno.stat(`${root?.trim()}/lib/rustlib/src/rust/library/std`)).isDirectory;
  } catch {
    return false;
  }
}

async function install(): Promise<void> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return;
  console.error("WASM: installing Debian's rustc ...");
  for (const args of [["update", "-qq"], ["install", "-y", "-qq", ...PACKAGES]]) {
    try {
      const child = new Deno.Command("apt-get", {
        args,
        env: { DEBIAN_FRONTEND: "noninteractive" },
        stdin: "null",
        stdout: "null",
        stderr: "inherit",
      }).spawn();
      await child.status;
    } catch {
      return; // Not Debian.
    }
  }
}

async function build(): Promise<Uint8Array<ArrayBuffer>> {
  const folder = await Deno.makeTempDir();
  const home = Deno.env.get("CARGO_HOME") ?? `${Deno.env.get("HOME")}/.cargo`;
  try {
    const { success } = await new Deno.Command(CARGO, {
      args: [
        "build",
        "--release",
        "--locked",
        "--lib",
        `--target=${TARGET}`,
        // Debian has no standard library for it.
        "-Zbuild-std=std,panic_abort",
        `--target-dir=${folder}`,
      ],
      env: {
        RUSTC,
        RUSTC_BOOTSTRAP: "1", // For build-std alone.
        CARGO_PROFILE_RELEASE_PANIC: "abort",
        CARGO_PROFILE_RELEASE_STRIP: "symbols",
        RUSTFLAGS: [
          `-Clinker=${LINKER}`,
          "-Ctarget-feature=+simd128,+relaxed-simd",
          // No path of this machine in it.
          `--remap-path-prefix=${fileURLToPath(crate)}=`,
          `--remap-path-prefix=${home}=cargo`,
          `--remap-path-prefix=${folder}=target`,
        ].join(" "),
      },
      cwd: crate,
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn().status;
    if (!success) Deno.exit(1);
    return await Deno.readFile(`${folder}/${TARGET}/release/ringline_audio.wasm`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function output(command: string, args: string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(command, { args, stderr: "null" }).output();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch {
    return undefined;
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
