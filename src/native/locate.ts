/** Where a native library may lie, in the order in which it is tried. @module */

import { libraryFileName } from "./target.ts";

/** A library that may be opened. */
export interface Candidate {
  readonly path: string;
  /** Where it comes from, in a few words. */
  readonly origin: string;
}

/** The environment variable that names a library. */
export const LIBRARY_VARIABLE = "RINGLINE_NATIVE";

/** The library that cargo has built beside this module, when this module is a local file. */
export function localBuild(moduleUrl: string = import.meta.url): string | undefined {
  if (!moduleUrl.startsWith("file:")) return undefined;
  const url = new URL(`../../native/target/release/${libraryFileName()}`, moduleUrl);
  return pathOf(url);
}

/** A file URL as a path of this system. */
export function pathOf(url: URL): string {
  const path = decodeURIComponent(url.pathname);
  return Deno.build.os === "windows" ? path.slice(1).replaceAll("/", "\\") : path;
}

/** The value of an environment variable, if reading it is allowed already: never asks. */
export function variable(name: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) : undefined;
}

/** Whether a permission is there already: never asks. */
export function granted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}
