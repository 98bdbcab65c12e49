/** Chat models of OpenAI's HTTP interface. @module */
import * as v from "valibot";
import type { LLM, LLMPart, LLMRequest } from "../../inference/contracts/llm.ts";
import type { ChatMessage } from "../../inference/contracts/messages.ts";
import { messageOf } from "../../events/error_text.ts";
import { HttpModel } from "./http.ts";
import { CHAT_PARAMETERS } from "./models.ts";
import { serverSentEvents } from "./server_sent_events.ts";

/** Options for a language model. */
export interface ChatModelOptions {
  /** The model's name. */
  model: string;
  /** Whether the model accepts images. Default `false`. */
  acceptsImages?: boolean;
  /**
   * Additional parameters of the request, e.g. `{ max_completion_tokens: 300 }`. A reasoning model of
   * OpenAI is slow for a call, and most of them refuse tools while they reason: pass
   * `{ reasoning_effort: "none" }`, the default for `"gpt-6.1-terra"`.
   */
  parameters?: Readonly<Record<string, unknown>>;
}

/** A tool call that arrives in parts. */
interface PartialCall {
  id: string;
  name: string;
  arguments: string;
}

const text = v.nullish(v.string(), "");
const tokens = v.nullish(v.number(), 0);

/** A part of a tool call. */
const callPart = v.object({
  index: v.nullish(v.number()),
  id: v.nullish(v.string()),
  function: v.nullish(v.object({ name: text, arguments: text }), {}),
});

/** The fields that this adapter reads of a streamed chunk. */
const chunkSchema = v.object({
  error: v.nullish(
    v.union([
      v.object({ message: v.nullish(v.string()) }),
      v.pipe(v.string(), v.transform((message) => ({ message }))),
    ]),
  ),
  usage: v.nullish(v.object({ prompt_tokens: tokens, completion_tokens: tokens }), {}),
  choices: v.nullish(
    v.array(v.object({
      finish_reason: v.nullish(v.string()),
      delta: v.nullish(
        v.object({ content: text, tool_calls: v.nullish(v.array(callPart), []) }),
        {},
      ),
    })),
    [],
  ),
});

type Chunk = v.InferOutput<typeof chunkSchema>;

/** A language model behind `/chat/completions`. */
export class OpenAIChat extends HttpModel<ChatModelOptions> implements LLM {
  #inputTokens = 0;
  #outputTokens = 0;

  get acceptsImages(): boolean {
    return this.options.acceptsImages ?? false;
  }

  override metrics(): Readonly<Record<string, number>> {
    const [inputTokens, outputTokens] = [this.#inputTokens, this.#outputTokens];
    return { ...super.metrics(), inputTokens, outputTokens };
  }

  async *generate({ messages, tools, signal }: LLMRequest): AsyncGenerator<LLMPart, void, void> {
    const { model, parameters } = this.options;
    const response = await this.post("/chat/completions", {
      model,
      stream: true,
      stream_options: { include_usage: true },
      messages: messages.map(toWire),
      ...tools.length === 0 ? {} : {
        tools: tools.map(({ name, description, parameters }) => ({
          type: "function",
          function: { name, description, parameters },
        })),
      },
      ...CHAT_PARAMETERS[model],
      ...parameters,
    }, signal);
    const calls: PartialCall[] = [];
    let isComplete = false;
    for await (const data of serverSentEvents(this.read(response, signal))) {
      if (data === "[DONE]") {
        isComplete = true;
        break;
      }
      const chunk = this.#parse(data);
      const choice = chunk.choices[0];
      if (choice?.delta.content) yield { type: "text", text: choice.delta.content };
      for (const part of choice?.delta.tool_calls ?? []) addTo(calls, part);
      if (choice?.finish_reason) isComplete = true;
      const { prompt_tokens: inputTokens, completion_tokens: outputTokens } = chunk.usage;
      if (inputTokens + outputTokens > 0) {
        this.#inputTokens += inputTokens;
        this.#outputTokens += outputTokens;
        yield { type: "usage", inputTokens, outputTokens };
      }
    }
    if (!isComplete) {
      throw this.error("the reply was cut off", { code: "cut-off", retryable: true });
    }
    for (const call of calls) yield this.#toolCall(call);
  }

  #parse(data: string): Chunk {
    let chunk: Chunk;
    try {
      chunk = v.parse(chunkSchema, JSON.parse(data));
    } catch (cause) {
      const message = `a chunk of the reply cannot be read: ${messageOf(cause)}`;
      throw this.error(message, { code: "malformed", cause });
    }
    if (chunk.error) {
      const reason = chunk.error.message ?? "no reason given";
      throw this.error(`failed: ${reason}`, { code: "failed", retryable: true });
    }
    return chunk;
  }

  #toolCall({ id, name, arguments: text }: PartialCall): LLMPart {
    try {
      return { type: "tool-call", call: { id, name, input: JSON.parse(text || "{}") } };
    } catch (cause) {
      const message = `the arguments of ${name} are not JSON`;
      throw this.error(message, { code: "malformed", retryable: true, cause });
    }
  }
}

function addTo(calls: PartialCall[], part: v.InferOutput<typeof callPart>): void {
  // Some servers send no index, and each call as a whole.
  const index = part.index ?? calls.length;
  const call = calls[index] ??= { id: part.id ?? crypto.randomUUID(), name: "", arguments: "" };
  call.name += part.function.name;
  call.arguments += part.function.arguments;
}

function toWire(message: ChatMessage): object {
  switch (message.role) {
    case "system":
      return { role: "system", content: message.text };
    case "user":
      return {
        role: "user",
        content: !message.images?.length ? message.text : [
          { type: "text", text: message.text },
          ...message.images.map(({ mediaType, data }) => ({
            type: "image_url",
            image_url: { url: `data:${mediaType};base64,${data.toBase64()}` },
          })),
        ],
      };
    case "assistant":
      return {
        role: "assistant",
        content: message.text,
        ...!message.toolCalls?.length ? {} : {
          tool_calls: message.toolCalls.map(({ id, name, input }) => ({
            id,
            type: "function",
            function: { name, arguments: JSON.stringify(input) },
          })),
        },
      };
    case "tool":
      return { role: "tool", tool_call_id: message.callId, content: message.text };
  }
}
