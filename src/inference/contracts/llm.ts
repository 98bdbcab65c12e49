import type { Component } from "./component.ts";
import type { ChatMessage, ToolCall } from "./messages.ts";
import type { ToolDescription } from "./tool.ts";

/** What a language model is asked. */
export interface LLMRequest {
  /** Instructions first, then the conversation, oldest first. Valid during the call only. */
  readonly messages: readonly ChatMessage[];
  /** What it may call; empty when there is nothing. */
  readonly tools: readonly ToolDescription[];
  /** Aborted when nobody wants the answer any more: stop asking and stop paying. */
  readonly signal: AbortSignal;
}

/** A piece of a language model's answer. */
export type LLMPart =
  /** Text to be said, as it comes. */
  | { readonly type: "text"; readonly text: string }
  /** A tool to be called, with all its arguments. */
  | { readonly type: "tool-call"; readonly call: ToolCall }
  /** What it cost. */
  | { readonly type: "usage"; readonly inputTokens: number; readonly outputTokens: number };

/**
 * A language model.
 *
 * @example A model of one rule
 * ```ts
 * import type { LLM } from "@ringline/edge";
 *
 * const echo: LLM = {
 *   name: "echo",
 *   async *generate({ messages }) {
 *     yield { type: "text", text: `You said: ${messages.at(-1)?.text}` };
 *   },
 * };
 * ```
 */
export interface LLM extends Component {
  /** Whether it can be shown pictures. Default: it cannot, and gets none. */
  readonly acceptsImages?: boolean;
  /**
   * Replies. Throws `InferenceError` (`retryable` when trying again makes sense) where the service
   * fails, and the signal's reason when aborted. A promise of the parts, as an `async` function gives
   * that is no generator, is waited for within the time that the model has for its first part.
   */
  generate(request: LLMRequest): AsyncIterable<LLMPart>;
}
