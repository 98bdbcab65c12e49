/**
 * The conversation so far, as a model gets it.
 *
 * @module
 */
import type { JsonValue } from "../../edge/types.ts";

/** An encoded image. */
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

/** An image that a tool returns. */
export interface ToolImage {
  /** How it is encoded: `"image/png"`, `"image/jpeg"`, `"image/webp"` or `"image/gif"`. */
  readonly mediaType: string;
  /** The file. */
  readonly data: Uint8Array;
  /** Pixels, where known. */
  readonly width?: number;
  /** Pixels, where known. */
  readonly height?: number;
}

/** A model's call of a tool. */
export interface ToolCall {
  /** Unique within the conversation. */
  readonly id: string;
  /** The name of the tool. */
  readonly name: string;
  /** The arguments from the model; not checked yet. */
  readonly input: JsonValue;
  /**
   * Why the arguments could not be read, where they could not: the tool is not called, and the model
   * gets this as the result. `input` is their text then.
   */
  readonly inputError?: string;
  /**
   * What the model's adapter needs back with this call in later requests, e.g. the reasoning that led
   * to it. Its form is the adapter's.
   */
  readonly metadata?: JsonValue;
}

/** One message of the conversation. */
export type ChatMessage =
  | { readonly role: "system"; readonly text: string }
  | {
    readonly role: "user";
    readonly text: string;
    /** The speaker's name, where known. */
    readonly name?: string;
    /** What the participant shows, or the images of a tool's result that comes late. */
    readonly images?: readonly ToolImage[];
  }
  | {
    readonly role: "assistant";
    readonly text: string;
    readonly toolCalls?: readonly ToolCall[];
    /**
     * What the model's adapter needs back with the text of a reply that called no tools, where all of
     * it was heard. Its form is the adapter's.
     */
    readonly metadata?: JsonValue;
  }
  | {
    readonly role: "tool";
    readonly callId: string;
    /** The name of the tool. */
    readonly name: string;
    /** The result as text; an error's description when `isError`. */
    readonly text: string;
    readonly isError: boolean;
    /** The images of the result, for a model that accepts images. */
    readonly images?: readonly ToolImage[];
  };

/** Returns a message for a model that accepts no images. */
export function withoutImages(message: ChatMessage): ChatMessage {
  if (!("images" in message)) return message;
  const { images: _, ...rest } = message;
  return rest;
}
