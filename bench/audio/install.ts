/**
 * Gets contenders into a folder of their own outside the project: Debian's libraries unpacked
 * beside the system's, Python's in an environment. It changes nothing of the machine.
 *
 * @module
 */
import { progress } from "../lib/progress.ts";
import { fileURLToPath } from "node:url";
import { exists } from "../../scripts/lib/files.ts";

const folder = (Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME") ?? "/tmp"}/.cache`) +
  "/ringline-bench";

const libraries = new Map<string, Promise<string>>();

/** The path of a Debian package's shared library; rejects, saying why, where there is none. */
export function debianLibrary(name: string): Promise<string> {
  let path = libraries.get(name);
  if (path === undefined) {
    path = findOrUnpack(name);
    libraries.set(name, path);
  }
  return path;
}

async function findOrUnpack(name: string): Promise<string> {
  // libsoxr0 is libsoxr.so.0
  const [, stem, version] = name.match(/^(\D+)(\d+)$/)!;
  const file = `${stem}.so.${version}`;
  const triplet = `${Deno.build.arch}-linux-gnu`;
  for (const root of ["", folder]) {
    const path = `${root}/usr/lib/${triplet}/${file}`;
    if (await exists(path)) return await loadDependencies(name, path);
  }
  await unpack(name);
  const path = `${folder}/usr/lib/${triplet}/${file}`;
  if (!await exists(path)) throw new Error(`${name} has no ${file}`);
  return await loadDependencies(name, path);
}

/** What is not on the system's path has to be loaded before what needs it. */
async function loadDependencies(name: string, path: string): Promise<string> {
  if (name === "libsoxr0") Deno.dlopen(await debianLibrary("libgomp1"), {});
  return path;
}

async function unpack(name: string): Promise<void> {
  progress(`fetching ${name}`);
  await Deno.mkdir(folder, { recursive: true });
  if (!await run("apt-get", ["download", "-qq", name])) {
    await run("apt-get", ["update", "-qq"]);
    if (!await run("apt-get", ["download", "-qq", name])) {
      throw new Error(`apt-get has no ${name}`);
    }
  }
  for await (const entry of Deno.readDir(folder)) {
    if (entry.name.startsWith(`${name}_`)) await run("dpkg-deb", ["-x", entry.name, "."]);
  }
}

const crates = new Map<string, Promise<string>>();

/** The library of the crate in a folder, built outside the project; rejects where cargo cannot. */
export function cargoLibrary(crate: URL): Promise<string> {
  let path = crates.get(crate.href);
  if (path === undefined) {
    path = buildCrate(crate);
    crates.set(crate.href, path);
  }
  return path;
}

async function buildCrate(crate: URL): Promise<string> {
  const manifest = fileURLToPath(new URL("Cargo.toml", crate));
  const target = `${folder}/cargo`;
  progress(`building ${manifest}`);
  await Deno.mkdir(folder, { recursive: true });
  const options = ["--release", "--locked", "--manifest-path", manifest, "--target-dir", target];
  if (!await run("cargo", ["build", ...options])) throw new Error(`cargo cannot build ${manifest}`);
  const [, name] = (await Deno.readTextFile(manifest)).match(/^name = "(.*)"$/m)!;
  return `${target}/release/lib${name!.replaceAll("-", "_")}.so`;
}

/** A Python with soxr, PyAV and numpy; rejects where there is none. */
export async function pythonWithContenders(): Promise<string> {
  const environment = `${folder}/python`;
  const python = `${environment}/bin/python`;
  const packages = ["numpy==2.4.6", "av==18.1.0", "soxr==1.1.0"];
  if (!await run(python, ["-c", "import numpy, av, soxr"])) {
    progress(`fetching ${packages.join(", ")}`);
    await Deno.mkdir(folder, { recursive: true });
    const made = await run("python3", ["-m", "venv", environment]) &&
      await run(python, ["-m", "pip", "install", "-q", ...packages]);
    if (!made) throw new Error(`python3 -m venv and pip cannot get ${packages.join(", ")}`);
  }
  return python;
}

async function run(command: string, args: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, {
      args,
      cwd: await exists(folder) ? folder : undefined,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch {
    return false;
  }
}
