/**
 * The native and the WASM kernel, and the choice between them.
 *
 * @module
 */
export { loadKernel, type LoadKernelOptions } from "./load.ts";
