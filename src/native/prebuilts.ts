/** What a library of this version of the package comes from. @module */

import { sha256 } from "./node_builtins.ts";
import { sources } from "./sources.ts";

/** A library that was built elsewhere, and the hash without which it is not taken. */
export interface Prebuilt {
  /** Where it is. */
  url: string;
  /** Its SHA-256, in hex. */
  sha256: string;
}

/**
 * The libraries of this version by `Deno.build.target`. Empty in the repository, where the library
 * is built on the machine itself: the release workflow enters what it has built into what it
 * publishes (`scripts/prebuilts.ts`).
 */
export const prebuilts: Readonly<Record<string, Prebuilt>> = {};

/** What the manifest of a library says that was built from this package's sources. */
export function builtFromSources(): string {
  const hash = sha256(new TextEncoder().encode(JSON.stringify(sources))).slice(0, 16);
  return `built from sources ${hash}`;
}
