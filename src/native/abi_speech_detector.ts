/** A detector of speech behind the ABI. @module */

import type { KernelSpeechDetector } from "../audio/kernel.ts";
import { int16Length } from "../audio/typed_arrays.ts";
import type { AbiExports } from "./abi_exports.ts";
import { fail } from "./status.ts";

/** The network of one stream, in the native library or the WASM module. */
export class AbiSpeechDetector implements KernelSpeechDetector {
  readonly #abi: AbiExports;
  readonly #forgotten: FinalizationRegistry<number>;
  readonly #handle: number;
  readonly #probability = new Float32Array(1);
  #disposed = false;

  constructor(abi: AbiExports, forgotten: FinalizationRegistry<number>) {
    const info = new Uint32Array(1);
    const status = abi.newDetector(info);
    if (status < 0) fail(status, "detector");
    this.#abi = abi;
    this.#forgotten = forgotten;
    this.#handle = info[0]!;
    forgotten.register(this, this.#handle, this);
  }

  process(samples: Int16Array): number {
    this.#assertOpen();
    const length = int16Length(samples, "samples");
    const status = this.#abi.detect(this.#handle, samples, length, this.#probability);
    return status >= 0 ? this.#probability[0]! : fail(status, "samples");
  }

  reset(): void {
    this.#assertOpen();
    const status = this.#abi.resetDetector(this.#handle);
    if (status < 0) fail(status, "detector");
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#forgotten.unregister(this);
    this.#abi.freeDetector(this.#handle);
  }

  #assertOpen(): void {
    if (this.#disposed) throw new TypeError("detector: expected an open one, this is disposed");
  }
}
