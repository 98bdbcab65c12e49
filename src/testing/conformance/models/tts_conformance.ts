/**
 * The contract of text to speech as tests: one call registers all of them.
 *
 * @module
 */
import { checkOptions } from "../../../events/checks.ts";
import type { ConformanceTest } from "../conformance.ts";
import { checkFactory, registerTests } from "./model_test.ts";
import type { TTSFactory } from "./tts_under_test.ts";
import { ttsContract, TTSFixture } from "./tts_contract.ts";

/** Options for {@linkcode ttsConformance}. */
export interface TTSConformanceOptions {
  /** The prefix of each test's name. */
  name: string;
  /** Whether a service over a network is behind the voice. Default `true`. */
  network?: boolean;
  /** Milliseconds that the kit waits for what is expected. Default 10,000. */
  limitMs?: number;
}

/**
 * Returns the contract as a list of tests, each on its own voice from `factory`.
 *
 * @throws {TypeError} `factory` is not a function, or `options` is not an object
 */
export function ttsConformanceTests(
  factory: TTSFactory,
  options: TTSConformanceOptions,
): ConformanceTest[] {
  checkFactory(factory);
  checkOptions(
    options,
    "options",
    { name: true, network: true, limitMs: true },
    "an object like { name }",
  );
  const { network = true, limitMs = 10_000 } = options;
  return Object.entries(ttsContract).map(([name, { part, test }]) => ({
    name,
    ignore: part === "network" && !network,
    run: async () => {
      await using fixture = new TTSFixture(factory, limitMs);
      await test(fixture);
    },
  }));
}

/**
 * Registers the whole contract as tests of a voice. A voice that passes them works with `Agent` like any
 * other: also when its service is slow, silent, busy, refuses, or breaks off.
 *
 * @throws {TypeError} `factory` is not a function, or `options` is not an object
 *
 * @example A voice of an OpenAI-compatible service
 * ```ts ignore
 * import { ttsConformance, ttsOverHttp } from "@ringline/edge/testing";
 *
 * const create = (baseUrl: string) => openAICompatible({ baseUrl }).tts({ model: "t", voice: "v" });
 * ttsConformance(ttsOverHttp({ create }), { name: "openai-tts" });
 * ```
 */
export function ttsConformance(factory: TTSFactory, options: TTSConformanceOptions): void {
  const tests = ttsConformanceTests(factory, options);
  registerTests(options.name, tests);
}
