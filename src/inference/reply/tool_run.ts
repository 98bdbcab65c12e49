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

/** One call of a tool, from its start to its outcome, which may come after the output was due. */
export class ToolRun {
  /** Resolves with the first outcome. Never rejects. */
  readonly ended: Promise<ToolResult>;
  readonly #ended = Promise.withResolvers<ToolResult>();
  readonly #controller = new AbortController();
  readonly #followers: (() => void)[] = [];
  #result: ToolResult | undefined;

  constructor(
    readonly call: ToolCall,
    readonly tool: Tool | undefined,
    readonly participant: Participant | undefined,
  ) {
    this.ended = this.#ended.promise;
  }

  /** Aborted when it is interrupted, where the tool declares it. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The latest outcome; `undefined` while it runs. */
  get result(): ToolResult | undefined {
    return this.#result;
  }

  /** Whether people cannot interrupt the agent now. */
  get refusesInterruption(): boolean {
    return !this.#result && this.tool?.onInterruption === "refuse";
  }

  /** The message that answers the call, as far as its outcome is known now. */
  get output(): Extract<ChatMessage, { role: "tool" }> {
    const { id: callId, name } = this.call;
    const { text, isError } = this.#result ?? UNKNOWN_OUTCOME;
    return { role: "tool", callId, name, text, isError };
  }

  /** Calls `follower` at each outcome from now on: one, and another if the tool succeeds too late. */
  follow(follower: () => void): void {
    this.#followers.push(follower);
  }

  /** The agent was interrupted. */
  interrupt(): void {
    if (this.#result || this.tool?.onInterruption !== "abort") return;
    this.#controller.abort(new DOMException("the agent was interrupted", "AbortError"));
  }

  /** Notes an outcome. */
  end(result: ToolResult): void {
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
