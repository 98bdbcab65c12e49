/** One call of a tool, which may outlive the reply that made it. @module */
import type { OutboundAudioTrack } from "../../edge/audio_track.ts";
import type { Participant } from "../../edge/types.ts";
import type { MessageToolCall } from "../../edge/conversation.ts";
import type { ChatMessage, ToolCall } from "../contracts/messages.ts";
import type { Tool, ToolResult } from "../contracts/tool.ts";

/** The output of a call whose outcome is not known when the output is due. */
export const UNKNOWN_OUTCOME: ToolResult = {
  text:
    "interrupted, outcome unknown: it may have acted, so do not call it again for the same thing",
  isError: false,
};

/** The output of a call that runs in the background. */
const IN_BACKGROUND: ToolResult = {
  text:
    "it runs in the background, and its result follows: do not call it again for the same thing",
  isError: false,
};

/** One call of a tool, from its start to its outcome, which may come after the output was due. */
export class ToolRun {
  /** Resolves with the first outcome. Never rejects. */
  readonly ended: Promise<ToolResult>;
  readonly #ended = Promise.withResolvers<ToolResult>();
  readonly #controller = new AbortController();
  readonly #closing = new AbortController();
  readonly #followers: ((progress?: string) => void)[] = [];
  #result: ToolResult | undefined;
  #isAbandoned = false;
  #wasAwaited = false;
  /** Whether it hands the call over, or another one has before it: its result needs no telling. */
  isHandoff = false;
  /** Whether it belongs to a reply that is written, and not said. */
  isInText = false;
  /** Whether it ends the call, and waits for that: the end of the call does not wait for it. */
  endsCall = false;
  /** What the agent says at the end of the call that it ends. */
  lastWords = "";

  constructor(
    readonly call: ToolCall,
    readonly tool: Tool | undefined,
    readonly participant: Participant | undefined,
    /** The track of the only participant who hears the reply that made it. */
    readonly track?: OutboundAudioTrack,
  ) {
    this.ended = this.#ended.promise;
  }

  /** The only participant who hears the reply that made it: others are told nothing of it. */
  get to(): Participant | undefined {
    return this.track?.to;
  }

  /** Aborted when it is interrupted, where the tool declares it. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Aborted when its outcome is not waited for any more, as the call is over. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** The latest outcome; `undefined` while it runs. */
  get result(): ToolResult | undefined {
    return this.#result;
  }

  /** Whether the reply that called it waits for its outcome, and tells people of it. */
  get isAwaited(): boolean {
    return !this.#result && !this.#isAbandoned && !this.tool?.background;
  }

  /** Whether the reply that called it waited for its latest outcome. */
  get wasAwaited(): boolean {
    return this.#wasAwaited;
  }

  /** Whether people cannot interrupt the agent now. */
  get refusesInterruption(): boolean {
    return this.isAwaited && this.tool?.onInterruption === "refuse";
  }

  /** The message with the output of the call, as far as its outcome is known now. */
  get output(): Extract<ChatMessage, { role: "tool" }> {
    const { id: callId, name } = this.call;
    const { text, isError, images } = this.#result ??
      (this.tool?.background ? IN_BACKGROUND : UNKNOWN_OUTCOME);
    return { role: "tool", callId, name, text, isError, ...images ? { images } : {} };
  }

  /**
   * Calls `follower` with each report of progress, and without one at each outcome: one, and another if
   * the tool succeeds too late.
   */
  follow(follower: (progress?: string) => void): void {
    this.#followers.push(follower);
  }

  /** The reply that called it was interrupted. */
  interrupt(): void {
    if (!this.isAwaited) return;
    this.abandon();
    if (this.tool?.onInterruption !== "abort") return;
    this.#controller.abort(new DOMException("the agent was interrupted", "AbortError"));
  }

  /** The reply that called it does not wait any more. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  /** The call is over: its outcome counts as unknown, and its time is up. */
  giveUp(): void {
    this.end(UNKNOWN_OUTCOME);
    this.#closing.abort(new DOMException("the call is over", "AbortError"));
  }

  /** Notes how far it is. */
  progress(text: string): void {
    for (const follower of this.#followers) follower(text);
  }

  /** Notes an outcome. */
  end(result: ToolResult): void {
    this.#wasAwaited = this.isAwaited;
    this.#result = result;
    this.#ended.resolve(result);
    for (const follower of this.#followers) follower();
  }
}

/** Returns a call that a transcript has kept, of an agent that has left. */
export function recordedRun(
  { id, name, input, result, isError = false }: MessageToolCall,
): ToolRun {
  const run = new ToolRun({ id, name, input }, undefined, undefined);
  run.end(result === undefined ? UNKNOWN_OUTCOME : { text: result, isError });
  return run;
}
