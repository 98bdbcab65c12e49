/** The tool calls of several models in requests to one of them. @module */
import type { JsonValue } from "../../edge/types.ts";
import type { ChatMessage, ToolCall } from "../contracts/messages.ts";

/** The `metadata` of a call that one of several models made: which, under which id, and its own. */
interface Origin {
  readonly fallback: number;
  readonly id?: string;
  readonly metadata?: JsonValue;
}

/** Returns what a model of this index wants back with a text, as the history keeps it. */
export function textOrigin(metadata: JsonValue, index: number): JsonValue {
  return { fallback: index, metadata };
}

/** Returns a call of the model of this index as the history keeps it. */
export function withOrigin(call: ToolCall, index: number): ToolCall {
  const { id, metadata } = call;
  const origin = { fallback: index, id, ...metadata === undefined ? {} : { metadata } };
  return { ...call, metadata: origin };
}

/**
 * Returns messages as the model of this index takes them: its own calls as it made them; those of others
 * without what their services wanted back, and under ids that each service takes. Their rules differ: nine
 * letters and digits are within all of them.
 */
export function callsFor(messages: readonly ChatMessage[], index: number): ChatMessage[] {
  const ids = new Map<string, string>();
  return messages.map((message) => {
    if (message.role === "tool") {
      return { ...message, callId: ids.get(message.callId) ?? message.callId };
    }
    if (message.role !== "assistant") return message;
    const { metadata, ...said } = message;
    const origin = metadata as Partial<Origin> | null | undefined;
    const kept = origin?.fallback === index ? origin.metadata : undefined;
    const own = kept === undefined ? said : { ...said, metadata: kept };
    if (!message.toolCalls) return own;
    const toolCalls = message.toolCalls.map((call) => {
      const { metadata, ...rest } = call;
      const origin = metadata as Partial<Origin> | null | undefined;
      const isOwn = origin?.fallback === index;
      // One that the conversation had to give another id is no id of the service's.
      const id = isOwn && origin.id === call.id ? call.id : portableId(call.id);
      ids.set(call.id, id);
      const own = isOwn ? origin.metadata : undefined;
      return { ...rest, id, ...own === undefined ? {} : { metadata: own } };
    });
    return { ...own, toolCalls };
  });
}

/** Returns an id of nine letters and digits, the same for the same id. */
function portableId(id: string): string {
  let high = 0xdeadbeef, low = 0x41c6ce57;
  for (let n = 0; n < id.length; n++) {
    const code = id.charCodeAt(n);
    high = Math.imul(high ^ code, 0x9e3779b1);
    low = Math.imul(low ^ code, 0x5f356495);
  }
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ low;
  low = Math.imul(low ^ (low >>> 13), 0xc2b2ae35) ^ high;
  const hash = (high >>> 0) * 0x10000 + (low >>> 16);
  return hash.toString(36).padStart(9, "0").slice(-9);
}
