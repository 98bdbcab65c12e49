/** Messages as `/chat/completions` takes them. @module */
import * as v from "valibot";
import type { ChatMessage, ToolCall } from "../../inference/contracts/messages.ts";

/** What is kept of a tool call in its `metadata`, in the words of the service. */
export const keptSchema = v.object({
  /** The call's own, e.g. the `thought_signature` of Gemini 3. */
  extra_content: v.optional(v.any()),
  /** The fields of the whole message, with its first call: the reasoning that led to its calls. */
  message: v.optional(v.record(v.string(), v.any())),
});

/** What is kept of a tool call. */
export type Kept = v.InferOutput<typeof keptSchema>;

/** Returns a message as the service takes it. */
export function toWire(message: ChatMessage): object {
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
    case "assistant": {
      const { toolCalls = [] } = message;
      if (toolCalls.length === 0) return { role: "assistant", content: message.text };
      return {
        role: "assistant",
        content: message.text,
        ...keptOf(toolCalls[0]!).message,
        tool_calls: toolCalls.map(callToWire),
      };
    }
    case "tool":
      return { role: "tool", tool_call_id: message.callId, content: message.text };
  }
}

function callToWire(call: ToolCall): object {
  const { id, name, input, inputError } = call;
  const { extra_content } = keptOf(call);
  // Some services refuse a conversation with arguments that are no object, or a name that is none.
  const args = inputError === undefined ? input : { unreadable: input };
  return {
    id,
    type: "function",
    function: {
      name: name.replace(/[^\w-]/g, "_").slice(0, 64) || "unnamed",
      arguments: JSON.stringify(args),
    },
    ...extra_content === undefined ? {} : { extra_content },
  };
}

/** Returns what was kept of a call; nothing of a call by another adapter. */
function keptOf({ metadata }: ToolCall): Kept {
  const kept = v.safeParse(keptSchema, metadata);
  return kept.success ? kept.output : {};
}
