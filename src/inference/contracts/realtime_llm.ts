import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Participant } from "../../edge/types.ts";
import type { Component, ComponentContext } from "./component.ts";
import type { ChatMessage, EncodedImage, ToolCall } from "./messages.ts";
import type { ToolDescription } from "./tool.ts";

/** How a session with a realtime model begins. */
export interface RealtimeSessionOptions extends ComponentContext {
  /** What it is told to be. */
  readonly instructions: string;
  /** What it may call. */
  readonly tools: readonly ToolDescription[];
  /** What was said before, for a session that takes over from one that was lost. */
  readonly history: readonly ChatMessage[];
}

/** What a realtime model does. */
export type RealtimeEvent =
  /** A person began to speak: what the model says is to be silenced. */
  | { readonly type: "speech-started" }
  /** The person stopped. */
  | { readonly type: "speech-stopped" }
  /** What the person said; `text` is all of it so far. */
  | {
    readonly type: "user-transcript";
    readonly id: string;
    readonly text: string;
    readonly final: boolean;
  }
  /** Sound of an answer. Valid until the next event is asked for. */
  | { readonly type: "audio"; readonly answerId: string; readonly pcm: PcmChunk }
  /** More of the words of an answer. */
  | { readonly type: "text"; readonly answerId: string; readonly text: string }
  /** An answer is complete, or was cancelled. */
  | { readonly type: "answer-ended"; readonly answerId: string }
  | { readonly type: "tool-call"; readonly call: ToolCall }
  /** Something failed that the session survives. */
  | { readonly type: "error"; readonly error: unknown };

/** A model that hears and speaks by itself, and decides on its own when a turn is over. */
export interface RealtimeLLM extends Component {
  /** Samples a second (mono) that it wants to hear. */
  readonly inputRate: number;
  /** Whether it can be shown pictures. */
  readonly acceptsImages?: boolean;
  /** Begins a session; rejects within the signal's time when the service refuses. */
  connect(options: RealtimeSessionOptions): Promise<RealtimeSession>;
}

/**
 * A conversation with a realtime model. Iterating gives what it does and ends with the session:
 * normally when it was closed, by throwing when it was lost.
 */
export interface RealtimeSession extends AsyncIterable<RealtimeEvent>, AsyncDisposable {
  /** Lets it hear 20 ms. Must not block; `pcm` is valid during the call only. */
  sendAudio(pcm: PcmChunk, participant: Participant): void;
  /** Shows it a picture. */
  sendImage?(image: EncodedImage): void;
  /** Asks it to say this, word for word as well as it can. */
  say(text: string): void;
  /** Tells it something, and asks for an answer when `respond`. */
  sendText(text: string, options: { readonly name?: string; readonly respond: boolean }): void;
  /** Gives a tool's result and asks it to go on. */
  sendToolResult(
    callId: string,
    result: { readonly text: string; readonly isError: boolean },
  ): void;
  /** Stops an answer, of which the person heard `heardMs`: that is what the model remembers. */
  interrupt(answerId: string, heardMs: number): void;
}
