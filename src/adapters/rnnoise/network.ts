/** RNNoise's network in WASM, as the npm package `@shiguredo/rnnoise-wasm` carries it. @module */
import { InferenceError } from "@ringline/edge";

/** Samples of a frame: 10 ms at 48 kHz. */
export const FRAME = 480;

/** What the module exports, as far as it is used. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  __wasm_call_ctors(): void;
  malloc(bytes: number): number;
  free(pointer: number): void;
  rnnoise_create(model: number): number;
  rnnoise_destroy(state: number): void;
  rnnoise_process_frame(state: number, output: number, input: number): number;
}

/** The network at work on one stream. */
export interface Denoiser extends Disposable {
  /** Removes the noise from 10 ms, in place: samples as large as 16 bits have them, 10 ms late. */
  process(frame: Float32Array): void;
}

/** An instance of the network, whose streams share its memory and nothing else. */
export class RnnoiseNetwork {
  readonly #exports: Exports;
  /** The frame that goes in and comes out. */
  readonly #frame: number;

  /** Returns an instance of the module in these bytes. */
  static async load(bytes: Uint8Array<ArrayBuffer>): Promise<RnnoiseNetwork> {
    let network: RnnoiseNetwork | undefined;
    const memory = () => network!.#exports.memory;
    const env = {
      emscripten_memcpy_big: (to: number, from: number, length: number) => {
        new Uint8Array(memory().buffer).copyWithin(to, from, from + length);
      },
      emscripten_resize_heap: (bytes: number) => {
        try {
          memory().grow(Math.ceil((bytes - memory().buffer.byteLength) / 65_536));
          return 1;
        } catch {
          return 0;
        }
      },
      __assert_fail: () => {
        throw new Error("rnnoise: an assertion of the network failed");
      },
    };
    const { instance } = await WebAssembly.instantiate(bytes, { env });
    return network = new RnnoiseNetwork(instance.exports as unknown as Exports);
  }

  private constructor(exports: Exports) {
    this.#exports = exports;
    exports.__wasm_call_ctors();
    this.#frame = exports.malloc(4 * FRAME);
  }

  /** How much memory all its streams together have had so far. */
  get memoryBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  /**
   * Opens a stream.
   *
   * @throws {InferenceError} there is no memory for another one.
   */
  open(): Denoiser {
    const exports = this.#exports;
    let state = exports.rnnoise_create(0);
    if (state === 0) {
      throw new InferenceError("rnnoise: no memory for another stream", { code: "out-of-memory" });
    }
    const pointer = this.#frame;
    return {
      process: (frame) => {
        // A new view: another stream may have made the memory grow.
        const shared = new Float32Array(exports.memory.buffer, pointer, FRAME);
        shared.set(frame);
        exports.rnnoise_process_frame(state, pointer, pointer);
        frame.set(shared);
      },
      [Symbol.dispose]: () => {
        if (state !== 0) exports.rnnoise_destroy(state);
        state = 0;
      },
    };
  }
}
