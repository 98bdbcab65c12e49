/**
 * The contract of a language model as tests: one call registers all of them.
 *
 * @module
 */
import { checkOptions } from "../../../events/checks.ts";
import type { ConformanceTest } from "../conformance.ts";
import type { LLMFactory } from "./llm_under_test.ts";
import { type LLMContract, LLMFixture, type LLMPartOfContract } from "./llm_fixture.ts";
import { llmFailures } from "./llm_failures.ts";
import { llmReplies } from "./llm_replies.ts";
import { checkFactory, registerTests } from "./model_test.ts";

/** Options for {@linkcode llmConformance}. */
export interface LLMConformanceOptions {
  /** The prefix of each test's name. */
  name: string;
  /** Whether the model calls tools. Default `true`. */
  tools?: boolean;
  /** Whether the model tells why its reply ended, by a part `"finish"`. Default `true`. */
  finish?: boolean;
  /**
   * Whether a service over a network is behind the model: it refuses, is cut off, keeps a socket open.
   * Default `true`.
   */
  network?: boolean;
  /** Milliseconds that the kit waits for what is expected. Default 10,000. */
  limitMs?: number;
}

/**
 * Returns the contract as a list of tests, each on its own model from `factory`.
 *
 * @throws {TypeError} `factory` is not a function, or `options` is not an object
 */
export function llmConformanceTests(
  factory: LLMFactory,
  options: LLMConformanceOptions,
): ConformanceTest[] {
  checkFactory(factory);
  checkOptions(options, "options", {
    name: true,
    tools: true,
    finish: true,
    network: true,
    limitMs: true,
  }, "an object like { name }");
  const has: { readonly [Part in LLMPartOfContract]: boolean } = {
    tools: options.tools ?? true,
    finish: options.finish ?? true,
    network: options.network ?? true,
  };
  const contract: LLMContract = { ...llmReplies, ...llmFailures };
  return Object.entries(contract).map(([name, { part, test }]) => ({
    name,
    ignore: part !== undefined && !has[part],
    run: async () => {
      await using fixture = new LLMFixture(factory, options.limitMs ?? 10_000);
      await test(fixture);
    },
  }));
}

/**
 * Registers the whole contract as tests of a language model. A model that passes them works with
 * `Agent` like any other: also when its service is slow, silent, busy, refuses, or breaks off.
 *
 * @throws {TypeError} `factory` is not a function, or `options` is not an object
 *
 * @example A model of an OpenAI-compatible service
 * ```ts ignore
 * import { llmConformance, llmOverHttp } from "@ringline/edge/testing";
 *
 * const factory = llmOverHttp({
 *   create: (baseUrl) => openAICompatible({ baseUrl }).llm({ model: "m" }),
 *   contentType: "text/event-stream",
 *   encode: (parts) => ({ pieces: parts.map(toEvent), end: "data: [DONE]\n\n" }),
 * });
 * llmConformance(factory, { name: "openai-llm" });
 * ```
 */
export function llmConformance(factory: LLMFactory, options: LLMConformanceOptions): void {
  const tests = llmConformanceTests(factory, options);
  registerTests(options.name, tests);
}
