/** The contract of a language model. @module */
import type { JsonValue } from "../../edge/types.ts";
import type { Component } from "./component.ts";
import type { ChatMessage, ToolCall } from "./messages.ts";
import type { ToolDescription } from "./tool.ts";

/** A request to a language model. */
export interface LLMRequest {
  /** Instructions first, then the conversation, oldest first. Valid during the call only. */
  readonly messages: readonly ChatMessage[];
  /** The tools it may call; may be empty. */
  readonly tools: readonly ToolDescription[];
  /** Aborted when the reply is no longer wanted: stop generating, and paying. */
  readonly signal: AbortSignal;
}

/** A part of a language model's reply. */
export type LLMPart =
  /** Text to say, as the model streams it. */
  | { readonly type: "text"; readonly text: string }
  /** A tool call with all its arguments. */
  | { readonly type: "tool-call"; readonly call: ToolCall }
  /** Tokens used. */
  | { readonly type: "usage"; readonly inputTokens: number; readonly outputTokens: number }
  /** The last part: why the reply ended, where the model says so. */
  | {
    readonly type: "finish";
    readonly reason: FinishReason;
    /** The service's own word for it, or its explanation. */
    readonly detail?: string;
    /**
     * What the adapter needs back with the text in later requests, of a reply that calls no tools: what a
     * call needs is with the call.
     */
    readonly metadata?: JsonValue;
  };

/**
 * Why a reply ended: it was complete, it calls tools, it reached the limit of tokens, it was withheld by
 * a filter or refused, or another reason.
 */
export type FinishReason = "stop" | "tool-calls" | "length" | "content-filter" | "other";

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
  /** The model's name at its service, for telemetry, e.g. `"gpt-6.1-terra"`. */
  readonly model?: string;
  /** Whose service it is, for telemetry, e.g. `"openai"`. */
  readonly provider?: string;
  /** Whether it accepts images. Default `false`: it gets none. */
  readonly acceptsImages?: boolean;
  /**
   * Replies. Throws `InferenceError` (`retryable` when another try may succeed) where the service
   * fails, and the signal's reason when aborted. A promise of the parts, which an `async`
   * function that is no generator returns, is awaited within the time for the first part.
   */
  generate(request: LLMRequest): AsyncIterable<LLMPart>;
}
