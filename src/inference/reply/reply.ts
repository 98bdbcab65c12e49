import type { Clock } from "../../events/clock.ts";
import type { Participant } from "../../edge/types.ts";
import type { LLM, LLMPart } from "../contracts/llm.ts";
import type { ChatMessage, ToolCall } from "../contracts/messages.ts";
import type { ToolExecutor } from "./tool_executor.ts";
import { Channel } from "../../events/channel.ts";
import { untilAborted } from "../../events/until_aborted.ts";
import { waitFor } from "../../events/waiting.ts";
import { cutMessages, type PlayedFragment } from "../history/chat_history.ts";
import { checkPart } from "./llm_part.ts";

/** What a {@linkcode Reply} is made of. */
export interface ReplyOptions {
  llm: LLM;
  toolExecutor: ToolExecutor;
  /** Instructions first, then all that was said. */
  messages: readonly ChatMessage[] | Promise<readonly ChatMessage[]>;
  participant: Participant | undefined;
  clock: Clock;
  /** How long the model may be silent before it is given up. */
  timeoutMs: number;
  /** More text was there: all of it so far. */
  onText?: (text: string) => void;
}

/** A model that calls tools so often in one answer calls them for ever. */
const MAX_ROUNDS = 8;

/**
 * A model's answer as it comes, tools included. It begins at once; what it does to the world, its
 * tools, waits until the answer is wanted for certain.
 */
export class Reply {
  /** The text, to be said as it comes. Throws what the model threw. */
  readonly text: Channel<string> = new Channel<string>();
  readonly startedMs: number;
  /** When the first text came; 0 before. */
  firstTokenMs = 0;
  readonly #options: ReplyOptions;
  readonly #controller = new AbortController();
  readonly #wanted = Promise.withResolvers<void>();
  readonly #made: ChatMessage[] = [];
  #soFar = "";
  #isWanted = false;

  constructor(options: ReplyOptions) {
    this.#options = options;
    this.startedMs = options.clock.now();
    this.#run();
  }

  /** All text so far. */
  get soFar(): string {
    return this.#soFar;
  }

  /** The answer is to be said: its tools may run, and `onText` is called. */
  want(): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    this.#wanted.resolve();
    if (this.#soFar !== "") this.#options.onText?.(this.#soFar);
  }

  /** Nobody wants it any more: the model is told to stop. */
  drop(): void {
    this.#controller.abort(new DOMException("the answer is not wanted", "AbortError"));
  }

  /** What the model remembers of it, when this was heard of its text. */
  messages(heard: readonly PlayedFragment[]): ChatMessage[] {
    return cutMessages(this.#made, heard);
  }

  async #run(): Promise<void> {
    try {
      const { clock } = this.#options;
      const { signal } = this.#controller;
      const messages = await waitFor(Promise.resolve(this.#options.messages), "the messages", {
        clock,
        signal,
      });
      for (let round = 1; await this.#round(messages, round === MAX_ROUNDS); round++);
      this.text.end();
    } catch (error) {
      this.text.fail(error);
    }
  }

  /** Asks the model once; gives whether it is to be asked again, with the tools' results. */
  async #round(messages: readonly ChatMessage[], isLast: boolean): Promise<boolean> {
    const { llm, toolExecutor, participant } = this.#options;
    const { signal } = this.#controller;
    const calls: ToolCall[] = [];
    const from = this.#soFar.length;
    // Its place among the messages is before the results; its text grows while it comes.
    const at = this.#made.push({ role: "assistant", text: "" }) - 1;
    const parts = () =>
      llm.generate({
        messages: [...messages, ...this.#made.slice(0, at)],
        tools: isLast ? [] : toolExecutor.tools,
        signal,
      });
    for await (const part of this.#watched(parts)) {
      if (part.type === "tool-call") calls.push(part.call);
      if (part.type !== "text" || part.text === "") continue;
      this.firstTokenMs ||= this.#options.clock.now();
      this.#write(part.text);
      this.#made[at] = { role: "assistant", text: this.#soFar.slice(from) };
    }
    if (calls.length === 0 || isLast) return false;
    // A sentence that announces what is being done is complete, and said while it is done.
    if (this.#soFar.length > from) this.#write("\n");
    this.#made[at] = { role: "assistant", text: this.#soFar.slice(from), toolCalls: calls };
    await waitFor(this.#wanted.promise, "the turn's end", { signal, clock: this.#options.clock });
    const results = await Promise.all(
      calls.map((call) => toolExecutor.call(call, { signal, participant })),
    );
    for (const [index, { text, isError }] of results.entries()) {
      const { id, name } = calls[index]!;
      this.#made.push({ role: "tool", callId: id, name, text, isError });
    }
    return true;
  }

  #write(text: string): void {
    this.#soFar += text;
    this.text.push(text);
    if (this.#isWanted) this.#options.onText?.(this.#soFar);
  }

  /** The parts, each within the time limit. */
  async *#watched(
    parts: () => AsyncIterable<LLMPart> | PromiseLike<AsyncIterable<LLMPart>>,
  ): AsyncGenerator<LLMPart, void, void> {
    const { clock, timeoutMs, llm } = this.#options;
    const what = `${llm.name}.generate`;
    const { signal } = this.#controller;
    const watch = () =>
      clock.schedule(() => {
        const message = `${llm.name} said nothing for ${timeoutMs} ms`;
        this.#controller.abort(new DOMException(message, "TimeoutError"));
      }, timeoutMs);
    let timer = watch();
    try {
      for await (const part of untilAborted(parts, what, signal, clock)) {
        timer[Symbol.dispose]();
        yield checkPart(part, llm.name);
        timer = watch();
      }
    } finally {
      timer[Symbol.dispose]();
    }
  }
}
