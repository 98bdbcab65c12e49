/** The places of a native library, in the order in which they are tried. @module */

import { fileURLToPath } from "./node_builtins.ts";

/** The environment variable that names a library. */
export const LIBRARY_VARIABLE = "RINGLINE_NATIVE";

/** Returns the library that cargo built beside this module, if this module is a local file. */
export function localBuild(moduleUrl: string = import.meta.url): string | undefined {
  if (!moduleUrl.startsWith("file:")) return undefined;
  const url = new URL(`../../native/target/release/${libraryFileName()}`, moduleUrl);
  return fileURLToPath(url);
}

/** Returns the file name of the native library on this system. */
export function libraryFileName(os: string = Deno.build.os): string {
  if (os === "windows") return "ringline_audio.dll";
  return os === "darwin" ? "libringline_audio.dylib" : "libringline_audio.so";
}

/** Returns an environment variable, if reading it is permitted already: never prompts. */
export function variable(name: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) : undefined;
}

/** Whether a permission is granted already: never prompts. */
export function granted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}
