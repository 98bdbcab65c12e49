/** Several language models, of which the first that works replies. @module */
import type { ComponentContext } from "../contracts/component.ts";
import type { LLM, LLMPart, LLMRequest } from "../contracts/llm.ts";
import { type ChatMessage, type ToolCall, withoutImages } from "../contracts/messages.ts";
import type { Clock } from "../../events/clock.ts";
import { SentenceSplitter } from "../text/sentence_splitter.ts";
import { callsFor, textOrigin, withOrigin } from "./foreign_calls.ts";
import { limitSilence } from "./limit_silence.ts";
import {
  allFailed,
  checkFallback,
  ComponentHealth,
  type FallbackOptions,
} from "./component_health.ts";

/** A request of no consequence. */
const PROBE: readonly ChatMessage[] = [{ role: "user", text: "Reply with the word OK." }];

/**
 * Language models of which the first that works replies. One that fails, or says nothing in time, is
 * followed by the next; when it had replied in part, the next one goes on with the next sentence. Calls
 * of tools count only when the reply is complete, so nothing is done twice.
 *
 * While another model could take over, text is passed on by sentences.
 *
 * @example
 * ```ts
 * import { FallbackLLM } from "@ringline/edge";
 * import { openAICompatible } from "@ringline/edge/openai";
 *
 * const near = openAICompatible({ baseUrl: "http://127.0.0.1:11434/v1" });
 * const far = openAICompatible({ apiKey: "sk-..." });
 * const llm = new FallbackLLM([
 *   far.llm({ model: "gpt-6.1-terra" }),
 *   near.llm({ model: "llama3.2" }),
 * ], { timeoutMs: 3000 });
 * console.log(llm.name); // openai-llm or openai-llm
 * ```
 */
export class FallbackLLM implements LLM {
  readonly #health: ComponentHealth<LLM>;
  #asked: LLM | undefined;

  /**
   * Takes the models in their order: the first that works replies.
   *
   * @throws {TypeError} there is no model, or something that is none.
   * @throws {RangeError} `timeoutMs` is no duration.
   */
  constructor(llms: readonly LLM[], options: FallbackOptions = {}) {
    checkFallback(options);
    this.#health = new ComponentHealth(llms, {
      ...options,
      kind: "FallbackLLM",
      methods: ["generate"],
      probe: (llm, context) => this.#probe(llm, context),
    });
  }

  /** The name in messages and metrics. */
  get name(): string {
    return this.#health.name;
  }

  /** The name of the model that was asked last, for telemetry. */
  get model(): string | undefined {
    return this.#asked?.model;
  }

  /** Whose service it is, for telemetry. */
  get provider(): string | undefined {
    return this.#asked?.provider;
  }

  /** Whether one of the models accepts images; the others get none. */
  get acceptsImages(): boolean {
    return this.#health.components.some((llm) => llm.acceptsImages);
  }

  /** Starts all models. */
  start(context: ComponentContext): Promise<void> {
    return this.#health.start(context);
  }

  /** Closes all models. */
  close(): Promise<void> {
    return this.#health.close();
  }

  /** Returns how many models work, how often one failed, and the figures of each. */
  metrics(): Readonly<Record<string, number>> {
    return this.#health.metrics();
  }

  /** Replies with the first model that works. */
  async *generate(request: LLMRequest): AsyncGenerator<LLMPart, void, void> {
    const { signal } = request;
    const errors: unknown[] = [];
    const order = this.#health.order;
    let said = "";
    for (const [index, llm] of order.entries()) {
      if (index > 0) this.#health.takenOver();
      const hasNext = index < order.length - 1;
      this.#asked = llm;
      try {
        for await (const part of this.#reply(llm, continued(request, said), hasNext)) {
          if (part.type === "text") said += part.text;
          yield part;
        }
        this.#health.succeeded(llm);
        return;
      } catch (error) {
        signal.throwIfAborted();
        this.#health.failed(llm, error);
        errors.push(error);
      }
    }
    throw allFailed("no model replied", errors);
  }

  /** Yields one model's reply: what was held back of one that fails is dropped. */
  async *#reply(
    llm: LLM,
    request: LLMRequest,
    hasNext: boolean,
  ): AsyncGenerator<LLMPart, void, void> {
    const sentences = new SentenceSplitter();
    const calls: ToolCall[] = [];
    const texts = function* (list: readonly string[]): Generator<LLMPart, void, void> {
      for (const text of list) yield { type: "text", text };
    };
    const index = this.#health.components.indexOf(llm);
    for await (const part of this.#parts(llm, request)) {
      // The next model would not know of a call, and make it again.
      if (part.type === "tool-call") calls.push(withOrigin(part.call, index));
      else if (part.type === "text" && hasNext) yield* texts(sentences.push(part.text));
      else if (part.type === "finish") {
        yield* texts(sentences.end());
        for (const call of calls.splice(0)) yield { type: "tool-call", call };
        const { metadata } = part;
        yield metadata === undefined ? part : { ...part, metadata: textOrigin(metadata, index) };
      } else yield part;
    }
    yield* texts(sentences.end());
    for (const call of calls) yield { type: "tool-call", call };
  }

  #parts(llm: LLM, request: LLMRequest): AsyncIterable<LLMPart> {
    const own = callsFor(request.messages, this.#health.components.indexOf(llm));
    const messages = llm.acceptsImages ? own : own.map(withoutImages);
    return limitSilence((signal) => llm.generate({ ...request, messages, signal }), {
      name: llm.name,
      timeoutMs: this.#health.timeoutMs,
      clock: this.#health.clock,
      signal: request.signal,
      // Metadata is no first token.
      counts: (part) => part.type === "tool-call" || (part.type === "text" && part.text !== ""),
    });
  }

  async #probe(llm: LLM, { signal }: { clock: Clock; signal: AbortSignal }): Promise<void> {
    for await (const part of this.#parts(llm, { messages: PROBE, tools: [], signal })) {
      if (part.type === "text" && part.text !== "") return;
    }
  }
}

/** Returns a request for the rest of a reply of which this was said. */
function continued(request: LLMRequest, said: string): LLMRequest {
  if (said === "") return request;
  const text =
    "(Your reply broke off after the words above, which were heard. Go on with the next " +
    "sentence: repeat nothing, and do not mention the interruption. Say nothing if it was complete.)";
  const messages: ChatMessage[] = [
    ...request.messages,
    { role: "assistant", text: said },
    { role: "user", text },
  ];
  return { ...request, messages };
}
