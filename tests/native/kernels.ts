/** Every kernel that this machine can run, beside the oracle. */

import type { AudioKernel } from "../../src/audio/kernel.ts";
import { typescriptKernel } from "../../src/audio/typescript_kernel.ts";
import { localBuild } from "../../src/native/locate.ts";
import { openNativeKernel } from "../../src/native/native_kernel.ts";
import { isaNames } from "../../src/native/symbols.ts";
import { wasmKernel } from "../../src/native/wasm_kernel.ts";

/** The path of the library that the test command has built; where cargo is missing there is none. */
export const library: string | undefined = findLibrary();

/** What is measured against. */
export const oracle: AudioKernel = typescriptKernel();

/** The native kernel with the best instructions. */
export const nativeKernel: AudioKernel | undefined = library && openNativeKernel(library) ||
  undefined;

type NamedKernel = readonly [name: string, kernel: AudioKernel];
let opened: readonly NamedKernel[] | undefined;

/** Returns the native kernel with each instruction set that this machine has, and the WASM kernel. */
export function rustKernels(): readonly NamedKernel[] {
  return opened ??= [...openKernels()];
}

function* openKernels(): Generator<NamedKernel> {
  yield ["wasm", wasmKernel()];
  if (library === undefined) return;
  for (const isa of Object.values(isaNames)) {
    let kernel;
    try {
      kernel = openNativeKernel(library, { isa });
    } catch {
      continue; // Another machine's.
    }
    yield [isa, kernel];
  }
}

function findLibrary(): string | undefined {
  const path = localBuild()!;
  try {
    return Deno.statSync(path).isFile ? path : undefined;
  } catch {
    return undefined;
  }
}
