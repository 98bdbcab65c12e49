/**
 * Language models by the AI SDK (`npm:ai`), of every vendor that has a provider for it. Loading the SDK
 * needs `--allow-sys=hostname`; its providers need `--allow-net`.
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
import {
  APICallError,
  jsonSchema,
  type LanguageModel,
  type ModelMessage,
  RetryError,
  streamText,
  tool,
  type ToolSet,
} from "ai";
import {
  type ChatMessage,
  InferenceError,
  type LLM,
  type LLMPart,
  type LLMRequest,
  type ToolDescription,
} from "@ringline/edge";
import { checkMethods, checkObject, messageOf } from "@ringline/edge/toolkit";

/** A model of the AI SDK, as a provider creates it, e.g. `openai("gpt-6.1-terra")`. */
export type AiSdkModel = LanguageModel;

/** Options for {@linkcode aiSdkLLM}. */
export interface AiSdkOptions {
  /** Whether the model accepts images. Default `false`. */
  acceptsImages?: boolean;
  /** The most retries of a request while the service is too busy. Default 2. */
  maxRetries?: number;
  /** Settings of each request, e.g. `{ temperature: 0.2, maxOutputTokens: 300 }`. */
  settings?: {
    temperature?: number;
    maxOutputTokens?: number;
    topP?: number;
    seed?: number;
  };
}

/** Returns an {@linkcode LLM} that uses a model of the AI SDK. */
export function aiSdkLLM(model: AiSdkModel, options: AiSdkOptions = {}): LLM {
  if (typeof model !== "string" || model === "") {
    checkMethods(model, "model", "a model of the AI SDK, e.g. openai(name)", [
      "doStream",
    ]);
  }
  checkObject(options, "options", "an object like { maxRetries: 2 }, or nothing");
  return new AiSdkLLM(model, options);
}

class AiSdkLLM implements LLM {
  readonly name = "ai-sdk";
  readonly acceptsImages: boolean;
  readonly #model: AiSdkModel;
  readonly #options: AiSdkOptions;
  #requests = 0;
  #inputTokens = 0;
  #outputTokens = 0;

  constructor(model: AiSdkModel, options: AiSdkOptions) {
    this.#model = model;
    this.#options = options;
    this.acceptsImages = options.acceptsImages ?? false;
  }

  metrics(): Readonly<Record<string, number>> {
    return {
      requests: this.#requests,
      inputTokens: this.#inputTokens,
      outputTokens: this.#outputTokens,
    };
  }

  async *generate(request: LLMRequest): AsyncGenerator<LLMPart, void, void> {
    try {
      yield* this.#parts(request);
      // The SDK ends an aborted stream as if it were complete.
      request.signal.throwIfAborted();
    } catch (error) {
      request.signal.throwIfAborted();
      throw failure(error);
    }
  }

  async *#parts({ messages, tools, signal }: LLMRequest): AsyncGenerator<LLMPart, void, void> {
    const { maxRetries = 2, settings } = this.#options;
    this.#requests++;
    const system = messages.filter((one) => one.role === "system").map(({ text }) => text);
    const { fullStream } = streamText({
      ...settings,
      model: this.#model,
      instructions: system.length > 0 ? system.join("\n\n") : undefined,
      messages: messages.flatMap(toModelMessage),
      tools: tools.length > 0 ? toToolSet(tools) : undefined,
      abortSignal: signal,
      maxRetries,
      // Errors are in the stream, too; without this the SDK also writes them to the console.
      onError: () => {},
    });
    let isComplete = false;
    for await (const part of fullStream) {
      switch (part.type) {
        case "text-delta":
          yield { type: "text", text: part.text };
          break;
        case "tool-call": {
          const { toolCallId: id, toolName: name, input } = part;
          yield { type: "tool-call", call: { id, name, input } };
          break;
        }
        case "finish-step": {
          isComplete = part.finishReason !== "error";
          const { inputTokens = 0, outputTokens = 0 } = part.usage;
          this.#inputTokens += inputTokens;
          this.#outputTokens += outputTokens;
          yield { type: "usage", inputTokens, outputTokens };
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

function toToolSet(tools: readonly ToolDescription[]): ToolSet {
  return Object.fromEntries(tools.map(({ name, description, parameters }) => [
    name,
    tool({ description, inputSchema: jsonSchema(parameters) }),
  ]));
}

function toModelMessage(message: ChatMessage): ModelMessage[] {
  switch (message.role) {
    case "system":
      return [];
    case "user":
      return [{
        role: "user",
        content: [
          { type: "text", text: message.text },
          ...(message.images ?? []).map(({ data, mediaType }) => ({
            type: "file" as const,
            data,
            mediaType,
          })),
        ],
      }];
    case "assistant":
      return [{
        role: "assistant",
        content: [
          ...message.text === "" ? [] : [{ type: "text" as const, text: message.text }],
          ...(message.toolCalls ?? []).map(({ id, name, input }) => ({
            type: "tool-call" as const,
            toolCallId: id,
            toolName: name,
            input,
          })),
        ],
      }];
    case "tool":
      return [{
        role: "tool",
        content: [{
          type: "tool-result",
          toolCallId: message.callId,
          toolName: message.name,
          output: { type: message.isError ? "error-text" : "text", value: message.text },
        }],
      }];
  }
}

/** Converts an error of the SDK. */
function failure(cause: unknown): InferenceError {
  if (cause instanceof InferenceError) return cause;
  const last = RetryError.isInstance(cause) ? cause.lastError : cause;
  const message = `ai-sdk: ${messageOf(last)}`;
  if (!APICallError.isInstance(last)) return new InferenceError(message, { code: "failed", cause });
  const { statusCode: status, isRetryable: retryable } = last;
  const code = status === 429 ? "rate-limited" : status === 401 ? "unauthorized" : "refused";
  return new InferenceError(message, { code, retryable, status, cause });
}
