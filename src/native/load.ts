/** Loads the audio kernel, and says which one runs and why. @module */

import type { AudioKernel } from "../audio/kernel.ts";
import { typescriptKernel } from "../audio/typescript_kernel.ts";
import { useCached } from "./cache.ts";
import { granted, LIBRARY_VARIABLE, localBuild, variable } from "./locate.ts";
import { openNativeKernel } from "./native_kernel.ts";
import { wasmKernel } from "./wasm_kernel.ts";
import { assertOptions } from "../audio/arguments.ts";

/** Options of {@linkcode loadKernel}. */
export interface LoadKernelOptions {
  /** A native library to try first. Default the environment variable `RINGLINE_NATIVE`. */
  path?: string;
  /**
   * Takes the one line that says which kernel runs and why. By default the line goes to
   * `console.warn`, and only when the kernel is not the expected native one.
   */
  logger?: (line: string) => void;
}

const kernels = new Map<string | undefined, AudioKernel>();

/**
 * Returns the fastest kernel that the machine and the permissions allow: a native library (the named
 * one, the local build, the installed one, in this order), else the WASM module in this package,
 * else TypeScript. {@linkcode AudioKernel.name} and {@linkcode AudioKernel.detail} say which and why, and
 * one line says it once.
 *
 * It opens nothing before the first call, and never prompts, downloads or builds: without
 * `--allow-ffi` the WASM module runs, which needs no permission. It keeps the kernel, so that later
 * calls are free.
 *
 * @example
 * ```ts
 * import { loadKernel, Resampler } from "@ringline/edge/audio";
 *
 * const kernel = loadKernel();
 * console.log(kernel.name, kernel.detail);
 * using resampler = new Resampler(kernel, { inputRate: 48_000, outputRate: 16_000 });
 * ```
 */
export function loadKernel(options: LoadKernelOptions = {}): AudioKernel {
  const known: Readonly<Record<keyof LoadKernelOptions, true>> = { path: true, logger: true };
  assertOptions(options, known, "an object like { path }, or nothing");
  const { path, logger } = options;
  let kernel = kernels.get(path);
  if (kernel === undefined) {
    kernel = findKernel(path);
    kernels.set(path, kernel);
    const line = `audio kernel: ${kernel.name} (${kernel.detail})`;
    if (logger !== undefined) logger(line);
    else if (kernel.name !== "native" || kernel.detail.includes("; not ")) console.warn(line);
  }
  return kernel;
}

function findKernel(path: string | undefined): AudioKernel {
  const reasons: string[] = [];
  const native = findNative(path, reasons);
  if (native !== undefined) return native;
  const why = `not native: ${reasons.join("; ")}`;
  try {
    return wasmKernel(`simd128; ${why}`);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return typescriptKernel(`f64; ${why}; no WASM: ${message}`);
  }
}

function findNative(path: string | undefined, reasons: string[]): AudioKernel | undefined {
  if (path !== undefined) {
    const kernel = open(path, "the path given", reasons);
    if (kernel !== undefined) return kernel;
  }
  const named = variable(LIBRARY_VARIABLE);
  if (named) {
    const kernel = open(named, LIBRARY_VARIABLE, reasons);
    if (kernel !== undefined) return kernel;
  }
  const built = localBuild();
  if (built !== undefined) {
    const kernel = open(built, "local build", reasons);
    if (kernel !== undefined) return kernel;
  }
  const installed = useCached<AudioKernel | undefined>((cached, loadPath) =>
    open(cached.path, "installed library", reasons, loadPath)
  );
  if (installed === undefined || !("reason" in installed)) return installed;
  reasons.push(`installed library: ${installed.reason}`);
  return undefined;
}

function open(
  path: string,
  origin: string,
  reasons: string[],
  loadPath = () => path,
): AudioKernel | undefined {
  if (!granted({ name: "ffi", path })) {
    reasons.push(`${origin}: --allow-ffi is not granted`);
    return undefined;
  }
  if (granted({ name: "read", path }) && !exists(path)) {
    reasons.push(`${origin}: there is no file ${path}`);
    return undefined;
  }
  try {
    // Never silent: the line names an unusable library even where another one is found.
    return openNativeKernel(loadPath(), { origin: [origin, ...reasons].join("; not ") });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    reasons.push(`${origin}: ${message.includes(path) ? message : `${path}: ${message}`}`);
    return undefined;
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
