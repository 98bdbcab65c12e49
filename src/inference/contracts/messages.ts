/**
 * What a model is told of the conversation so far.
 *
 * @module
 */
import type { JsonValue } from "../../edge/types.ts";

/** A picture as models take it. */
export interface EncodedImage {
  /** How it is encoded. */
  readonly mediaType: "image/jpeg" | "image/png";
  /** The file. */
  readonly data: Uint8Array;
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
}

/** A model's wish to have a tool called. */
export interface ToolCall {
  /** Unique within the conversation. */
  readonly id: string;
  /** The name of the tool. */
  readonly name: string;
  /** The arguments as the model gave them; not checked yet. */
  readonly input: JsonValue;
}

/** One message of what a model is told. */
export type ChatMessage =
  | { readonly role: "system"; readonly text: string }
  | {
    readonly role: "user";
    readonly text: string;
    /** Who says it, where that is known. */
    readonly name?: string;
    readonly images?: readonly EncodedImage[];
  }
  | {
    readonly role: "assistant";
    readonly text: string;
    readonly toolCalls?: readonly ToolCall[];
  }
  | {
    readonly role: "tool";
    readonly callId: string;
    /** The name of the tool. */
    readonly name: string;
    /** The result as text; an error's description when `isError`. */
    readonly text: string;
    readonly isError: boolean;
  };
