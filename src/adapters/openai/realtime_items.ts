/** The conversation's messages as items of OpenAI's realtime protocol. @module */
import type { ChatMessage, ToolImage } from "../../inference/contracts/messages.ts";

/** Returns the items of a message, none for one that a session has no use for. */
export function conversationItems(message: ChatMessage) {
  switch (message.role) {
    case "user": {
      const { name } = message;
      const text = name ? `${name}: ${message.text}` : message.text;
      return [{
        type: "message" as const,
        role: "user" as const,
        content: [{ type: "input_text" as const, text }, ...imagesOf(message.images)],
      }];
    }
    case "assistant": {
      const { text, toolCalls = [] } = message;
      const calls = toolCalls.map(({ id, name, input }) => ({
        type: "function_call" as const,
        call_id: id,
        name,
        arguments: JSON.stringify(input),
      }));
      if (!/\S/.test(text)) return calls;
      return [{
        type: "message" as const,
        role: "assistant" as const,
        content: [{ type: "output_text" as const, text }],
      }, ...calls];
    }
    case "tool": {
      const content = imagesOf(message.images);
      return [
        {
          type: "function_call_output" as const,
          call_id: message.callId,
          output: message.text,
        },
        // An output has no place for them.
        ...content.length === 0
          ? []
          : [{ type: "message" as const, role: "user" as const, content }],
      ];
    }
    default:
      return [];
  }
}

/** Returns images as parts of a message. */
export function imagesOf(images: readonly ToolImage[] = []) {
  return images.map(({ mediaType, data }) => ({
    type: "input_image" as const,
    image_url: `data:${mediaType};base64,${data.toBase64()}`,
  }));
}
