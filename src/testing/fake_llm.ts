import { checkClock, type Clock } from "../events/clock.ts";
import type { JsonValue } from "../edge/types.ts";
import type { LLM, LLMPart, LLMRequest } from "../inference/contracts/llm.ts";
import { checkObject } from "../events/checks.ts";
import { promiseIn } from "../events/user_code.ts";
import { sleep } from "../events/waiting.ts";

/** What a {@linkcode FakeLLM} does when it is asked once. */
export interface FakeAnswer {
  /** Comes word by word. */
  text?: string;
  /** Before the first word, in milliseconds. Default 0. */
  firstTokenMs?: number;
  /** Between words, in milliseconds. Default 0. */
  tokenMs?: number;
  /** Tools that it wants to have called after the text. */
  calls?: { name: string; input: JsonValue }[];
  /** Thrown after the text and before any call. */
  error?: unknown;
  /** Says nothing more after the text, and never ends. */
  hangs?: boolean;
}

/** An answer, or what to make one of. */
export type FakeReply = string | FakeAnswer | ((request: LLMRequest) => string | FakeAnswer);

/**
 * A language model that follows a script, in a clock's time, and remembers what it was asked.
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
  /** For messages. */
  readonly name = "fake-llm";
  /** Whether it is shown pictures. */
  acceptsImages = false;
  /** What it was asked, request by request. */
  readonly requests: LLMRequest[] = [];
  /** Requests that were aborted before they were answered. */
  aborted = 0;
  readonly #clock: Clock;
  readonly #script: FakeReply[];
  #calls = 0;

  /**
   * Has been asked nothing yet.
   *
   * @param script one reply for each request; the last one is repeated
   */
  constructor(clock: Clock, script: readonly FakeReply[] = ["All right."]) {
    checkClock(clock);
    this.#clock = clock;
    this.#script = [...script];
  }

  /** How often it was asked. */
  metrics(): Readonly<Record<string, number>> {
    return { requests: this.requests.length };
  }

  /** Follows the script. */
  async *generate(request: LLMRequest): AsyncGenerator<LLMPart, void, void> {
    const { signal } = request;
    this.requests.push({ ...request, messages: [...request.messages] });
    const reply = this.#script.length > 1 ? this.#script.shift()! : this.#script[0] ?? "";
    const made = typeof reply === "function" ? reply(request) : reply;
    if (typeof made !== "string") {
      checkObject(made, "a reply", "a text, or an object like { text }");
    }
    const promise = promiseIn<unknown>(made);
    promise?.catch(() => {});
    if (promise) throw new TypeError("a reply must be given at once, got a promise");
    const answer = typeof made === "string" ? { text: made } : made;
    const { text = "", firstTokenMs = 0, tokenMs = 0, calls = [], error, hangs } = answer;
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
  }
}
