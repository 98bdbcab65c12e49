/**
 * Builds the crate's part of the package: `deno task wasm` builds
 * `src/native/ringline_audio.wasm` and lists the sources with their hashes in
 * `src/native/sources.ts`. With `--check` it writes nothing, and fails when the committed files
 * differ from what the sources build.
 *
 * The compiler is Debian 12's rustc, since its output never changes, and one command installs
 * it: `apt-get install rustc=1.63.* libstd-rust-dev-wasm32 lld-14`. With `--install`, and
 * in CI, this does it.
 */

import { sha256 } from "../src/native/node_builtins.ts";
import { fileURLToPath } from "node:url";

const COMPILER = "rustc 1.63.0";
const PACKAGES = ["rustc=1.63.*", "libstd-rust-dev=1.63.*", "libstd-rust-dev-wasm32", "lld-14"];
/** Debian's, whatever other compiler stands first on the path. */
const RUSTC = "/usr/bin/rustc";

const crate = new URL("../native/", import.meta.url);
const committed = new URL("../src/native/ringline_audio.wasm", import.meta.url);
const list = new URL("../src/native/sources.ts", import.meta.url);
const check = Deno.args.includes("--check");
const mayInstall = Deno.args.includes("--install") || Deno.env.get("CI") !== undefined;

await listSources();

if (mayInstall && !await hasCompiler()) await install();
if (!await hasCompiler()) {
  console.error(
    `WASM: needs Debian 12's ${COMPILER}: apt-get install ${PACKAGES.join(" ")}\n` +
      "(as root, on Debian 12; --install does it). The committed module works without it.",
  );
  // Where it cannot be had, there is nothing to compare with; in CI it can be.
  Deno.exit(check && Deno.env.get("CI") === undefined ? 0 : 1);
}
const built = await build();
if (!check) {
  await Deno.writeFile(committed, built);
  console.error(`WASM: ${built.length} bytes in ${fileURLToPath(committed)}`);
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
    else if (name.endsWith(".rs")) files.push(name);
  }
  return files;
}

async function hasCompiler(): Promise<boolean> {
  const version = await output(RUSTC, ["--version"]);
  const target = await output(RUSTC, [
    "--target=wasm32-unknown-unknown",
    "--print=target-libdir",
  ]);
  if (!version?.startsWith(COMPILER) || target === undefined) return false;
  try {
    return (await Deno.stat(target.trim())).isDirectory &&
      await output("wasm-ld-14", ["--version"]) !== undefined;
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
  try {
    const file = `${folder}/ringline_audio.wasm`;
    const { success } = await new Deno.Command(RUSTC, {
      args: [
        "--edition=2021",
        "--crate-type=cdylib",
        "--crate-name=ringline_audio",
        "--target=wasm32-unknown-unknown",
        "-Copt-level=3",
        "-Cpanic=abort",
        "-Clto=fat",
        "-Ccodegen-units=1",
        "-Ctarget-feature=+simd128",
        "-Clinker=wasm-ld-14",
        "-Cstrip=symbols",
        // No path of this machine in it.
        `--remap-path-prefix=${fileURLToPath(crate)}=`,
        "src/lib.rs",
        `-o${file}`,
      ],
      cwd: crate,
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn().status;
    if (!success) Deno.exit(1);
    return await Deno.readFile(file);
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
