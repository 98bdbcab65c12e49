/** The origins of a library of this version of the package. @module */

import { sha256 } from "./node_builtins.ts";
import { sources } from "./sources.ts";

/** A library that was built elsewhere, and the hash it must have. */
export interface Prebuilt {
  /** Its address. */
  url: string;
  /** Its SHA-256, in hex. */
  sha256: string;
}

/**
 * The libraries of this version by `Deno.build.target`. Empty in the repository, where the machine
 * builds the library itself: the release workflow enters the libraries that it has built into the
 * published package (`scripts/prebuilts.ts`).
 */
export const prebuilts: Readonly<Record<string, Prebuilt>> = {};

/** Returns the manifest's `source` of a library that was built from this package's sources. */
export function builtFromSources(): string {
  const hash = sha256(new TextEncoder().encode(JSON.stringify(sources))).slice(0, 16);
  return `built from sources ${hash}`;
}
