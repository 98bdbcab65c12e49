/**
 * The contract of speech to text as tests: one call registers all of them.
 *
 * @module
 */
import { checkOptions } from "../../../events/checks.ts";
import type { ConformanceTest } from "../conformance.ts";
import { checkFactory, registerTests } from "./model_test.ts";
import type { STTFactory } from "./stt_under_test.ts";
import { sttContract, STTFixture } from "./stt_contract.ts";

/** Options for {@linkcode sttConformance}. */
export interface STTConformanceOptions {
  /** The prefix of each test's name. */
  name: string;
  /** Whether a service over a network is behind the recogniser. Default `true`. */
  network?: boolean;
  /** Milliseconds that the kit waits for what is expected. Default 10,000. */
  limitMs?: number;
}

/**
 * Returns the contract as a list of tests, each on its own recogniser from `factory`.
 *
 * @throws {TypeError} `factory` is not a function, or `options` is not an object
 */
export function sttConformanceTests(
  factory: STTFactory,
  options: STTConformanceOptions,
): ConformanceTest[] {
  checkFactory(factory);
  checkOptions(
    options,
    "options",
    { name: true, network: true, limitMs: true },
    "an object like { name }",
  );
  const { network = true, limitMs = 10_000 } = options;
  return Object.entries(sttContract).map(([name, { part, test }]) => ({
    name,
    ignore: part === "network" && !network,
    run: async () => {
      await using fixture = new STTFixture(factory, limitMs);
      await test(fixture);
    },
  }));
}

/**
 * Registers the whole contract as tests of a recogniser. One that passes them works with `Agent` like
 * any other: also when its service is slow, silent, busy, refuses, or breaks off.
 *
 * @throws {TypeError} `factory` is not a function, or `options` is not an object
 *
 * @example A recogniser of an OpenAI-compatible service
 * ```ts ignore
 * import { sttConformance, sttOverHttp } from "@ringline/edge/testing";
 *
 * const create = (baseUrl: string) => openAICompatible({ baseUrl }).stt({ model: "w" });
 * sttConformance(sttOverHttp({ create }), { name: "openai-stt" });
 * ```
 */
export function sttConformance(factory: STTFactory, options: STTConformanceOptions): void {
  const tests = sttConformanceTests(factory, options);
  registerTests(options.name, tests);
}
