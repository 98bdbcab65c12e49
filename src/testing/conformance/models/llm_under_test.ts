/** What the author of a language model's adapter implements for its conformance kit. @module */
import type { LLM, LLMPart } from "../../../inference/contracts/llm.ts";
import { checkOptions } from "../../../events/checks.ts";
import type { VirtualClock } from "../../virtual_clock.ts";
import { type ServiceAct, type ServiceUnderTest, startService } from "./service_act.ts";

/** What the model behind an adapter does with a request. */
export interface LLMAct extends ServiceAct {
  /** The parts of the reply: text, tool calls, usage, the reason for its end. Default: none. */
  readonly parts?: readonly LLMPart[];
}

/** A language model, and the service behind it. */
export interface LLMUnderTest extends ServiceUnderTest {
  /** The model. */
  readonly llm: LLM;
  /** The model's clock, if it is a virtual one. */
  readonly clock?: VirtualClock;
}

/** Creates a model for one test, in front of a service that does this; the last act is repeated. */
export type LLMFactory = (acts: readonly LLMAct[]) => LLMUnderTest | Promise<LLMUnderTest>;

/** Options for {@linkcode llmOverHttp}. */
export interface LLMOverHttpOptions {
  /** Returns the adapter for a service at this address. */
  create: (baseUrl: string) => LLM | Promise<LLM>;
  /** The content type of the service's replies, e.g. `"text/event-stream"`. */
  contentType: string;
  /** Returns the parts as the service writes them, a piece for each; `end` is after the last one. */
  encode: (parts: readonly LLMPart[]) => { pieces: readonly string[]; end: string };
}

/**
 * Returns a factory for an adapter of a service over HTTP. It starts a real server on the loopback for
 * each test, so the author says only how the service writes its replies.
 */
export function llmOverHttp(options: LLMOverHttpOptions): LLMFactory {
  checkOptions(
    options,
    "options",
    { create: true, contentType: true, encode: true },
    "an object like { create, contentType, encode }",
  );
  const { create, contentType, encode } = options;
  return async (acts) => {
    const service = startService(acts, contentType, ({ parts = [], end: ends = "complete" }) => {
      const { pieces, end } = encode(parts);
      const whole = ends === "complete" ? [...pieces, end] : pieces;
      return whole.map((text) => new TextEncoder().encode(text));
    });
    return { ...service, llm: await create(service.baseUrl) };
  };
}
