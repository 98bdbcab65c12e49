import type { LLM, LLMPart } from "../../../src/inference/contracts/llm.ts";
import { type LLMFactory, llmOverHttp } from "../../../src/testing/mod.ts";

/** Returns a factory for an adapter of a service that replies as `/chat/completions` does. */
export function overChatCompletions(create: (baseUrl: string) => LLM): LLMFactory {
  return llmOverHttp({ create, contentType: "text/event-stream", encode });
}

function encode(parts: readonly LLMPart[]): { pieces: string[]; end: string } {
  let reason: string | undefined;
  let callCount = 0;
  const pieces = parts.map((part) => {
    switch (part.type) {
      case "text":
        return event({ content: part.text });
      case "tool-call": {
        const { id, name, input } = part.call;
        reason ??= "tool_calls";
        const call = { name, arguments: JSON.stringify(input) };
        const one = { index: callCount++, id, type: "function", function: call };
        return event({ tool_calls: [one] });
      }
      case "finish":
        reason = part.reason.replace("-", "_");
        return "";
      default:
        return "";
    }
  });
  return { pieces, end: `${event({}, reason ?? "stop")}data: [DONE]\n\n` };
}

function event(delta: object, finish_reason: string | null = null): string {
  const chunk = { id: "1", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason }] };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}
