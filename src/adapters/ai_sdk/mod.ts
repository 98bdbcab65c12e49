/**
 * Language models, recognisers, voices and realtime models by the AI SDK (`npm:ai`), of every vendor
 * that has a provider for it. Loading the SDK needs `--allow-sys=hostname`; its providers need `--allow-net`.
 *
 * @example
 * ```ts
 * import { aiSdkLLM } from "@ringline/ai-sdk";
 * import { MockLanguageModelV4 } from "npm:ai@7.0.173/test";
 *
 * // Instead of the mock: openai("gpt-6.1-terra") of "npm:@ai-sdk/openai", and so on.
 * const llm = aiSdkLLM(new MockLanguageModelV4());
 * console.log(llm.name); // ai-sdk
 * ```
 *
 * @module
 */
import { type LanguageModel, streamText } from "ai";
import {
  type ComponentContext,
  InferenceError,
  type JsonValue,
  type LLM,
  type LLMPart,
  type LLMRequest,
  type ToolCall,
} from "@ringline/edge";
import { backOffMs, checkOptions, messageOf, sleep } from "@ringline/edge/toolkit";
import { askedWaitMs, failure } from "./failure.ts";
import { KeptParts } from "./kept_parts.ts";
import { toModelMessage, toToolSet } from "./messages.ts";
import {
  type AiSdkRequestOptions,
  checkKey,
  checkModel,
  EXPECTED_OPTIONS,
  REQUEST_OPTIONS,
} from "./requests.ts";

export type { AiSdkRequestOptions };
export {
  aiSdkRealtime,
  type AiSdkRealtimeModel,
  type AiSdkRealtimeOptions,
} from "./realtime/mod.ts";
export { aiSdkSTT, type AiSdkSTTOptions, type AiSdkTranscriptionModel } from "./stt.ts";
export { type AiSdkSpeechModel, aiSdkTTS, type AiSdkTTSOptions } from "./tts.ts";

/** A model of the AI SDK, as a provider creates it, e.g. `openai("gpt-6.1-terra")`. */
export type AiSdkModel = LanguageModel;

/** Options for {@linkcode aiSdkLLM}. */
export interface AiSdkOptions extends AiSdkRequestOptions {
  /** Whether the model accepts images. Default `false`. */
  acceptsImages?: boolean;
  /** How much the model thinks before it replies. Default: the provider's. */
  reasoningEffort?: "none" | "minimal" | "low" | "medium" | "high" | "xhigh";
  /** Settings of each request, e.g. `{ temperature: 0.2, maxOutputTokens: 300 }`. */
  settings?: {
    temperature?: number;
    maxOutputTokens?: number;
    topP?: number;
    seed?: number;
  };
}

const OPTIONS = {
  ...REQUEST_OPTIONS,
  acceptsImages: true,
  reasoningEffort: true,
  settings: true,
} as const;

/** Returns an {@linkcode LLM} that uses a model of the AI SDK. */
export function aiSdkLLM(model: AiSdkModel, options: AiSdkOptions = {}): LLM {
  checkModel(model, "doStream", "openai(name)");
  checkOptions(options, "options", OPTIONS, EXPECTED_OPTIONS);
  return new AiSdkLLM(model, options);
}

const FIRST_WAIT_MS = 250;

class AiSdkLLM implements LLM {
  readonly name = "ai-sdk";
  readonly acceptsImages: boolean;
  readonly model: string;
  readonly provider: string | undefined;
  readonly #model: AiSdkModel;
  readonly #options: AiSdkOptions;
  #clock: ComponentContext["clock"] | undefined;
  #requests = 0;
  #inputTokens = 0;
  #outputTokens = 0;

  constructor(model: AiSdkModel, options: AiSdkOptions) {
    this.#model = model;
    this.#options = options;
    this.model = typeof model === "string" ? model : model.modelId;
    // Of "openai.chat" the first part is whose service it is.
    this.provider = typeof model === "string" ? undefined : model.provider.split(".")[0];
    this.acceptsImages = options.acceptsImages ?? false;
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
    return {
      requests: this.#requests,
      inputTokens: this.#inputTokens,
      outputTokens: this.#outputTokens,
    };
  }

  async *generate(request: LLMRequest): AsyncGenerator<LLMPart, void, void> {
    const { maxRetries = 2, maxWaitMs = 4000 } = this.#options;
    const { signal } = request;
    this.#requests++;
    let leftMs = maxWaitMs;
    for (let tries = 1;; tries++) {
      let hasBegun = false;
      let error: InferenceError;
      try {
        for await (const part of this.#partsUntilLeft(request)) {
          hasBegun ||= part.type === "text" || part.type === "tool-call";
          yield part;
        }
        // The SDK ends an aborted stream as if it were complete.
        signal.throwIfAborted();
        return;
      } catch (cause) {
        signal.throwIfAborted();
        error = failure(cause);
      }
      // Not by the SDK: it would wait for as long as the service asks.
      const waitMs = askedWaitMs(error) ?? backOffMs(tries, { firstMs: FIRST_WAIT_MS });
      if (hasBegun || !error.retryable || tries > maxRetries || waitMs > leftMs) throw error;
      leftMs -= waitMs;
      await sleep(waitMs, { clock: this.#clock, signal });
    }
  }

  /** Yields the parts; ends the request when its reader leaves, which the SDK itself does not. */
  async *#partsUntilLeft(request: LLMRequest): AsyncGenerator<LLMPart, void, void> {
    const left = new AbortController();
    try {
      yield* this.#parts({ ...request, signal: AbortSignal.any([request.signal, left.signal]) });
    } finally {
      left.abort();
    }
  }

  async *#parts({ messages, tools, signal }: LLMRequest): AsyncGenerator<LLMPart, void, void> {
    const { settings, reasoningEffort: reasoning, providerOptions, headers } = this.#options;
    const system = messages.filter((one) => one.role === "system").map(({ text }) => text);
    const { fullStream } = streamText({
      ...settings,
      model: this.#model,
      instructions: system.length > 0 ? system.join("\n\n").toWellFormed() : undefined,
      messages: messages.flatMap(toModelMessage),
      tools: tools.length > 0 ? toToolSet(tools) : undefined,
      abortSignal: signal,
      maxRetries: 0,
      reasoning,
      providerOptions,
      headers,
      // Errors are in the stream, too; without this the SDK also writes them to the console.
      onError: () => {},
    });
    const kept = new KeptParts();
    let isComplete = false;
    for await (const part of fullStream) {
      kept.add(part as { type: string });
      switch (part.type) {
        case "text-delta":
          yield { type: "text", text: part.text };
          break;
        case "tool-call":
          yield { type: "tool-call", call: toToolCall(part, kept.take(metadataOf(part))) };
          break;
        case "finish-step": {
          isComplete = part.finishReason !== "error";
          const { inputTokens = 0, outputTokens = 0 } = part.usage;
          this.#inputTokens += inputTokens;
          this.#outputTokens += outputTokens;
          // Of a service that does not count, none are known.
          if (inputTokens + outputTokens > 0) yield { type: "usage", inputTokens, outputTokens };
          if (part.finishReason === "error") break;
          yield toFinish(part.finishReason, part.rawFinishReason, kept.take());
          break;
        }
        case "error":
          throw part.error;
      }
    }
    if (!isComplete && !signal.aborted) {
      throw new InferenceError("ai-sdk: the reply was cut off", {
        code: "cut-off",
        retryable: true,
      });
    }
  }
}

/** A tool call in the SDK's stream. */
interface StreamedCall {
  readonly toolCallId: string;
  readonly toolName: string;
  readonly input: unknown;
  readonly invalid?: boolean;
  readonly error?: unknown;
}

function toToolCall(
  { toolCallId: id, toolName: name, input, invalid, error }: StreamedCall,
  metadata: JsonValue | undefined,
): ToolCall {
  return {
    id,
    name,
    input: input as JsonValue,
    // A call of a tool that does not exist is invalid, too; its arguments are none the worse.
    ...invalid && typeof input === "string" ? { inputError: messageOf(error) } : {},
    ...metadata === undefined ? {} : { metadata },
  };
}

function toFinish(reason: string, raw = reason, metadata?: JsonValue): LLMPart {
  const known = ["stop", "tool-calls", "length", "content-filter"] as const;
  const found = known.find((one) => one === reason) ?? "other";
  const isPlain = raw.replaceAll("_", "-") === found;
  return {
    type: "finish",
    reason: found,
    ...isPlain ? {} : { detail: raw },
    ...metadata === undefined ? {} : { metadata },
  };
}

function metadataOf(
  part: { readonly providerMetadata?: unknown },
): Record<string, Record<string, JsonValue>> | undefined {
  return part.providerMetadata as Record<string, Record<string, JsonValue>> | undefined;
}
