import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Participant } from "../../edge/types.ts";
import type { Component, ComponentContext } from "./component.ts";
import type { ChatMessage, EncodedImage, ToolCall } from "./messages.ts";
import type { ToolDescription } from "./tool.ts";

/** Options for a session with a realtime model. */
export interface RealtimeSessionOptions extends ComponentContext {
  /** The system instructions. */
  readonly instructions: string;
  /** The tools it may call. */
  readonly tools: readonly ToolDescription[];
  /** The conversation so far, for a session that replaces a lost one. */
  readonly history: readonly ChatMessage[];
}

/** An event of a realtime model. */
export type RealtimeEvent =
  /** A person began to speak: the model's speech must stop. */
  | { readonly type: "speech-started" }
  /** The person stopped. */
  | { readonly type: "speech-stopped" }
  /** The transcript of the person; `text` is all of it so far. */
  | {
    readonly type: "user-transcript";
    readonly id: string;
    readonly text: string;
    readonly final: boolean;
  }
  /** Audio of a reply. Valid until the next event is requested. */
  | { readonly type: "audio"; readonly replyId: string; readonly pcm: PcmChunk }
  /** More of the text of a reply. */
  | { readonly type: "text"; readonly replyId: string; readonly text: string }
  /** A reply is complete, or was cancelled. */
  | { readonly type: "reply-ended"; readonly replyId: string }
  | { readonly type: "tool-call"; readonly call: ToolCall }
  /** A failure that the session survives. */
  | { readonly type: "error"; readonly error: unknown };

/** A speech-to-speech model, which also decides when a turn is over. */
export interface RealtimeLLM extends Component {
  /** Sample rate of the mono PCM that it takes. */
  readonly inputRate: number;
  /** Whether it accepts images. */
  readonly acceptsImages?: boolean;
  /** Opens a session; rejects within the signal's time when the service refuses. */
  connect(options: RealtimeSessionOptions): Promise<RealtimeSession>;
}

/**
 * A session with a realtime model. Iterating yields its events and ends with the session: normally
 * when it was closed, by throwing when it was lost.
 */
export interface RealtimeSession extends AsyncIterable<RealtimeEvent>, AsyncDisposable {
  /** Sends 20 ms of audio. Must not block; `pcm` is valid during the call only. */
  sendAudio(pcm: PcmChunk, participant: Participant): void;
  /** Sends an image. */
  sendImage?(image: EncodedImage): void;
  /** Asks it to say this text, word for word as well as it can. */
  say(text: string): void;
  /** Sends a text, and asks for a reply when `generateReply`. */
  sendText(
    text: string,
    options: { readonly name?: string; readonly generateReply: boolean },
  ): void;
  /** Sends a tool's result and asks the model to go on. */
  sendToolResult(
    callId: string,
    result: { readonly text: string; readonly isError: boolean },
  ): void;
  /** Stops a reply of which the person heard `heardMs`: the model keeps that much. */
  interrupt(replyId: string, heardMs: number): void;
}
