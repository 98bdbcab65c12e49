/**
 * The contract of an edge as tests: one call registers all of them.
 *
 * @module
 */
import type { ConformanceOptions, EdgeFactory } from "./under_test.ts";
import { type Contract, Fixture } from "./fixture.ts";
import { customEvents } from "./custom_events.ts";
import { endings } from "./endings.ts";
import { media } from "./media.ts";
import { presence } from "./presence.ts";

/** One test of the contract, to run without `Deno.test`. */
export interface ConformanceTest {
  /** A sentence of what an edge does. */
  readonly name: string;
  /** Rejects when the edge does not do it. */
  run(): Promise<void>;
}

/**
 * Returns the contract as a list of tests, each on its own edge from `factory`.
 *
 * @throws {TypeError} `factory` is not a function
 */
export function conformanceTests(
  factory: EdgeFactory,
  options: ConformanceOptions,
): ConformanceTest[] {
  if (typeof factory !== "function") {
    const got = factory === null ? "null" : typeof factory;
    throw new TypeError(`factory must be a function that creates an edge under test, got ${got}`);
  }
  const contract: Contract = { ...presence, ...media, ...customEvents, ...endings };
  return Object.entries(contract).map(([name, test]) => ({
    name,
    run: async () => {
      const fixture = new Fixture(await factory(), options);
      try {
        await test(fixture);
      } finally {
        await fixture.close();
      }
    },
  }));
}

/**
 * Registers the whole contract as tests of an edge. An edge that passes them works with `Agent` like
 * any other.
 *
 * @throws {TypeError} `factory` is not a function
 *
 * @example
 * ```ts ignore
 * import { edgeConformance, MemoryEdge, memoryEdgeUnderTest } from "@ringline/edge/testing";
 *
 * edgeConformance(() => memoryEdgeUnderTest(), { name: MemoryEdge.name });
 * ```
 */
export function edgeConformance(factory: EdgeFactory, options: ConformanceOptions): void {
  for (const { name, run } of conformanceTests(factory, options)) {
    Deno.test(`${options.name}: ${name}`, run);
  }
}
