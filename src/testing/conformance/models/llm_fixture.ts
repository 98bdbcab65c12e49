/** The fixture of a test of a language model: the model, its requests, and what came of them. @module */
import type { LLM, LLMPart, LLMRequest } from "../../../inference/contracts/llm.ts";
import type { LLMAct, LLMFactory, LLMUnderTest } from "./llm_under_test.ts";
import { collect, type Collected } from "./model_test.ts";
import { TestTime } from "../test_time.ts";

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
export class LLMFixture implements AsyncDisposable {
  #underTest: LLMUnderTest | undefined;
  #time: TestTime;

  constructor(readonly factory: LLMFactory, readonly limitMs: number) {
    this.#time = new TestTime(undefined, limitMs);
  }

  /** Creates the model whose service does this; the one before is closed. */
  async create(...acts: LLMAct[]): Promise<LLM> {
    await this[Symbol.asyncDispose]();
    const underTest = await this.factory(acts);
    this.#underTest = underTest;
    this.#time = new TestTime(underTest.clock, this.limitMs);
    return underTest.llm;
  }

  get time(): TestTime {
    return this.#time;
  }

  /** The time that has passed, in milliseconds. */
  now(): number {
    return this.#underTest?.clock?.now() ?? performance.now();
  }

  /** How many requests the service was sent; `undefined` where that is unknown. */
  get requests(): number | undefined {
    return this.#underTest?.requests?.();
  }

  /** Waits until no request is open. */
  async nothingLeft(): Promise<void> {
    const count = () => this.#underTest?.openRequests?.() ?? 0;
    await this.#time.eventually(() => count() === 0, `${count()} open requests are closed`);
  }

  /** Asks the model, and reads the reply to its end. */
  async reply(llm: LLM, change: Partial<LLMRequest> = {}): Promise<Collected<LLMPart>> {
    return await this.#time.until(collect(llm.generate(request(change))), "the reply's end");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#underTest?.[Symbol.asyncDispose]();
    this.#underTest = undefined;
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
