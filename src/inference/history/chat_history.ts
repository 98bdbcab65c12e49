import type { Conversation } from "../../edge/conversation.ts";
import type { Participant } from "../../edge/types.ts";
import type { ChatMessage } from "../contracts/messages.ts";

/** How many messages a history keeps by default. */
const DEFAULT_LIMIT = 200;

/** The conversation as a model gets it: the newest messages, tool calls and results included. */
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

  /** Appends messages, and drops the oldest beyond the limit. */
  append(...messages: ChatMessage[]): void {
    this.#messages.push(...messages);
    if (this.#messages.length <= this.#limit) return;
    this.#messages.splice(0, this.#messages.length - this.#limit);
    // A result without its call means nothing to a model, and some services refuse it.
    while (this.#messages[0]?.role === "tool") this.#messages.shift();
  }

  /**
   * Appends what was said before the agent came, or before it came back.
   *
   * @param options.named whether messages of participants carry their user id as a name
   */
  appendConversation({ messages }: Conversation, options: { named: boolean }): void {
    for (const { role, text, userId } of messages) {
      if (!/\S/.test(text)) continue;
      this.append(options.named && role === "user" ? { role, text, name: userId } : { role, text });
    }
  }
}

/** Returns what a participant said, or the application where there is none, as a message. */
export function userMessage(
  text: string,
  participant: Participant | undefined,
): Extract<ChatMessage, { role: "user" }> {
  const name = participant && (participant.name || participant.userId);
  return name ? { role: "user", text, name } : { role: "user", text };
}

/** A fragment of a text, of which the first `playedChars` characters were played. */
export interface PlayedFragment {
  readonly chars: number;
  readonly playedChars: number;
}

/**
 * Cuts the messages of a reply down to what was played of their text, which the fragments make up
 * from its beginning. Tool calls stay where their results are there: they have happened.
 */
export function cutMessages(
  messages: readonly ChatMessage[],
  fragments: readonly PlayedFragment[],
): ChatMessage[] {
  const withResult = new Set(
    messages.flatMap((message) => message.role === "tool" ? [message.callId] : []),
  );
  const kept: ChatMessage[] = [];
  let start = 0;
  for (const message of messages) {
    if (message.role !== "assistant") {
      kept.push(message);
      continue;
    }
    const text = playedPart(message.text, start, fragments);
    start += message.text.length;
    const toolCalls = message.toolCalls?.filter((call) => withResult.has(call.id)) ?? [];
    if (toolCalls.length > 0) kept.push({ role: "assistant", text, toolCalls });
    else if (/\S/.test(text)) kept.push({ role: "assistant", text });
  }
  return kept;
}

/** Returns what was played of a text that begins `start` characters into the fragments. */
function playedPart(text: string, start: number, fragments: readonly PlayedFragment[]): string {
  let played = "";
  let at = -start;
  for (const { chars, playedChars } of fragments) {
    if (at >= text.length) break;
    played += text.slice(Math.max(0, at), Math.max(0, at + playedChars));
    at += chars;
  }
  return played;
}
