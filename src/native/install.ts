/** Installs a native library into the user's cache, for `./install`. @module */

import { assertOptions } from "../audio/arguments.ts";
import { type Cached, cacheFiles, cacheFolder, type Manifest, useCached } from "./cache.ts";
import { granted, libraryFileName } from "./locate.ts";
import { checkLibrary } from "./native_kernel.ts";
import { builtFromSources, type Prebuilt, prebuilts } from "./prebuilts.ts";
import { sha256 } from "./node_builtins.ts";
import { sources } from "./sources.ts";
import { ABI_VERSION } from "./symbols.ts";

export type { Prebuilt } from "./prebuilts.ts";

/** The oldest Rust that builds the crate: `rust-version` of its Cargo.toml. */
const RUST = "1.87";

/** Options of {@linkcode installNative}. */
export interface InstallOptions {
  /** The folder to install into. Default the user's cache. */
  folder?: string;
  /** The folder of the crate's sources. Default in this package. */
  crate?: URL;
  /** The libraries that may be downloaded. Default {@linkcode prebuilts}. */
  prebuilts?: Readonly<Record<string, Prebuilt>>;
  /** Takes a line for each step. Default `console.error`. */
  logger?: (line: string) => void;
}

/** An installation that failed, with a reason for people to read. */
export class InstallError extends Error {
  /** Distinguishes it from other errors. */
  override name = "InstallError";
}

/**
 * Downloads the native library for this machine, or builds it with cargo, verifies it and puts it
 * where `loadKernel` finds it. Leaves a valid library of this version alone, and replaces any other.
 * Where `--allow-ffi` is granted it also opens the library once: a download with the right bytes may
 * still not load on this system, and is then built here.
 *
 * @returns the library's path and its manifest
 * @throws {InstallError} naming what is missing
 */
export async function installNative(
  options: InstallOptions = {},
): Promise<{ path: string; manifest: Manifest }> {
  const names: Readonly<Record<keyof InstallOptions, true>> = {
    folder: true,
    crate: true,
    prebuilts: true,
    logger: true,
  };
  assertOptions(options, names, "an object like { folder }, or nothing");
  const { folder = cacheFolder(), crate = new URL("../../native/", import.meta.url) } = options;
  const { logger = console.error, prebuilts: known = prebuilts } = options;
  if (folder === undefined) {
    throw new InstallError("no folder for it: allow the environment (--allow-env) or name one");
  }
  const found = usable(folder, known);
  if ("path" in found) {
    logger(`already there: ${found.path}`);
    return found;
  }
  logger(`installed library: ${found.reason}`);

  const prebuilt = known[Deno.build.target];
  if (prebuilt !== undefined) {
    await store(folder, await download(prebuilt, logger), prebuilt.url);
    const fetched = usable(folder, known);
    if ("path" in fetched) {
      logger(`installed: ${fetched.path}`);
      return fetched;
    }
    logger(`downloaded library: ${fetched.reason}`);
  }
  await store(folder, await build(crate, logger), builtFromSources());
  const built = usable(folder, known);
  if ("reason" in built) throw new InstallError(`the built library is unusable: ${built.reason}`);
  logger(`installed: ${built.path}`);
  return built;
}

/** Returns the library in `folder`, if it can also be opened where that is permitted. */
function usable(folder: string, known: Readonly<Record<string, Prebuilt>>): Cached {
  return useCached<Cached>(
    (cached, loadPath) => {
      if (!granted({ name: "ffi", path: cached.path })) return cached;
      try {
        checkLibrary(loadPath());
        return cached;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        return { reason: `it cannot be opened (${message})` };
      }
    },
    folder,
    known,
  );
}

async function download(
  prebuilt: Prebuilt,
  logger: (line: string) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  logger(`downloading ${prebuilt.url}`);
  const response = await fetch(prebuilt.url);
  if (!response.ok) throw new InstallError(`${prebuilt.url}: ${response.status}`);
  const library = new Uint8Array(await response.arrayBuffer());
  const hash = sha256(library);
  if (hash !== prebuilt.sha256) {
    throw new InstallError(
      `${prebuilt.url}: expected SHA-256 ${prebuilt.sha256}, got ${hash}: not installed`,
    );
  }
  return library;
}

/** Builds the crate in its own folder: it never writes into a package's files. */
async function build(crate: URL, logger: (line: string) => void): Promise<Uint8Array<ArrayBuffer>> {
  const folder = await Deno.makeTempDir({ prefix: "ringline" });
  try {
    for (const [name, hash] of Object.entries(sources)) {
      const bytes = await read(new URL(name, crate));
      if (sha256(bytes) !== hash) {
        throw new InstallError(`${name}: not the file that belongs to this version`);
      }
      const path = `${folder}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeFile(path, bytes);
    }
    logger("building with cargo ...");
    await cargo(folder);
    return await Deno.readFile(`${folder}/target/release/${libraryFileName()}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function read(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  if (url.protocol === "file:") return await Deno.readFile(url);
  const response = await fetch(url);
  if (!response.ok) throw new InstallError(`${url}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function cargo(folder: string): Promise<void> {
  let child;
  try {
    child = new Deno.Command("cargo", {
      args: ["build", "--release", "--locked", "--lib", "--target-dir", "target"],
      cwd: folder,
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new InstallError(
      `cargo is missing: install Rust ${RUST} or newer from https://rustup.rs or your system's packages`,
      { cause },
    );
  }
  const { code } = await child.status;
  if (code !== 0) {
    throw new InstallError(`cargo failed with exit code ${code}: it needs Rust ${RUST} or newer`);
  }
}

/** Writes the library first and the manifest last, and moves each into place whole. */
async function store(folder: string, library: Uint8Array, source: string): Promise<void> {
  const manifest: Manifest = {
    abi: ABI_VERSION,
    target: Deno.build.target,
    sha256: sha256(library),
    source,
  };
  // Others who may write there could have programs load their library.
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const files = cacheFiles(folder);
  const text = new TextEncoder().encode(JSON.stringify(manifest, null, 2) + "\n");
  await remove(files.manifest);
  for (const [path, bytes] of [[files.library, library], [files.manifest, text]] as const) {
    const part = `${path}.${crypto.randomUUID()}`;
    await Deno.writeFile(part, bytes, { mode: 0o644 });
    await Deno.rename(part, path);
  }
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
