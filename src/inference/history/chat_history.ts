import type { ChatMessage } from "../contracts/messages.ts";

/** How many messages a model is told at most, unless said otherwise. */
const DEFAULT_LIMIT = 200;

/** What the model is told of the conversation: the newest messages, tools and their results too. */
export class ChatHistory {
  readonly #messages: ChatMessage[] = [];
  readonly #limit: number;

  constructor(options: { limit?: number } = {}) {
    this.#limit = options.limit ?? DEFAULT_LIMIT;
    if (!Number.isInteger(this.#limit) || this.#limit < 1) {
      throw new RangeError(`limit must be an integer >= 1, got ${this.#limit}`);
    }
  }

  /** Oldest first. */
  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }

  append(...messages: ChatMessage[]): void {
    this.#messages.push(...messages);
    if (this.#messages.length <= this.#limit) return;
    this.#messages.splice(0, this.#messages.length - this.#limit);
    // A result without its call means nothing to a model, and some services refuse it.
    while (this.#messages[0]?.role === "tool") this.#messages.shift();
  }
}

/** A piece of text, and how much of it was heard: its first `heard` characters. */
export interface PlayedFragment {
  readonly chars: number;
  readonly heard: number;
}

/**
 * What remains of an answer's messages when only this was heard of its text, which the pieces are
 * from its beginning. Calls of tools stay where their results are there: they have happened.
 */
export function cutMessages(
  messages: readonly ChatMessage[],
  pieces: readonly PlayedFragment[],
): ChatMessage[] {
  const answered = new Set(
    messages.flatMap((message) => message.role === "tool" ? [message.callId] : []),
  );
  const kept: ChatMessage[] = [];
  let start = 0;
  for (const message of messages) {
    if (message.role !== "assistant") {
      kept.push(message);
      continue;
    }
    const text = heardOf(message.text, start, pieces);
    start += message.text.length;
    const toolCalls = message.toolCalls?.filter((call) => answered.has(call.id)) ?? [];
    if (toolCalls.length > 0) kept.push({ role: "assistant", text, toolCalls });
    else if (/\S/.test(text)) kept.push({ role: "assistant", text });
  }
  return kept;
}

/** What was heard of a text that begins so far into the pieces. */
function heardOf(text: string, start: number, pieces: readonly PlayedFragment[]): string {
  let heard = "";
  let at = -start;
  for (const piece of pieces) {
    if (at >= text.length) break;
    heard += text.slice(Math.max(0, at), Math.max(0, at + piece.heard));
    at += piece.chars;
  }
  return heard;
}
