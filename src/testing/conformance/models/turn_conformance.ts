/**
 * The contract of turn detection as tests: one call registers all of them.
 *
 * @module
 */
import { checkOptions } from "../../../events/checks.ts";
import type { TurnContext, TurnDetector } from "../../../inference/contracts/turn_detector.ts";
import type { ChatMessage } from "../../../inference/contracts/messages.ts";
import type { Participant } from "../../../edge/types.ts";
import { PcmChunk } from "../../../audio/pcm_chunk.ts";
import { systemClock } from "../../../events/clock.ts";
import { silentLogger } from "../../../events/logger.ts";
import { speechLike } from "../../sounds.ts";
import type { ConformanceTest } from "../conformance.ts";
import { expect, expectSame } from "../fixture.ts";
import { checkFactory, registerTests } from "./model_test.ts";
import { TestTime } from "../test_time.ts";

/** Creates a turn detector for one test. */
export type TurnDetectorFactory = () => TurnDetector | Promise<TurnDetector>;

/** Options for {@linkcode turnConformance}. */
export interface TurnConformanceOptions {
  /** The prefix of each test's name. */
  name: string;
  /** Milliseconds that the kit waits for a decision. Default 5,000: no agent waits for longer. */
  limitMs?: number;
}

const MAX_DELAY_MS = 30_000;

/** Texts of a turn: whole, open, of other scripts, of no words, long, and none. */
const TEXTS = [
  "What time is it?",
  "I would like to",
  "Well...",
  "\u4ECA\u4F55\u6642\u3067\u3059\u304B\u3002",
  "\u0645\u0627 \u0627\u0644\u0648\u0642\u062A\u061F",
  "?!\u{1F44B}\u{1F3FD}",
  "and then ".repeat(5000),
  "",
];

/** Audio of a turn: speech, silence, a moment, and none. */
const AUDIO = [
  speechLike(8000, { sampleRate: 16_000 }),
  new PcmChunk(new Int16Array(16_000), { sampleRate: 16_000 }),
  speechLike(20, { sampleRate: 16_000 }),
  new PcmChunk(new Int16Array(0), { sampleRate: 16_000 }),
];

function person(id: string): Participant {
  return { id, userId: id, name: id, kind: "person", original: undefined };
}

function turn(change: Partial<TurnContext> = {}): TurnContext {
  return {
    participant: person("ann"),
    text: TEXTS[0]!,
    language: "en",
    messages: [],
    audio: AUDIO[0]!,
    ...change,
  };
}

type Decide = (turn: TurnContext, signal?: AbortSignal) => Promise<number>;

/** Tests by name: a sentence of what a detector does. */
const contract: {
  readonly [sentence: string]: (decide: Decide, detector: TurnDetector) => Promise<void>;
} = {
  "any text gets a delay": async (decide) => {
    for (const text of TEXTS) await decide(turn({ text }));
  },

  "any audio gets a delay": async (decide) => {
    for (const audio of AUDIO) await decide(turn({ audio }));
    for (const audio of AUDIO) await decide(turn({ audio, text: "" }));
  },

  "any language gets a delay, known or not": async (decide) => {
    for (const language of [undefined, "de", "pt-BR", "zz"]) await decide(turn({ language }));
  },

  "a long conversation gets a delay, and is not changed": async (decide) => {
    const messages: ChatMessage[] = [{ role: "system", text: "Be brief." }];
    for (let n = 0; n < 200; n++) {
      messages.push({ role: "user", text: `Number ${n}?` }, { role: "assistant", text: "Yes." });
    }
    const before = JSON.stringify(messages);
    const audio = AUDIO[0]!.clone();
    await decide(turn({ messages, audio }));
    expect(JSON.stringify(messages) === before, "the messages are as they were");
    expectSame(audio.samples.length, AUDIO[0]!.samples.length, "the audio");
    expect(audio.samples.every((one, n) => one === AUDIO[0]!.samples[n]), "the audio is as it was");
  },

  "the pauses of several participants are decided at the same time": async (decide) => {
    const people = ["ann", "bob", "eve"].map((id) => turn({ participant: person(id) }));
    const together = await Promise.all(people.map((one) => decide(one)));
    expectSame(together, await Promise.all(people.map((one) => decide(one))), "the delays again");
  },

  "a decision that is not needed any more ends, and the next one is made": async (decide) => {
    const controller = new AbortController();
    const deciding = decide(turn(), controller.signal);
    controller.abort(new DOMException("the turn goes on", "AbortError"));
    await deciding.catch(() => {});
    const aborted = decide(turn(), controller.signal);
    await aborted.catch(() => {});
    await decide(turn());
  },

  "it may be started and closed as often as agents share it": async (decide, detector) => {
    const { signal } = new AbortController();
    const context = { clock: systemClock, logger: silentLogger, signal };
    await detector.start?.(context);
    await decide(turn());
    await detector.close?.();
    await decide(turn());
    for (const [name, value] of Object.entries(detector.metrics?.() ?? {})) {
      expect(Number.isFinite(value), `expected a figure for ${name}, got ${value}`);
    }
  },
};

/**
 * Returns the contract as a list of tests, each on its own detector from `factory`.
 *
 * @throws {TypeError} `factory` is not a function, or `options` is not an object
 */
export function turnConformanceTests(
  factory: TurnDetectorFactory,
  options: TurnConformanceOptions,
): ConformanceTest[] {
  checkFactory(factory);
  checkOptions(options, "options", { name: true, limitMs: true }, "an object like { name }");
  const { limitMs = 5000 } = options;
  return Object.entries(contract).map(([name, test]) => ({
    name,
    ignore: false,
    run: async () => {
      const detector = await factory();
      const time = new TestTime(undefined, limitMs);
      const { signal } = new AbortController();
      await detector.start?.({ clock: systemClock, logger: silentLogger, signal });
      const decide: Decide = async (turn, decision = signal) => {
        const options = { signal: decision };
        const deciding = Promise.resolve(detector.endpointingDelayMs(turn, options));
        const ms = await time.until(deciding, "a decision");
        expect(
          typeof ms === "number" && ms >= 0 && ms <= MAX_DELAY_MS,
          `expected a delay of 0 to ${MAX_DELAY_MS} ms, got ${ms}`,
        );
        return ms;
      };
      try {
        await test(decide, detector);
      } finally {
        await detector.close?.();
      }
    },
  }));
}

/**
 * Registers the whole contract as tests of a turn detector: whatever it is asked about, it returns a
 * delay in time.
 *
 * @throws {TypeError} `factory` is not a function, or `options` is not an object
 *
 * @example
 * ```ts ignore
 * import { fixedEndpointing } from "@ringline/edge";
 * import { turnConformance } from "@ringline/edge/testing";
 *
 * turnConformance(() => fixedEndpointing(), { name: "fixedEndpointing" });
 * ```
 */
export function turnConformance(
  factory: TurnDetectorFactory,
  options: TurnConformanceOptions,
): void {
  const tests = turnConformanceTests(factory, options);
  registerTests(options.name, tests);
}
