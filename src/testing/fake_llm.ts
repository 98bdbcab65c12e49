/** A language model for tests. @module */
import { checkClock, type Clock } from "../events/clock.ts";
import type { JsonValue } from "../edge/types.ts";
import type { FinishReason, LLM, LLMPart, LLMRequest } from "../inference/contracts/llm.ts";
import { checkObject } from "../events/checks.ts";
import { promiseIn } from "../events/user_code.ts";
import { sleep } from "../events/waiting.ts";

/** One reply of a {@linkcode FakeLLM}. */
export interface FakeLLMReply {
  /** The text, which arrives word by word. */
  text?: string;
  /** Milliseconds before the first word. Default 0. */
  firstTokenMs?: number;
  /** Milliseconds between words. Default 0. */
  tokenMs?: number;
  /** Tools that it calls after the text. */
  calls?: { name: string; input: JsonValue }[];
  /** Thrown after the text and before any call. */
  error?: unknown;
  /** Whether it hangs after the text and never ends. */
  hangs?: boolean;
  /** Why it ends. Default: the model does not say. */
  finish?: FinishReason;
}

/** A reply, or a function that returns one for a request. */
export type FakeReply = string | FakeLLMReply | ((request: LLMRequest) => string | FakeLLMReply);

/**
 * A language model that follows a script, in a clock's time, and records its requests.
 *
 * @example
 * ```ts
 * import { FakeLLM, VirtualClock } from "@ringline/edge/testing";
 *
 * const llm = new FakeLLM(new VirtualClock(), ["Hello.", { text: "Well.", firstTokenMs: 300 }]);
 * console.log(llm.name); // fake-llm
 * ```
 */
export class FakeLLM implements LLM {
  /** The name in messages. */
  readonly name = "fake-llm";
  /** Whether it accepts images. */
  acceptsImages = false;
  /** All requests so far. */
  readonly requests: LLMRequest[] = [];
  /** How many requests were aborted before their reply was complete. */
  aborted = 0;
  readonly #clock: Clock;
  readonly #script: FakeReply[];
  #calls = 0;

  /**
   * Creates a model.
   *
   * @param script one reply for each request; repeats the last one
   */
  constructor(clock: Clock, script: readonly FakeReply[] = ["All right."]) {
    checkClock(clock);
    this.#clock = clock;
    this.#script = [...script];
  }

  /** Returns the number of requests. */
  metrics(): Readonly<Record<string, number>> {
    return { requests: this.requests.length };
  }

  /** Replies as the script says. */
  async *generate(request: LLMRequest): AsyncGenerator<LLMPart, void, void> {
    const { signal } = request;
    this.requests.push({ ...request, messages: [...request.messages] });
    const entry = this.#script.length > 1 ? this.#script.shift()! : this.#script[0] ?? "";
    const scripted = typeof entry === "function" ? entry(request) : entry;
    if (typeof scripted !== "string") {
      checkObject(scripted, "a reply", "a string, or an object like { text }");
    }
    const promise = promiseIn<unknown>(scripted);
    promise?.catch(() => {});
    if (promise) {
      throw new TypeError("expected a reply, got a promise: prepare it before the request");
    }
    const parts = typeof scripted === "string" ? { text: scripted } : scripted;
    const { text = "", firstTokenMs = 0, tokenMs = 0, calls = [], error, hangs, finish } = parts;
    try {
      await sleep(firstTokenMs, { clock: this.#clock, signal });
      let isFirst = true;
      for (const word of text.match(/\s*\S+\s*$|\s*\S+/g) ?? []) {
        if (!isFirst) await sleep(tokenMs, { clock: this.#clock, signal });
        isFirst = false;
        yield { type: "text", text: word };
      }
      if (hangs) await sleep(Infinity, { clock: this.#clock, signal });
    } catch (reason) {
      if (signal.aborted) this.aborted++;
      throw reason;
    }
    if (error) throw error;
    for (const { name, input } of calls) {
      yield { type: "tool-call", call: { id: `call-${++this.#calls}`, name, input } };
    }
    if (finish) yield { type: "finish", reason: finish };
  }
}
