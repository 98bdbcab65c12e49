/**
 * The contract of a realtime model as tests: one call registers all of them.
 *
 * @module
 */
import { checkOptions } from "../../../events/checks.ts";
import type { ConformanceTest } from "../conformance.ts";
import type { RealtimeFactory } from "./realtime_under_test.ts";
import { RealtimeFixture, type RealtimePartOfContract } from "./realtime_fixture.ts";
import { realtimeFailures } from "./realtime_failures.ts";
import { realtimeReplies } from "./realtime_replies.ts";
import { realtimeSettings } from "./realtime_settings.ts";
import { checkFactory, registerTests } from "./model_test.ts";

/** Options for {@linkcode realtimeConformance}. */
export interface RealtimeConformanceOptions {
  /** The prefix of each test's name. */
  name: string;
  /**
   * Whether a service over a network is behind the model: it refuses, is cut off, keeps a socket open.
   * Default `true`.
   */
  network?: boolean;
  /**
   * Whether its sessions have `commitTurn`; `"replies"` where the model replies by itself to a turn that
   * was ended so. Default `true`.
   */
  commit?: boolean | "replies";
  /** Whether its sessions have `update`. Default `true`. */
  update?: boolean;
  /** Whether it has `textOutput`. Default `true`. */
  text?: boolean;
  /** Milliseconds that the kit waits for what is expected. Default 10,000. */
  limitMs?: number;
}

/**
 * Returns the contract as a list of tests, each on its own model from `factory`.
 *
 * @throws {TypeError} `factory` is not a function, or `options` is not an object
 */
export function realtimeConformanceTests(
  factory: RealtimeFactory,
  options: RealtimeConformanceOptions,
): ConformanceTest[] {
  checkFactory(factory);
  checkOptions(options, "options", {
    name: true,
    network: true,
    commit: true,
    update: true,
    text: true,
    limitMs: true,
  }, "an object like { name }");
  const has: { readonly [Part in RealtimePartOfContract]: boolean } = {
    network: options.network ?? true,
    commit: options.commit !== false,
    update: options.update ?? true,
    text: options.text ?? true,
  };
  const contract = { ...realtimeReplies, ...realtimeSettings, ...realtimeFailures };
  return Object.entries(contract).map(([name, { part, test }]) => ({
    name,
    ignore: part !== undefined && !has[part],
    run: async () => {
      await using fixture = new RealtimeFixture(factory, {
        limitMs: options.limitMs ?? 10_000,
        repliesByItself: options.commit === "replies",
      });
      await test(fixture);
    },
  }));
}

/**
 * Registers the whole contract as tests of a realtime model. A model that passes them works with
 * `Agent` like any other: also when its service is silent, busy, refuses, or breaks off. Parts that the
 * options leave out are reported as ignored.
 *
 * @throws {TypeError} `factory` is not a function, or `options` is not an object
 *
 * @example
 * ```ts ignore
 * import { realtimeConformance } from "@ringline/edge/testing";
 *
 * realtimeConformance((act) => new MyServiceUnderTest(act), { name: "my-realtime" });
 * ```
 */
export function realtimeConformance(
  factory: RealtimeFactory,
  options: RealtimeConformanceOptions,
): void {
  const tests = realtimeConformanceTests(factory, options);
  registerTests(options.name, tests);
}
