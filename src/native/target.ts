/** What this machine is called, and a library on it. @module */

/** The file name of the native library on this system. */
export function libraryFileName(os: string = Deno.build.os): string {
  if (os === "windows") return "ringline_audio.dll";
  return os === "darwin" ? "libringline_audio.dylib" : "libringline_audio.so";
}
