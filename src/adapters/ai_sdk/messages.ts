/** Messages as the AI SDK takes them, with what its providers want back of their own replies. @module */
import { jsonSchema, type ModelMessage, tool, type ToolResultPart, type ToolSet } from "ai";
import type { ChatMessage, JsonValue, ToolCall, ToolDescription } from "@ringline/edge";

/** Metadata of a provider, by its name. */
type ProviderOptions = Record<string, Record<string, JsonValue>>;

/**
 * What is kept of a reply in the `metadata` of a call that ends it: the parts before the call, in
 * their order. A text is kept as its length, since the message has its words.
 */
export interface KeptPart {
  readonly type: "reasoning" | "text";
  readonly text?: string;
  readonly chars?: number;
  readonly providerOptions?: ProviderOptions;
}

/** The `metadata` of a tool call by this adapter. */
export interface Kept {
  readonly aiSdk: {
    readonly before: readonly KeptPart[];
    readonly providerOptions?: ProviderOptions;
  };
}

type AssistantContent = Exclude<Extract<ModelMessage, { role: "assistant" }>["content"], string>;

/** Returns tools as the SDK takes them. It calls none of them. */
export function toToolSet(tools: readonly ToolDescription[]): ToolSet {
  return Object.fromEntries(tools.map((one) => [
    one.name,
    tool({ description: one.description, inputSchema: jsonSchema(toolParameters(one)) }),
  ]));
}

/** Returns the schema of a tool's arguments: OpenAI refuses all tools for one that names no properties. */
export function toolParameters({ parameters }: ToolDescription): ToolDescription["parameters"] {
  if (parameters.type !== "object" || parameters.properties !== undefined) return parameters;
  return { ...parameters, properties: {} };
}

/** Returns a message as the SDK takes it; those of the system are given apart. */
export function toModelMessage(received: ChatMessage): ModelMessage[] {
  // Half of a character (a surrogate), with which a text that was cut may end, makes services refuse all.
  const message = { ...received, text: received.text.toWellFormed() };
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
      return [{ role: "assistant", content: assistantContent(message) }];
    case "tool":
      return [{
        role: "tool",
        content: [{
          type: "tool-result",
          toolCallId: message.callId,
          toolName: message.name,
          output: toolOutput(message),
        }],
      }];
  }
}

function toolOutput(
  { text, isError, images = [] }: Extract<ChatMessage, { role: "tool" }>,
): ToolResultPart["output"] {
  if (isError || images.length === 0) return { type: isError ? "error-text" : "text", value: text };
  return {
    type: "content",
    value: [
      { type: "text", text },
      ...images.map(({ mediaType, data }) => ({
        type: "file" as const,
        mediaType,
        data: { type: "data" as const, data },
      })),
    ],
  };
}

function assistantContent(
  { text, toolCalls = [], metadata }: Extract<ChatMessage, { role: "assistant" }>,
): AssistantContent {
  const kept = [...toolCalls, { metadata }].map(keptOf);
  const chars = kept.flatMap(({ before }) => before)
    .reduce((sum, part) => sum + (part.chars ?? 0), 0);
  // A text of which only a part was said is not the text that the provider knows.
  const isWhole = chars > 0 && text.slice(chars).trim() === "" && text.length >= chars;
  const content: AssistantContent = [];
  if (!isWhole && text !== "") content.push({ type: "text", text });
  let at = 0;
  const push = (parts: readonly KeptPart[]): void => {
    for (const part of parts) {
      if (part.type === "reasoning") {
        const { text = "", providerOptions } = part;
        content.push({ type: "reasoning", text, providerOptions });
      } else if (isWhole) {
        const { chars = 0, providerOptions } = part;
        content.push({ type: "text", text: text.slice(at, at + chars), providerOptions });
        at += chars;
      }
    }
  };
  for (const [index, { id, name, input, inputError }] of toolCalls.entries()) {
    const { before, providerOptions } = kept[index]!;
    push(before);
    content.push({
      type: "tool-call",
      toolCallId: id,
      toolName: name,
      // Some providers take nothing but an object.
      input: inputError === undefined ? input : { unreadable: input },
      providerOptions,
    });
  }
  if (isWhole) push(kept.at(-1)!.before);
  return content;
}

/** Returns what was kept with a call or a text; nothing of one by another adapter. */
function keptOf({ metadata }: Pick<ToolCall, "metadata">): Kept["aiSdk"] {
  const kept = (metadata as Partial<Kept> | null | undefined)?.aiSdk;
  return Array.isArray(kept?.before) ? kept : { before: [] };
}
