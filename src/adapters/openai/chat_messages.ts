/** Messages as `/chat/completions` takes them. @module */
import * as v from "valibot";
import type { ChatMessage, ToolCall } from "../../inference/contracts/messages.ts";
import { wellFormedJson } from "../service/well_formed_json.ts";

/** What is kept of a tool call in its `metadata`, in the words of the service. */
const keptSchema = v.object({
  /** The call's own, e.g. the `thought_signature` of Gemini 3. */
  extra_content: v.optional(v.any()),
  /** The fields of the whole message, with its first call: the reasoning that led to its calls. */
  message: v.optional(v.record(v.string(), v.any())),
});

/** What is kept of a tool call. */
export type Kept = v.InferOutput<typeof keptSchema>;

/** Returns messages as the service takes them. */
export function messagesToWire(messages: readonly ChatMessage[]): object[] {
  return messages.flatMap((message, index) => {
    if (message.role !== "tool") return toWire(message);
    // The results of one reply's calls must follow each other, and have no place for images.
    if (messages[index + 1]?.role === "tool") return toWire(message);
    return [toWire(message), ...imagesBefore(messages, index + 1)];
  });
}

/** Returns the images of the results that end before an index, as a message of its own. */
function imagesBefore(messages: readonly ChatMessage[], end: number): object[] {
  const first = messages.findLastIndex(({ role }, index) => index < end && role !== "tool") + 1;
  const content = messages.slice(first, end).flatMap((message) => {
    if (message.role !== "tool" || !message.images?.length) return [];
    const text = `[the images in the result of ${message.name}, ${message.callId}]`;
    return [{ type: "text", text }, ...message.images.map(imageToWire)];
  });
  return content.length === 0 ? [] : [{ role: "user", content }];
}

function imageToWire({ mediaType, data }: { mediaType: string; data: Uint8Array }): object {
  const url = `data:${mediaType};base64,${data.toBase64()}`;
  return { type: "image_url", image_url: { url } };
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
          ...message.images.map(imageToWire),
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
      arguments: wellFormedJson(args),
    },
    ...extra_content === undefined ? {} : { extra_content },
  };
}

/** Returns what was kept of a call; nothing of a call by another adapter. */
function keptOf({ metadata }: ToolCall): Kept {
  const kept = v.safeParse(keptSchema, metadata);
  return kept.success ? kept.output : {};
}
