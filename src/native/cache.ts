/** The library that `./install` put into the user's cache, and the manifest that vouches for it. @module */

import { granted, libraryFileName, variable } from "./locate.ts";
import { builtFromSources, type Prebuilt, prebuilts } from "./prebuilts.ts";
import { sha256 } from "./node_builtins.ts";
import { type OwnFile, readOwn } from "./own_file.ts";
import { ABI_VERSION } from "./symbols.ts";

/** The manifest beside a cached library. */
export interface Manifest {
  /** The library's version of the ABI. */
  abi: number;
  /** The target it was built for, as in `Deno.build.target`. */
  target: string;
  /** The library's SHA-256, in hex. */
  sha256: string;
  /** Its origin: a download, or sources with this hash. */
  source: string;
}

/** A cached library, or why there is none that may be loaded. */
export type Cached = { path: string; manifest: Manifest } | Missing;

/** Why there is no library that may be loaded. */
export interface Missing {
  reason: string;
}

const separator = Deno.build.os === "windows" ? "\\" : "/";

/** Returns the folder of the cached library, if the environment names one. */
export function cacheFolder(): string | undefined {
  const explicit = variable("RINGLINE_CACHE");
  if (explicit) return explicit;
  const base = Deno.build.os === "windows"
    ? variable("LOCALAPPDATA")
    : variable("XDG_CACHE_HOME") || under(variable("HOME"), homeCache());
  return under(base, "ringline", `abi-${ABI_VERSION}-${Deno.build.target}`);
}

/** Returns the paths of a cached library in `folder`. */
export function cacheFiles(folder: string): { library: string; manifest: string } {
  return {
    library: folder + separator + libraryFileName(),
    manifest: folder + separator + "manifest.json",
  };
}

/**
 * Returns what `use` does with the cached library, if only this user could have put it there, and it is
 * exactly what its manifest says and belongs to this version of the package. `use` also gets a function
 * that returns a path to what was verified, whatever has the library's name by then; see
 * `OwnFile.loadPath`. Reads the whole file; never prompts for permission.
 */
export function useCached<T>(
  use: (cached: { path: string; manifest: Manifest }, loadPath: () => string) => T,
  folder: string | undefined = cacheFolder(),
  known: Readonly<Record<string, Prebuilt>> = prebuilts,
): T | Missing {
  if (folder === undefined) {
    return { reason: "its place is unknown without --allow-env=HOME,XDG_CACHE_HOME" };
  }
  const files = cacheFiles(folder);
  if (!granted({ name: "read", path: folder })) {
    return { reason: `it cannot be verified without --allow-read=${folder}` };
  }
  let text: string;
  let opened: OwnFile;
  try {
    using manifestFile = readOwn(folder, files.manifest);
    text = new TextDecoder().decode(manifestFile.bytes);
    opened = readOwn(folder, files.library);
  } catch (error) {
    if (isMissing(error)) return { reason: "nothing is installed" };
    const message = error instanceof Error ? error.message : String(error);
    return { reason: `it cannot be used (${message})` };
  }
  using library = opened;
  const result = verified(library.bytes, text, known);
  return "reason" in result
    ? result
    : use({ path: files.library, manifest: result.manifest }, library.loadPath);
}

function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || (error as { code?: unknown }).code === "ENOENT";
}

function verified(
  library: Uint8Array,
  text: string,
  known: Readonly<Record<string, Prebuilt>>,
): { manifest: Manifest } | Missing {
  const manifest = parseManifest(text);
  if (manifest === undefined) return { reason: "its manifest is damaged: run ./install again" };
  if (manifest.abi !== ABI_VERSION || manifest.target !== Deno.build.target) {
    return { reason: "it is for another version or machine: run ./install again" };
  }
  if (sha256(library) !== manifest.sha256) {
    return { reason: "it is damaged (its SHA-256 is not the manifest's): run ./install again" };
  }
  // The ABI may be the same and the code behind it older.
  const fetched = manifest.sha256 === known[Deno.build.target]?.sha256;
  if (!fetched && manifest.source !== builtFromSources()) {
    return { reason: `it is not this version's (${manifest.source}): run ./install again` };
  }
  return { manifest };
}

function parseManifest(text: string): Manifest | undefined {
  try {
    const value = JSON.parse(text);
    const valid = typeof value?.abi === "number" && typeof value.target === "string" &&
      typeof value.sha256 === "string" && typeof value.source === "string";
    return valid ? value : undefined;
  } catch {
    return undefined;
  }
}

function homeCache(): string {
  return Deno.build.os === "darwin" ? "Library/Caches" : ".cache";
}

function under(base: string | undefined, ...names: string[]): string | undefined {
  return base ? [base, ...names].join(separator) : undefined;
}
