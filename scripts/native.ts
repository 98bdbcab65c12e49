/**
 * Builds the native library: `deno task native`.
 *
 * With `--if-possible` it is a step before another task: it prints nothing when there is nothing
 * to do, prints one line when cargo is missing, and never fails for that.
 */
import { fileURLToPath } from "node:url";

const USAGE = `deno task native [--if-possible]

Builds the native library with cargo.

  --if-possible  only when it is out of date, and without an error when cargo is missing`;

const crate = new URL("../native/", import.meta.url);
if (Deno.args.some((one) => one === "--help" || one === "-h")) {
  console.log(USAGE);
  Deno.exit(0);
}
const unknown = Deno.args.find((one) => one !== "--if-possible");
if (unknown !== undefined) {
  console.error(`native: unknown option "${unknown}"\n\n${USAGE}`);
  Deno.exit(2);
}

const ifPossible = Deno.args.includes("--if-possible");

const library = new URL(`target/release/${libraryName()}`, crate);

if (ifPossible && await isUpToDate()) Deno.exit(0);
if (!await hasCargo()) {
  if (ifPossible) {
    console.error(
      "Native library: not built, since cargo is missing. All runs without it, slower.",
    );
    Deno.exit(0);
  }
  console.error(
    "Native library: cargo is missing. Install Rust 1.87 or newer from https://rustup.rs,\n" +
      "then run this again.",
  );
  Deno.exit(1);
}
Deno.exit(await build());

function libraryName(): string {
  if (Deno.build.os === "windows") return "ringline_audio.dll";
  return Deno.build.os === "darwin" ? "libringline_audio.dylib" : "libringline_audio.so";
}

async function isUpToDate(): Promise<boolean> {
  const built = await modified(library);
  if (built === undefined) return false;
  for (const file of ["Cargo.toml", "Cargo.lock", "build.rs"]) {
    if ((await modified(new URL(file, crate)) ?? Infinity) > built) return false;
  }
  return await newest(new URL("src/", crate)) <= built;
}

async function newest(folder: URL): Promise<number> {
  let latest = 0;
  for await (const entry of Deno.readDir(folder)) {
    const url = new URL(entry.isDirectory ? `${entry.name}/` : entry.name, folder);
    const time = entry.isDirectory ? await newest(url) : await modified(url) ?? Infinity;
    latest = Math.max(latest, time);
  }
  return latest;
}

async function modified(url: URL): Promise<number | undefined> {
  try {
    return (await Deno.stat(url)).mtime?.getTime();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function hasCargo(): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("cargo", {
      args: ["--version"],
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Runs cargo, whose progress is seen as it goes; returns its exit code. */
async function build(): Promise<number> {
  const child = new Deno.Command("cargo", {
    args: ["build", "--release", "--locked", "--lib"],
    cwd: crate,
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  const { code } = await child.status;
  if (code === 0) console.error(`Native library: ${fileURLToPath(library)}`);
  return code;
}
