/** The kernel in the native library. @module */

import type { AudioKernel } from "../audio/kernel.ts";
import { type Border, BorderKernel } from "./border.ts";
import { ABI_VERSION, isaNames, symbols } from "./symbols.ts";

/** A library that cannot be used, with a reason that can be shown to a person. */
export class UnusableLibraryError extends Error {
  override name = "UnusableLibraryError";
}

/** How {@linkcode openNativeKernel} opens a library. */
export interface OpenNativeKernelOptions {
  /** Where it comes from, for `kernel.detail`. */
  origin?: string;
  /** One of the names of `isaNames`: to measure or test another than the best. */
  isa?: string;
}

/**
 * Opens a library and keeps it open: a call into one that was closed would be a crash.
 *
 * @throws {UnusableLibraryError} when it cannot be loaded or speaks another version of the border
 */
export function openNativeKernel(
  path: string,
  options: OpenNativeKernelOptions = {},
): AudioKernel {
  checkAbiVersion(path);
  const library = dlopen(path, symbols).symbols;
  const wanted = Object.keys(isaNames).find((code) => isaNames[Number(code)] === options.isa);
  const code = options.isa === undefined ? 0 : Number(wanted ?? -1);
  const isa = library.rl_isa(code);
  if (isa < 0) throw new UnusableLibraryError(`this machine has no ${options.isa}`);
  const name = isaNames[isa] ?? "unknown instructions";
  const detail = options.origin === undefined ? name : `${name}, ${options.origin}`;
  return new BorderKernel("native", detail, borderOf(library, isa));
}

/**
 * Opens a library and closes it again, before anybody could have called it.
 *
 * @throws {UnusableLibraryError} as {@linkcode openNativeKernel} would
 */
export function checkLibrary(path: string): void {
  checkAbiVersion(path).close();
  dlopen(path, symbols).close();
}

/** Asked alone, since an older library may lack what a newer border has. */
function checkAbiVersion(path: string): { close(): void } {
  const library = dlopen(path, { rl_abi_version: symbols.rl_abi_version });
  const version = library.symbols.rl_abi_version();
  if (version !== ABI_VERSION) {
    library.close();
    throw new UnusableLibraryError(
      `it has ABI version ${version}, expected ${ABI_VERSION}: build it again`,
    );
  }
  return library;
}

function dlopen<S extends Deno.ForeignLibraryInterface>(
  path: string,
  wanted: S,
): Deno.DynamicLibrary<S> {
  try {
    return Deno.dlopen(path, wanted);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new UnusableLibraryError(message, { cause: error });
  }
}

function borderOf(
  library: Deno.DynamicLibrary<typeof symbols>["symbols"],
  isa: number,
): Border {
  return {
    newResampler: (inputRate, outputRate, channels, info) =>
      library.rl_resampler_new(
        isa,
        inputRate,
        outputRate,
        channels,
        info as Uint32Array<ArrayBuffer>,
        info.length,
      ),
    process: (handle, input, output, offset) =>
      library.rl_resampler_process(
        handle,
        input as Int16Array<ArrayBuffer>,
        input.length,
        output as Int16Array<ArrayBuffer>,
        output.length,
        offset,
      ),
    flush: (handle, output, offset) =>
      library.rl_resampler_flush(
        handle,
        output as Int16Array<ArrayBuffer>,
        output.length,
        offset,
      ),
    history: (handle, output) =>
      library.rl_resampler_history(handle, output as Int16Array<ArrayBuffer>, output.length),
    reset: library.rl_resampler_reset,
    free: library.rl_resampler_free,
    mix: (block, count, frames, out, listeners, gains, previousGains) =>
      library.rl_mix(
        isa,
        block as Int16Array<ArrayBuffer>,
        block.length,
        count,
        frames,
        out as Int16Array<ArrayBuffer>,
        out.length,
        listeners,
        gains as Float32Array<ArrayBuffer>,
        gains.length,
        previousGains as Float32Array<ArrayBuffer>,
        previousGains.length,
      ),
  };
}
