/** Where a native library may lie, in the order in which it is tried. @module */

import { fileURLToPath } from "./node_builtins.ts";

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
  return fileURLToPath(url);
}

/** The file name of the native library on this system. */
export function libraryFileName(os: string = Deno.build.os): string {
  if (os === "windows") return "ringline_audio.dll";
  return os === "darwin" ? "libringline_audio.dylib" : "libringline_audio.so";
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
