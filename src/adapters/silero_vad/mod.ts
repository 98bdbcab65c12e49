/**
 * Silero's voice activity detection on ONNX Runtime's WASM, as it was published: v6, v5 or a model of
 * one's own; 1 ms for each 32 ms of a speaker. Importing it downloads the models and the runtime, which
 * need `--allow-read`. The agent's default, `neuralVad()`, is v6 inside the audio library.
 *
 * @example
 * ```ts
 * import { sileroVad } from "@ringline/silero-vad";
 *
 * const vad = sileroVad();
 * console.log(vad.name); // silero-vad
 * ```
 *
 * @module
 */
import { setImmediate } from "node:timers/promises";
import * as ort from "onnxruntime-web/wasm";
import { InferenceError, type PcmChunk, type VAD, type VadStream } from "@ringline/edge";
import { Resampler, typescriptKernel } from "@ringline/edge/audio";
import { checkOptions, messageOf } from "@ringline/edge/toolkit";

/** Options for {@linkcode sileroVad}. */
export interface SileroVadOptions {
  /** The model's version. Default 6. */
  version?: 5 | 6;
  /** Another model instead, as a file or its bytes. */
  model?: URL | Uint8Array;
}

const RATE = 16_000;
/** The model's input: 32 ms, and the 4 ms before them. */
const FRAME = 512;
const CONTEXT = 64;
const STATE = 2 * 128;

/** Returns Silero's detector as a {@linkcode VAD}. */
export function sileroVad(options: SileroVadOptions = {}): VAD {
  checkOptions(options, "options", { version: true, model: true }, "an object, or nothing");
  const { version = 6 } = options;
  if (version !== 5 && version !== 6) {
    throw new TypeError(`options.version: expected 5 or 6, got ${String(version)}`);
  }
  return new SileroVad(options);
}

class SileroVad implements VAD {
  readonly name = "silero-vad";
  readonly #options: SileroVadOptions;
  #agents = 0;
  #loading: Promise<ort.InferenceSession> | undefined;
  #session: ort.InferenceSession | undefined;
  #frames = 0;

  constructor(options: SileroVadOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#agents++;
    const loading = this.#loading ??= this.#load();
    try {
      this.#session = await loading;
    } catch (cause) {
      this.#agents--;
      if (this.#loading === loading) this.#loading = undefined;
      const reason = messageOf(cause);
      throw new InferenceError(`silero-vad: the model cannot be loaded: ${reason}`, {
        code: "model-unavailable",
        cause,
      });
    }
  }

  async close(): Promise<void> {
    if (this.#agents > 0 && --this.#agents > 0) return;
    const session = this.#session;
    this.#session = this.#loading = undefined;
    await session?.release();
  }

  metrics(): Readonly<Record<string, number>> {
    return { frames: this.#frames };
  }

  async #load(): Promise<ort.InferenceSession> {
    const model = this.#options.model ?? await shippedModel(this.#options.version ?? 6);
    // More threads mean workers, for a model that takes 1 ms.
    ort.env.wasm.numThreads = 1;
    const bytes = model instanceof Uint8Array ? model : await fetchBytes(model);
    return await keepingWorker(() =>
      ort.InferenceSession.create(bytes, { executionProviders: ["wasm"], logSeverityLevel: 3 })
    );
  }

  open({ sampleRate }: { readonly sampleRate: number }): VadStream {
    return new SileroStream(sampleRate, async (feeds) => {
      const session = this.#session;
      if (!session) throw new TypeError("silero-vad: expected a started detector");
      this.#frames++;
      const result = await session.run(feeds);
      // The runtime never waits: a stream that catches up would keep timers, sockets and signals
      // from their turn.
      await setImmediate();
      return result;
    });
  }
}

type Run = (feeds: ort.InferenceSession.FeedsType) => Promise<ort.InferenceSession.ReturnType>;

/** The stream of one speaker. */
class SileroStream implements VadStream {
  readonly #run: Run;
  readonly #resampler: Resampler;
  readonly #input = new Float32Array(CONTEXT + FRAME);
  readonly #rate = new ort.Tensor("int64", BigInt64Array.of(BigInt(RATE)), []);
  #state: ort.Tensor = new ort.Tensor("float32", new Float32Array(STATE), [2, 1, 128]);
  #converted = new Int16Array(0);
  #filled = 0;
  #probability = 0;

  constructor(sampleRate: number, run: Run) {
    this.#run = run;
    this.#resampler = new Resampler(typescriptKernel(), {
      inputRate: sampleRate,
      outputRate: RATE,
    });
  }

  process(pcm: PcmChunk): number | Promise<number> {
    const room = this.#resampler.maxOutputFrames(pcm.frames, pcm.sampleRate);
    if (this.#converted.length < room) this.#converted = new Int16Array(room);
    const made = this.#resampler.process(pcm, this.#converted);
    return this.#take(this.#converted.subarray(0, made));
  }

  [Symbol.dispose](): void {
    this.#resampler[Symbol.dispose]();
  }

  /** Returns no promise where it completes no frame: 3 of 8 times at 20 ms. */
  #take(samples: Int16Array): number | Promise<number> {
    const count = Math.min(samples.length, FRAME - this.#filled);
    for (let n = 0; n < count; n++) {
      this.#input[CONTEXT + this.#filled + n] = samples[n]! / 32_768;
    }
    this.#filled += count;
    if (this.#filled < FRAME) return this.#probability;
    return this.#detect().then((probability) =>
      count < samples.length ? this.#take(samples.subarray(count)) : probability
    );
  }

  async #detect(): Promise<number> {
    const input = new ort.Tensor("float32", this.#input.slice(), [1, CONTEXT + FRAME]);
    this.#input.copyWithin(0, FRAME);
    this.#filled = 0;
    const { output, stateN } = await this.#run({ input, state: this.#state, sr: this.#rate });
    this.#state = stateN as ort.Tensor;
    return this.#probability = (output!.data as Float32Array)[0]!;
  }
}

/**
 * Loads the runtime, and keeps the global `Worker`: the runtime takes Deno for Node and would replace
 * it with Node's, and the program's own workers would receive no more messages.
 */
async function keepingWorker<T>(load: () => Promise<T>): Promise<T> {
  const { Worker } = globalThis;
  const set = (descriptor: PropertyDescriptor) =>
    Object.defineProperty(globalThis, "Worker", { ...descriptor, configurable: true });
  set({ get: () => Worker, set: () => {} });
  try {
    return await load();
  } finally {
    set({ value: Worker, writable: true });
  }
}

/** Returns the address of a model in the package `@ricky0123/vad-web` (ISC). */
async function shippedModel(version: 5 | 6): Promise<URL> {
  // The import installs the package; only then does its path resolve. JSR rewrites a published
  // module's imports, but not this string: so it names the version itself.
  await import("npm:@ricky0123/vad-web@0.0.31/package.json", { with: { type: "json" } });
  const file = `npm:@ricky0123/vad-web@0.0.31/dist/silero_vad_v${version}.onnx`;
  return new URL(import.meta.resolve(file));
}

async function fetchBytes(url: URL): Promise<Uint8Array> {
  if (url.protocol === "file:") return await Deno.readFile(url);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.origin} responded with ${response.status}`);
  return await response.bytes();
}
