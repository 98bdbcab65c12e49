/**
 * The contract of speech to text as tests: one call registers all of them.
 *
 * @module
 */
import type { STT } from "../../../inference/contracts/stt.ts";
import type { VirtualClock } from "../../virtual_clock.ts";
import type { ConformanceTest } from "../conformance.ts";
import { registerTests } from "./model_test.ts";
import { type ServiceAct, type ServiceUnderTest, startService } from "./service_act.ts";
import { sttContract, STTFixture } from "./stt_contract.ts";

/** What the recogniser behind an adapter does with a stretch of speech. */
export interface STTAct extends ServiceAct {
  /** The text that it understands. Default: none. */
  readonly text?: string;
}

/** A recogniser, and the service behind it. */
export interface STTUnderTest extends ServiceUnderTest {
  /** The recogniser. */
  readonly stt: STT;
  /** The recogniser's clock, if it is a virtual one. */
  readonly clock?: VirtualClock;
}

/** Creates a recogniser for one test; one act for each stretch of speech, the last one is repeated. */
export type STTFactory = (acts: readonly STTAct[]) => STTUnderTest | Promise<STTUnderTest>;

/** Options for {@linkcode sttOverHttp}. */
export interface STTOverHttpOptions {
  /** Returns the adapter for a service at this address. */
  create: (baseUrl: string) => STT | Promise<STT>;
  /** Returns the body of a response. Default: `{"text": ...}`. */
  encode?: (text: string) => string;
}

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
 * Returns a factory for an adapter of a service over HTTP that is asked once for each stretch of speech.
 * It starts a real server on the loopback for each test.
 */
export function sttOverHttp({ create, encode = toJson }: STTOverHttpOptions): STTFactory {
  return async (acts) => {
    const service = startService(acts, "application/json", ({ text = "" }) => {
      const body = new TextEncoder().encode(encode(text));
      // In two pieces, so that there is something between them.
      return [body.slice(0, body.length >> 1), body.slice(body.length >> 1)];
    });
    return { ...service, stt: await create(service.baseUrl) };
  };
}

/**
 * Returns the contract as a list of tests, each on its own recogniser from `factory`.
 *
 * @throws {TypeError} `factory` is not a function
 */
export function sttConformanceTests(
  factory: STTFactory,
  { network = true, limitMs = 10_000 }: STTConformanceOptions,
): ConformanceTest[] {
  if (typeof factory !== "function") {
    throw new TypeError(`factory must be a function of acts, got ${typeof factory}`);
  }
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
 * @throws {TypeError} `factory` is not a function
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
  registerTests(options.name, sttConformanceTests(factory, options));
}

function toJson(text: string): string {
  return JSON.stringify({ text });
}
