/** What the speech models have in common: options, checks, and requests that are tried again. @module */
import { LoadAPIKeyError } from "ai";
import type { Component, ComponentContext, JsonValue } from "@ringline/edge";
import { backOffMs, checkMethods, sleep, systemClock } from "@ringline/edge/toolkit";
import { askedWaitMs, failure } from "./failure.ts";

/** Options of all models. */
export interface AiSdkRequestOptions {
  /** The most retries of a request while the service is too busy. Default 2. */
  maxRetries?: number;
  /**
   * The longest wait before retries, all together, in milliseconds. A service that asks for a longer
   * one is given up for this request. Default 4,000.
   */
  maxWaitMs?: number;
  /** Options of the provider, by its name, e.g. `{ openai: { language: "de" } }`. */
  providerOptions?: Record<string, Record<string, JsonValue>>;
  /** Headers of each request. */
  headers?: Readonly<Record<string, string>>;
}

/** The names of {@linkcode AiSdkRequestOptions}. */
export const REQUEST_OPTIONS: Readonly<Record<keyof AiSdkRequestOptions, true>> = {
  maxRetries: true,
  maxWaitMs: true,
  providerOptions: true,
  headers: true,
};

/** What `options` are. */
export const EXPECTED_OPTIONS = "an object like { maxRetries: 2 }, or nothing";

const FIRST_WAIT_MS = 250;

/**
 * Throws unless the value is a model of the SDK, or the name of one of its gateway.
 *
 * @throws {TypeError} it is not.
 */
export function checkModel(model: unknown, method: string, example: string): void {
  if (typeof model === "string" && model !== "") return;
  checkMethods(model, "model", `a model of the AI SDK, e.g. ${example}`, [method]);
}

/** A model that is asked once for each text, or each segment of speech. */
export abstract class AiSdkSpeechPart<Options extends AiSdkRequestOptions> implements Component {
  abstract readonly name: string;
  protected readonly options: Options;
  readonly #model: unknown;
  #clock: ComponentContext["clock"] = systemClock;
  #requests = 0;

  constructor(model: unknown, options: Options) {
    this.#model = model;
    this.options = options;
  }

  /**
   * Checks that there is a key, where the provider's model says so.
   *
   * @throws {InferenceError} there is none.
   */
  async start({ clock }: ComponentContext): Promise<void> {
    this.#clock = clock;
    await checkKey(this.#model);
  }

  metrics(): Readonly<Record<string, number>> {
    return { requests: this.#requests };
  }

  protected get clock(): ComponentContext["clock"] {
    return this.#clock;
  }

  /** What each request says beside what it is about. */
  protected get common() {
    const { providerOptions, headers } = this.options;
    // Not by the SDK: it would wait for as long as the service asks.
    return { maxRetries: 0, providerOptions, headers };
  }

  /** Sends a request, and sends it again while the service is busy. */
  protected async request<Result>(
    act: () => PromiseLike<Result>,
    signal: AbortSignal,
  ): Promise<Result> {
    const { maxRetries = 2, maxWaitMs = 4000 } = this.options;
    this.#requests++;
    let leftMs = maxWaitMs;
    for (let tries = 1;; tries++) {
      try {
        return await act();
      } catch (cause) {
        signal.throwIfAborted();
        const error = failure(cause);
        const waitMs = askedWaitMs(error) ?? backOffMs(tries, { firstMs: FIRST_WAIT_MS });
        if (!error.retryable || tries > maxRetries || waitMs > leftMs) throw error;
        leftMs -= waitMs;
        await sleep(waitMs, { clock: this.#clock, signal });
      }
    }
  }
}

/** The SDK has no such check; all of its providers' models have this function, which reads the key. */
export async function checkKey(model: unknown): Promise<void> {
  const { config } = Object(model) as { config?: { headers?: unknown } };
  if (typeof config?.headers !== "function") return;
  try {
    await config.headers();
  } catch (error) {
    if (LoadAPIKeyError.isInstance(error)) throw failure(error);
  }
}
