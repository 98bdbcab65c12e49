/** The fixture of a test of a language model: the model, its requests, and what came of them. @module */
import type { LLM, LLMPart, LLMRequest } from "../../../inference/contracts/llm.ts";
import type { LLMAct, LLMUnderTest } from "./llm_under_test.ts";
import { collect, type Collected } from "./model_test.ts";
import { ServiceFixture } from "./service_fixture.ts";

/** The parts of the contract that options leave out. */
export type LLMPartOfContract = "tools" | "finish" | "network";

/** Tests by name: a sentence of what a model does. */
export interface LLMContract {
  readonly [sentence: string]: {
    readonly part?: LLMPartOfContract;
    readonly test: (fixture: LLMFixture) => Promise<void>;
  };
}

/** Creates the models of one test, and closes them. */
export class LLMFixture extends ServiceFixture<LLMAct, LLMUnderTest> {
  /** Creates the model whose service does this; the one before is closed. */
  async create(...acts: LLMAct[]): Promise<LLM> {
    return (await this.replace(acts)).llm;
  }

  /** The time that has passed, in milliseconds. */
  now(): number {
    return this.underTest.clock?.now() ?? performance.now();
  }

  /** Asks the model, and reads the reply to its end. */
  async reply(llm: LLM, change: Partial<LLMRequest> = {}): Promise<Collected<LLMPart>> {
    return await this.time.until(collect(llm.generate(request(change))), "the reply's end");
  }
}

/** Returns a request. */
export function request(change: Partial<LLMRequest> = {}): LLMRequest {
  const { signal } = new AbortController();
  return { messages: [{ role: "user", text: "Hello" }], tools: [], signal, ...change };
}

/** Returns the text of a reply. */
export function textOf(parts: readonly LLMPart[]): string {
  return parts.map((part) => part.type === "text" ? part.text : "").join("");
}

/** Returns parts of text. */
export function texts(...list: string[]): LLMPart[] {
  return list.map((text) => ({ type: "text", text }));
}
