/** The kernel in the native library. @module */

import type { AudioKernel } from "../audio/kernel.ts";
import { AbiKernel } from "./abi.ts";
import type { AbiExports } from "./abi_exports.ts";
import { ABI_VERSION, isaNames, symbols } from "./symbols.ts";

/** A library that cannot be used, with a reason for people to read. */
export class UnusableLibraryError extends Error {
  override name = "UnusableLibraryError";
}

/** Options of {@linkcode openNativeKernel}. */
export interface OpenNativeKernelOptions {
  /** Where it comes from, for `kernel.detail`. */
  origin?: string;
  /** One of the names of `isaNames`: to measure or test another than the best. */
  isa?: string;
}

/**
 * Opens a library and keeps it open: a call into one that was closed would be a crash.
 *
 * @throws {UnusableLibraryError} it cannot be loaded or has another version of the ABI
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
  return new AbiKernel("native", detail, abiOf(library, isa));
}

/**
 * Opens a library and closes it again, before any caller could use it.
 *
 * @throws {UnusableLibraryError} as {@linkcode openNativeKernel} would
 */
export function checkLibrary(path: string): void {
  checkAbiVersion(path).close();
  dlopen(path, symbols).close();
}

/** Loads the version alone: an older library may lack the symbols of a newer ABI. */
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

const nothing = new Int16Array(0);

/** Returns an array as the ABI takes it. An empty one has no address: it would seem to overlap. */
function addressable(
  array: Int16Array | Float32Array,
  length: number,
): ArrayBufferView<ArrayBuffer> {
  return (length === 0 ? nothing : array) as ArrayBufferView<ArrayBuffer>;
}

function abiOf(
  library: Deno.DynamicLibrary<typeof symbols>["symbols"],
  isa: number,
): AbiExports {
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
    process: (handle, input, inputLength, output, outputLength, offset) =>
      library.rl_resampler_process(
        handle,
        addressable(input, inputLength),
        inputLength,
        addressable(output, outputLength),
        outputLength,
        offset,
      ),
    flush: (handle, output, outputLength, offset) =>
      library.rl_resampler_flush(
        handle,
        addressable(output, outputLength),
        outputLength,
        offset,
      ),
    history: (handle, output, room) =>
      library.rl_resampler_history(handle, addressable(output, room), room),
    reset: library.rl_resampler_reset,
    free: library.rl_resampler_free,
    newDetector: (info) => library.rl_detector_new(info as Uint32Array<ArrayBuffer>, info.length),
    detect: (handle, samples, samplesLength, probability) =>
      library.rl_detector_process(
        handle,
        addressable(samples, samplesLength),
        samplesLength,
        probability as Float32Array<ArrayBuffer>,
        probability.length,
      ),
    resetDetector: library.rl_detector_reset,
    freeDetector: library.rl_detector_free,
    mix: (
      block,
      blockLength,
      count,
      frames,
      out,
      outLength,
      listeners,
      gains,
      gainsLength,
      previousGains,
      previousGainsLength,
    ) =>
      library.rl_mix(
        isa,
        addressable(block, blockLength),
        blockLength,
        count,
        frames,
        addressable(out, outLength),
        outLength,
        listeners,
        addressable(gains, gainsLength),
        gainsLength,
        addressable(previousGains, previousGainsLength),
        previousGainsLength,
      ),
  };
}
