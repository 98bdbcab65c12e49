/** Chat models of OpenAI's HTTP interface. @module */
import * as v from "valibot";
import type { FinishReason, LLM, LLMPart, LLMRequest } from "../../inference/contracts/llm.ts";
import { messageOf } from "../../events/error_text.ts";
import { ChatCalls } from "./chat_calls.ts";
import { type Chunk, chunkSchema, finishReason } from "./chat_chunks.ts";
import { messagesToWire } from "./chat_messages.ts";
import { ChatReasoning } from "./chat_reasoning.ts";
import { HttpModel } from "./http.ts";
import { CHAT_OPTIONS } from "./models.ts";
import { serverSentEvents } from "./server_sent_events.ts";
import { toolParameters } from "./tool_parameters.ts";
import { codeOf, isRetryable, statedError } from "../service/service_error.ts";

/** Options for a language model. */
export interface ChatModelOptions {
  /** The model's name. */
  model: string;
  /** Whether the model accepts images. Default `false`. */
  acceptsImages?: boolean;
  /**
   * How much the model thinks before it replies. A model that reasons is slow for a call, and most of
   * OpenAI's refuse tools meanwhile. Default: the service's; `"none"` for `"gpt-6.1-terra"`.
   */
  reasoningEffort?: "none" | "minimal" | "low" | "medium" | "high" | "xhigh";
  /**
   * Whether the service is asked for the tokens that it used (`stream_options`), which some services
   * refuse. Default `true`.
   */
  includeUsage?: boolean;
  /** Additional fields of the request, in the service's words, e.g. `{ temperature: 0.2 }`. */
  providerOptions?: Readonly<Record<string, unknown>>;
}

/** The most characters of a chunk in an error. */
const MAX_SHOWN_CHARS = 300;
const NOT_BEGUN = "the reply was cut off before it began: the service's own log may say why, " +
  "e.g. that the conversation is longer than the model's context";

/** A language model behind `/chat/completions`. */
export class OpenAIChat extends HttpModel<ChatModelOptions> implements LLM {
  protected readonly path = "/chat/completions";
  #inputTokens = 0;
  #outputTokens = 0;

  get acceptsImages(): boolean {
    return this.options.acceptsImages ?? false;
  }

  /** The model's name, for telemetry. */
  get model(): string {
    return this.options.model;
  }

  /** `"openai"`, or the host of another service, for telemetry. */
  get provider(): string {
    return this.host === "api.openai.com" ? "openai" : this.host;
  }

  override metrics(): Readonly<Record<string, number>> {
    const [inputTokens, outputTokens] = [this.#inputTokens, this.#outputTokens];
    return { ...super.metrics(), inputTokens, outputTokens };
  }

  async *generate(request: LLMRequest): AsyncGenerator<LLMPart, void, void> {
    const { messages, tools, signal } = request;
    const response = await this.post(this.#body(request), signal);
    const calls = new ChatCalls(tools.map(({ name }) => name));
    const reasoning = new ChatReasoning();
    let usage = { prompt_tokens: 0, completion_tokens: 0 };
    let reason: string | undefined;
    let refusal = "";
    try {
      for await (const chunk of this.#chunks(response, signal)) {
        // Some services count up in each chunk: the last one has the whole.
        if (chunk.usage) usage = chunk.usage;
        const { delta, finish_reason } = chunk.choices[0] ?? {};
        if (finish_reason) reason = finish_reason;
        if (!delta) continue;
        reasoning.add(delta);
        refusal += delta.refusal;
        const text = delta.content + delta.refusal;
        if (text !== "") yield { type: "text", text };
        for (const piece of delta.tool_calls) calls.add(piece);
      }
    } catch (error) {
      // What came after the reason was at most the count of tokens.
      if (reason === undefined || signal.aborted) throw error;
    } finally {
      this.#inputTokens += usage.prompt_tokens;
      this.#outputTokens += usage.completion_tokens;
    }
    const usedIds = messages.flatMap((one) =>
      one.role === "assistant" ? one.toolCalls?.map(({ id }) => id) ?? [] : []
    );
    for (const call of calls.finish(usedIds, reasoning.fields)) yield { type: "tool-call", call };
    if (reason === undefined && calls.size > 0) reason = "tool_calls";
    const { prompt_tokens: inputTokens, completion_tokens: outputTokens } = usage;
    if (inputTokens + outputTokens > 0) yield { type: "usage", inputTokens, outputTokens };
    yield refusal !== ""
      ? { type: "finish", reason: "content-filter", detail: refusal }
      : { type: "finish", ...finishOf(reason) };
  }

  #body({ messages, tools }: LLMRequest): object {
    const { model, reasoningEffort, includeUsage = true, providerOptions } = this.options;
    return {
      model,
      stream: true,
      ...includeUsage ? { stream_options: { include_usage: true } } : {},
      messages: messagesToWire(messages),
      ...tools.length === 0 ? {} : {
        tools: tools.map((tool) => ({
          type: "function",
          function: {
            name: tool.name,
            description: tool.description,
            parameters: toolParameters(tool),
          },
        })),
      },
      ...CHAT_OPTIONS[model],
      ...reasoningEffort ? { reasoning_effort: reasoningEffort } : {},
      ...providerOptions,
    };
  }

  /** Yields the chunks of a reply that is complete; throws for one that was cut off. */
  async *#chunks(response: Response, signal: AbortSignal): AsyncGenerator<Chunk, void, void> {
    let isComplete = false;
    let hasBegun = false;
    const unread: Uint8Array<ArrayBuffer>[] = [];
    const bytes = async function* (body: AsyncIterable<Uint8Array<ArrayBuffer>>) {
      for await (const bytes of body) {
        if (!hasBegun) unread.push(bytes);
        yield bytes;
      }
    };
    for await (const data of serverSentEvents(bytes(this.read(response, signal)))) {
      if (data === "[DONE]") return;
      const chunk = this.#parse(data);
      hasBegun = true;
      isComplete ||= chunk.choices.some(({ finish_reason }) => finish_reason);
      yield chunk;
    }
    const text = hasBegun ? "" : (await new Blob(unread).text()).trim();
    if (text !== "") return yield this.#whole(text);
    if (!isComplete) {
      // Some servers respond with 200, and refuse the request afterwards.
      const message = hasBegun ? "the reply was cut off" : NOT_BEGUN;
      throw this.error(message, { code: "cut-off", retryable: true });
    }
  }

  /** Reads a response that is no stream: a failure with the status 200, or the whole reply. */
  #whole(text: string): Chunk {
    let choices: { message?: unknown; finish_reason?: unknown }[] | undefined;
    let body: unknown;
    try {
      body = JSON.parse(text);
      choices = (body as { choices?: typeof choices } | null)?.choices;
    } catch {
      // It is what the error says.
    }
    if (choices?.[0]?.message) {
      const [{ message: delta, finish_reason = "stop" }] = choices as [typeof choices[0]];
      return this.#parse(
        JSON.stringify({ ...body as object, choices: [{ delta, finish_reason }] }),
      );
    }
    const stated = statedError(body);
    if (stated) return this.#parse(text);
    const message = `the response is no stream of events: ${text.slice(0, MAX_SHOWN_CHARS)}`;
    throw this.error(message, { code: "malformed" });
  }

  #parse(data: string): Chunk {
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch (cause) {
      throw this.#malformed(data, cause);
    }
    const { choices, error } = (value ?? {}) as { choices?: unknown; error?: unknown };
    const stated = choices === undefined || error != null ? statedError(value) : undefined;
    if (stated) {
      const { reason, status } = stated;
      throw this.error(`failed: ${reason || "no reason given"}`, {
        code: status ? codeOf(status) : "failed",
        // What failed without a reason to the contrary may succeed the next time.
        retryable: status === undefined || isRetryable(status),
        status,
      });
    }
    const chunk = v.safeParse(chunkSchema, value);
    if (!chunk.success) throw this.#malformed(data, new v.ValiError(chunk.issues));
    if (chunk.output.choices.some(({ finish_reason }) => finish_reason === "error")) {
      throw this.error("failed: no reason given", { code: "failed", retryable: true });
    }
    return chunk.output;
  }

  #malformed(data: string, cause: unknown): Error {
    const message = `a chunk of the reply cannot be read: ${messageOf(cause)}: ` +
      data.slice(0, MAX_SHOWN_CHARS);
    return this.error(message, { code: "malformed", cause });
  }
}

/** Returns why a reply ended, with the service's own word where it says more than the contract's. */
function finishOf(reason: string | undefined): { reason: FinishReason; detail?: string } {
  // llama-cpp-python ends one reply like this when the next request comes.
  if (reason === undefined) return { reason: "other", detail: "the service gave no reason" };
  const isKnown = ["stop", "tool_calls", "length", "content_filter"].includes(reason);
  return { reason: finishReason(reason), ...isKnown ? {} : { detail: reason } };
}
