/**
 * Installs the native audio library for this machine, once, into the user's cache:
 *
 * ```sh
 * deno run -A jsr:@ringline/edge/install
 * ```
 *
 * It downloads a library whose SHA-256 is in this package's source, or builds one from the sources
 * in this package with cargo. Everything works without it: then the WASM module in the package
 * runs, slower. Nothing is ever downloaded or built on import.
 *
 * Permissions, if you prefer to name them: `--allow-env=HOME,XDG_CACHE_HOME,RINGLINE_CACHE`,
 * `--allow-read` and `--allow-write` of the cache and the temporary folder, `--allow-run=cargo`, and
 * `--allow-net` of where the package or the library comes from. With `--allow-ffi` the library is also
 * opened once, which shows whether this system can load it.
 *
 * @module
 */
import { installNative } from "./native/install.ts";

export {
  InstallError,
  installNative,
  type InstallOptions,
  type Prebuilt,
} from "./native/install.ts";
import { messageOf } from "./events/error_text.ts";
export type { Manifest } from "./native/cache.ts";

const USAGE = `usage: install

Installs the native audio library for this machine into the user's cache (RINGLINE_CACHE names another).`;

if (import.meta.main) {
  const [argument] = Deno.args;
  if (argument !== undefined) {
    const isHelp = argument === "--help" || argument === "-h";
    if (isHelp) console.log(USAGE);
    else console.error(`install: expected no arguments, got ${argument}\n\n${USAGE}`);
    Deno.exit(isHelp ? 0 : 2);
  }
  try {
    const { path, manifest } = await installNative();
    console.log(`Native audio library (${manifest.target}, ${manifest.source}):\n${path}`);
    console.log("It is used by every program that may read it and has --allow-ffi.");
  } catch (error) {
    console.error(`Not installed: ${messageOf(error)}`);
    Deno.exitCode = 1;
  }
}
