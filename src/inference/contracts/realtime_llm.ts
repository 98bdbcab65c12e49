/** The contract of a realtime model, which takes and returns audio. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Participant } from "../../edge/types.ts";
import type { Component, ComponentContext } from "./component.ts";
import type { InferenceError } from "./errors.ts";
import type { ChatMessage, ToolCall, ToolImage } from "./messages.ts";
import type { ToolDescription, ToolResult } from "./tool.ts";

/** Options for a session with a realtime model. */
export interface RealtimeSessionOptions extends ComponentContext {
  /** The system instructions. */
  readonly instructions: string;
  /** The tools it may call. */
  readonly tools: readonly ToolDescription[];
  /**
   * What its replies consist of: audio and its text, or text alone, which the agent's own voice speaks.
   * Default `"audio"`; `"text"` only where the model has `textOutput`.
   */
  readonly output?: "audio" | "text";
  /** The conversation so far, for a session that replaces a lost one; tool calls included. */
  readonly history: readonly ChatMessage[];
}

/** How a reply of a realtime model ended, as far as the model goes: it may still be played. */
export type RealtimeReplyStatus =
  /** All of it has come. */
  | "completed"
  /** It was cancelled: a person spoke, or `interrupt` was called. */
  | "cancelled"
  /** The service cut it off, for its length or its content. */
  | "incomplete"
  /** The service failed. */
  | "failed";

/** An event of a realtime model. */
export type RealtimeEvent =
  /** A person began to speak: the model's speech must stop. */
  | { readonly type: "speech-started" }
  /** The person stopped. With `awaitsReply` the model does not reply by itself: it is to be asked. */
  | { readonly type: "speech-stopped"; readonly awaitsReply?: boolean }
  /**
   * The transcript of the person; `text` is all of it so far. With an `error` the transcription has
   * failed: `text` is what there was of it, and no more comes.
   */
  | {
    readonly type: "user-transcript";
    readonly id: string;
    readonly text: string;
    readonly final: boolean;
    readonly error?: unknown;
  }
  /** A reply began: the one that `requestReply` asked for, or one of the model's own accord. */
  | { readonly type: "reply-started"; readonly replyId: string; readonly requestId?: string }
  /**
   * The reply that was asked for does not come. If the error is `retryable`, it is asked for again: as
   * where the model had just begun a reply of its own accord, when that has ended.
   */
  | { readonly type: "reply-refused"; readonly requestId: string; readonly error: InferenceError }
  /** Audio of a reply. Valid until the next event is requested. */
  | { readonly type: "audio"; readonly replyId: string; readonly pcm: PcmChunk }
  /** More of the text of a reply. */
  | { readonly type: "text"; readonly replyId: string; readonly text: string }
  /**
   * A call of a tool, whole. With a `fault` the call must not run, since it was cut off or cancelled:
   * its output is that it did not.
   */
  | {
    readonly type: "tool-call";
    readonly replyId: string;
    readonly call: ToolCall;
    readonly fault?: string;
  }
  /** A reply is over for the model. `error`: why it failed, `reason`: why it is incomplete. */
  | {
    readonly type: "reply-ended";
    readonly replyId: string;
    /** Default `"completed"`. */
    readonly status?: RealtimeReplyStatus;
    readonly reason?: string;
    readonly error?: InferenceError;
    /** Its tokens, where the service says how many, the conversation before it included. */
    readonly usage?: { readonly inputTokens: number; readonly outputTokens: number };
  }
  /** The service ends the session after so many milliseconds: another is to replace it before. */
  | { readonly type: "session-ending"; readonly timeLeftMs: number }
  /** A failure that the session survives. */
  | { readonly type: "error"; readonly error: unknown };

/** A speech-to-speech model, which also decides when a turn is over. */
export interface RealtimeLLM extends Component {
  /** The model's name at its service, for telemetry, e.g. `"gpt-realtime-2.1"`. */
  readonly model?: string;
  /** Whose service it is, for telemetry, e.g. `"openai"`. */
  readonly provider?: string;
  /** Sample rate of the mono PCM that it takes. */
  readonly inputRate: number;
  /** Whether it accepts images. */
  readonly acceptsImages?: boolean;
  /** Whether it can reply in text alone, for a voice of another model. */
  readonly textOutput?: boolean;
  /**
   * Opens a session; rejects within the signal's time when the service refuses. A rejection with an
   * `InferenceError` that is `retryable` is an outage: the agent joins its call and tries again.
   */
  connect(options: RealtimeSessionOptions): Promise<RealtimeSession>;
}

/** A reply to ask a realtime model for. */
export interface RealtimeReplyRequest {
  /** Names the request in the events of its reply. */
  readonly id: string;
  /** What it is to say, word for word as well as it can. Default: a reply to the conversation. */
  readonly say?: string;
}

/**
 * A session with a realtime model. Iterating yields its events and ends with the session: normally
 * when it was closed, by throwing when it was lost.
 */
export interface RealtimeSession extends AsyncIterable<RealtimeEvent>, AsyncDisposable {
  /** Sends 20 ms of audio. Must not block; `pcm` is valid during the call only. */
  sendAudio(pcm: PcmChunk, participant: Participant): void;
  /** Adds an image to the conversation: what a participant shows, or a late result of a tool. */
  sendImage?(image: ToolImage): void;
  /**
   * Adds a text to the conversation. The model does not reply to it before it is asked to.
   *
   * @param options.role `"assistant"` for what the agent has said without the model; only a model with
   *   `textOutput` gets it. Default `"user"`.
   */
  sendText(
    text: string,
    options: { readonly name?: string; readonly role?: "user" | "assistant" },
  ): void;
  /** Adds a tool's result to the conversation, likewise, its images included where it takes any. */
  sendToolResult(callId: string, result: ToolResult): void;
  /**
   * Asks for a reply. Called while no reply is in progress and none is asked for; one that the model
   * begins at the same moment can make it refuse. A `"reply-started"` or a `"reply-refused"` follows.
   */
  requestReply(request: RealtimeReplyRequest): void;
  /**
   * Stops a reply of which the person heard `heardMs`: the model keeps that much. May be called for a
   * reply that has ended, or that has no audio yet.
   *
   * @param heardText what they heard of it in words, for a reply in text
   */
  interrupt(replyId: string, heardMs: number, heardText?: string): void;
  /**
   * Changes instructions and tools from the next reply on. Without it the session is replaced by
   * another, with the conversation so far. Resolves when the service has confirmed it, or the session
   * is over; where it throws or rejects, as the service refuses it, the agent goes on as before.
   */
  update?(
    options: { readonly instructions: string; readonly tools: readonly ToolDescription[] },
  ): void | Promise<void>;
  /**
   * Ends the turn of the person: no more of their audio comes, and the model has not noticed. A
   * `"speech-stopped"` follows.
   */
  commitTurn?(): void;
}
