/**
 * Turn detection by the sound of a voice: smart-turn v3.2, an open model that hears whether a sentence
 * goes on. It runs in a worker, on ONNX Runtime's WASM; a decision takes about 0.5 s of a core.
 *
 * @example
 * ```ts
 * import { smartTurn } from "@ringline/smart-turn";
 *
 * const turnDetection = smartTurn();
 * console.log(turnDetection.name); // smart-turn
 * ```
 *
 * @module
 */
import {
  type Clock,
  type ComponentContext,
  InferenceError,
  type TurnContext,
  type TurnDetector,
} from "@ringline/edge";
import { checkOptions, limitTime, messageOf, waitFor } from "@ringline/edge/toolkit";
import { withShortPause } from "./pause.ts";
import { TurnModel } from "./turn_model.ts";

/** Options for {@linkcode smartTurn}. */
export interface SmartTurnOptions {
  /** How probable the end of the turn must be for `completeMs` to count, 0 to 1. Default 0.95. */
  threshold?: number;
  /** Silence that ends a turn that sounds complete, in milliseconds. Default 600. */
  completeMs?: number;
  /** Silence that ends any other turn, in milliseconds. Default 1200. */
  openMs?: number;
  /** Another model instead, as a file, an address or its bytes. */
  model?: URL | Uint8Array;
}

/**
 * Returns smart-turn as a {@linkcode TurnDetector}. It goes by the sound alone, and is asked as soon as
 * the participant pauses, while the recogniser is still at work.
 *
 * @throws {TypeError} an option has the wrong type
 * @throws {RangeError} a number is out of range
 */
export function smartTurn(options: SmartTurnOptions = {}): TurnDetector {
  const known = { threshold: true, completeMs: true, openMs: true, model: true };
  checkOptions(options, "options", known, "an object like { openMs: 1200 }, or nothing");
  const { threshold = 0.95, completeMs = 600, openMs = 1200, model } = options;
  if (model !== undefined && !(model instanceof URL) && !(model instanceof Uint8Array)) {
    throw new TypeError(`options.model: expected a URL or a Uint8Array, got ${typeof model}`);
  }
  checkRange("threshold", threshold, 1);
  checkRange("completeMs", completeMs, 30_000);
  checkRange("openMs", openMs, 30_000);
  return new SmartTurn({ ...options, threshold, completeMs, openMs });
}

function checkRange(name: string, value: number, most: number): void {
  if (value >= 0 && value <= most) return;
  throw new RangeError(`options.${name}: expected 0 to ${most}, got ${value}`);
}

type Settings = SmartTurnOptions & { threshold: number; completeMs: number; openMs: number };

class SmartTurn implements TurnDetector {
  readonly name = "smart-turn";
  readonly needsText = false;
  readonly #options: Settings;
  #agents = 0;
  #loading: Promise<TurnModel> | undefined;
  #closing = new AbortController();
  #decisions = 0;
  #complete = 0;
  #late = 0;
  #clock: Clock | undefined;

  constructor(options: Settings) {
    this.#options = options;
  }

  async start({ clock }: ComponentContext): Promise<void> {
    this.#agents++;
    this.#clock = clock;
    const loading = this.#loading ??= this.#load(this.#closing.signal);
    try {
      await loading;
    } catch (cause) {
      this.#agents--;
      if (this.#loading === loading) this.#loading = undefined;
      throw new InferenceError(`smart-turn: the model cannot be loaded: ${messageOf(cause)}`, {
        code: "model-unavailable",
        cause,
      });
    }
  }

  async close(): Promise<void> {
    if (this.#agents > 0 && --this.#agents > 0) return;
    const loading = this.#loading;
    this.#loading = undefined;
    this.#closing.abort(new Error("it was closed"));
    this.#closing = new AbortController();
    await loading?.then((model) => model[Symbol.dispose](), () => {});
  }

  metrics(): Readonly<Record<string, number>> {
    return { decisions: this.#decisions, complete: this.#complete, late: this.#late };
  }

  async endpointingDelayMs(
    { audio }: TurnContext,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<number> {
    const { threshold, completeMs, openMs } = this.#options;
    // Read first: it ends with the pause.
    const { samples } = audio;
    const model = await this.#loading;
    if (!model) throw new TypeError("smart-turn: expected a started detector");
    const what = "a decision";
    using limit = limitTime(what, { timeoutMs: openMs, signals: [signal], clock: this.#clock });
    try {
      const deciding = model.ask(withShortPause(samples), limit.signal);
      const probability = await waitFor(deciding, what, limit);
      this.#decisions++;
      if (probability < threshold) return openMs;
      this.#complete++;
      return completeMs;
    } catch (error) {
      if (signal.aborted || !limit.signal.aborted) throw error;
      // On a machine that is so busy, the silence has decided.
      this.#late++;
      return openMs;
    }
  }

  async #load(signal: AbortSignal): Promise<TurnModel> {
    const { model = new URL("./model/smart-turn-v3.2-cpu.onnx", import.meta.url) } = this.#options;
    const bytes = model instanceof URL ? await fetchBytes(model, signal) : model;
    signal.throwIfAborted();
    return await TurnModel.load(bytes, signal);
  }
}

async function fetchBytes(url: URL, signal: AbortSignal): Promise<Uint8Array> {
  if (url.protocol === "file:") return await Deno.readFile(url, { signal });
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`${url.origin} responded with ${response.status}`);
  return await response.bytes();
}
