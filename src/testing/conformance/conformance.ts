/**
 * The contract of an edge as tests: one call registers all of them.
 *
 * @module
 */
import { checkOptions } from "../../events/checks.ts";
import {
  type ConformanceOptions,
  type ConformanceParts,
  defaultParts,
  type EdgeFactory,
  type EdgeUnderTest,
} from "./under_test.ts";
import { type Contract, Fixture, type Test } from "./fixture.ts";
import { customEvents } from "./custom_events.ts";
import { directedAudio } from "./directed_audio.ts";
import { endings } from "./endings.ts";
import { grace } from "./grace.ts";
import { media } from "./media.ts";
import { presence } from "./presence.ts";
import { text } from "./text.ts";
import { telephone } from "./telephone.ts";

/** One test of the contract, to run without `Deno.test`. */
export interface ConformanceTest {
  /** A sentence of what an edge does. */
  readonly name: string;
  /** Whether the options leave this part of the contract out: report the test as ignored. */
  readonly ignore: boolean;
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
    throw new TypeError(`factory: expected a function that creates an edge under test, got ${got}`);
  }
  const known = { ...defaultParts, name: true, toleranceMs: true, limitMs: true };
  checkOptions(options, "options", known, "an object like { name }");
  const parts = { ...defaultParts, ...options };
  const contract: Contract = {
    ...presence,
    ...grace,
    ...media,
    ...directedAudio,
    ...customEvents,
    ...text,
    ...telephone,
    ...endings,
  };
  return Object.entries(contract).map(([name, one]) => {
    const { test, ...needs } = typeof one === "function" ? { test: one } : one;
    return {
      name,
      ignore: "part" in needs && parts[needs.part] === needs.without,
      run: () => run(factory, options, test),
    };
  });
}

async function run(factory: EdgeFactory, options: ConformanceOptions, test: Test): Promise<void> {
  const edgeUnderTest = await factory();
  const fixture = new Fixture(edgeUnderTest, options);
  try {
    checkDeclared(edgeUnderTest, { ...defaultParts, ...options });
    await test(fixture);
  } finally {
    await fixture.close();
  }
}

/** Throws when the factory has a function whose tests are not asked for: they would never run. */
function checkDeclared(edgeUnderTest: EdgeUnderTest, parts: Required<ConformanceParts>): void {
  for (const [part, name] of Object.entries(FUNCTIONS)) {
    if (edgeUnderTest[name] === undefined || parts[part as keyof typeof FUNCTIONS]) continue;
    throw new TypeError(`the factory has ${name}: pass the option ${part}: true to test it`);
  }
}

/** The members of a factory's result that the tests of a part need. */
const FUNCTIONS = {
  earlyAudio: "enterEarly",
  networkLoss: "dropNetwork",
  negotiations: "negotiations",
  openResources: "openResources",
  telephone: "numbers",
} as const satisfies { [Part in keyof ConformanceParts]: keyof EdgeUnderTest };

/**
 * Registers the whole contract as tests of an edge. An edge that passes them works with `Agent` like
 * any other. The tests of a part that the options leave out are reported as ignored.
 *
 * @throws {TypeError} `factory` is not a function
 *
 * @example
 * ```ts ignore
 * import { edgeConformance, memoryEdgeParts, memoryEdgeUnderTest } from "@ringline/edge/testing";
 *
 * edgeConformance(() => memoryEdgeUnderTest(), { name: "MemoryEdge", ...memoryEdgeParts });
 * ```
 */
export function edgeConformance(factory: EdgeFactory, options: ConformanceOptions): void {
  for (const { name, ignore, run } of conformanceTests(factory, options)) {
    Deno.test({ name: `${options.name}: ${name}`, ignore, fn: run });
  }
}
