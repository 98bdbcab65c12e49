import type { LLM, LLMPart, LLMRequest } from "../../inference/contracts/llm.ts";
import type { ChatMessage } from "../../inference/contracts/messages.ts";
import { HttpModel } from "./http.ts";
import { CHAT_PARAMETERS } from "./models.ts";
import { serverSentEvents } from "./server_sent_events.ts";

/** Which language model, and how it is asked. */
export interface ChatModelOptions {
  /** The model's name. */
  model: string;
  /** Whether it can be shown pictures. Default `false`. */
  acceptsImages?: boolean;
  /**
   * Put into the request as they are, e.g. `{ max_completion_tokens: 300 }`. A model of OpenAI that
   * reasons is slow for a call, and most refuse tools then: `{ reasoning_effort: "none" }`, which is
   * the default for `"gpt-6.1-terra"`.
   */
  parameters?: Readonly<Record<string, unknown>>;
}

/** A call of a tool that comes in pieces. */
interface PartialCall {
  id: string;
  name: string;
  arguments: string;
}

/** What of a streamed chunk is looked at. */
interface Chunk {
  error?: { message?: string };
  usage?: { prompt_tokens?: number; completion_tokens?: number } | null;
  choices?: {
    finish_reason?: string | null;
    delta?: {
      content?: string | null;
      tool_calls?: {
        index?: number;
        id?: string;
        function?: { name?: string; arguments?: string };
      }[];
    };
  }[];
}

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
      const choice = chunk.choices?.[0];
      if (choice?.delta?.content) yield { type: "text", text: choice.delta.content };
      for (const piece of choice?.delta?.tool_calls ?? []) addTo(calls, piece);
      if (choice?.finish_reason) isComplete = true;
      const inputTokens = chunk.usage?.prompt_tokens ?? 0;
      const outputTokens = chunk.usage?.completion_tokens ?? 0;
      if (inputTokens + outputTokens > 0) {
        this.#inputTokens += inputTokens;
        this.#outputTokens += outputTokens;
        yield { type: "usage", inputTokens, outputTokens };
      }
    }
    if (!isComplete) {
      throw this.error("the answer was cut off", { code: "cut-off", retryable: true });
    }
    for (const call of calls) yield this.#toolCall(call);
  }

  #parse(data: string): Chunk {
    let chunk: Chunk;
    try {
      chunk = JSON.parse(data);
    } catch (cause) {
      throw this.error("a piece of the answer is no JSON", { code: "malformed", cause });
    }
    if (typeof chunk !== "object" || chunk === null) {
      throw this.error("a piece of the answer is no object", { code: "malformed" });
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
      const message = `the arguments of ${name} are no JSON`;
      throw this.error(message, { code: "malformed", retryable: true, cause });
    }
  }
}

function addTo(
  calls: PartialCall[],
  piece: { index?: number; id?: string; function?: { name?: string; arguments?: string } },
): void {
  // Some servers give no index, and each call as a whole.
  const index = piece.index ?? calls.length;
  const call = calls[index] ??= { id: piece.id ?? crypto.randomUUID(), name: "", arguments: "" };
  call.name += piece.function?.name ?? "";
  call.arguments += piece.function?.arguments ?? "";
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
