/** smart-turn: its model as it was published, and what it decides with it. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { smartTurn } from "../../../src/adapters/smart_turn/mod.ts";
import { TurnModel } from "../../../src/adapters/smart_turn/turn_model.ts";
import { PcmChunk } from "../../../src/audio/pcm_chunk.ts";
import { readWav } from "../../../src/audio/wav.ts";
import { silentLogger } from "../../../src/events/logger.ts";
import { InferenceError } from "../../../src/inference/contracts/errors.ts";
import type { TurnContext, TurnDetector } from "../../../src/inference/contracts/turn_detector.ts";
import { turnConformance, VirtualClock } from "../../../src/testing/mod.ts";
import expected from "./expected.json" with { type: "json" };

const MODEL = new URL(
  "../../../src/adapters/smart_turn/model/smart-turn-v3.2-cpu.onnx",
  import.meta.url,
);
const { signal } = new AbortController();
const clock = new VirtualClock();
const context = { clock, logger: silentLogger, signal };

// Kept loaded by one agent while the tests are the other: it takes seconds on a busy machine.
const detector = smartTurn();
Deno.test.beforeAll(async () => await detector.start!(context));
Deno.test.afterAll(async () => await detector.close!());

turnConformance(() => detector, { name: "smartTurn", limitMs: 30_000 });

function turn(samples: Int16Array): TurnContext {
  const participant = { id: "a", userId: "a", name: "A", kind: "person", original: undefined };
  const audio = new PcmChunk(samples, { sampleRate: 16_000 });
  return { participant, text: "", language: undefined, messages: [], audio } as TurnContext;
}

const decide = async (turns: TurnDetector, samples = new Int16Array(16_000)) =>
  await turns.endpointingDelayMs(turn(samples), { signal });

/** The recording of the tests at 16 kHz, by the formula that made it in Python. */
async function recorded(): Promise<Int16Array> {
  const { samples } = readWav(
    await Deno.readFile(new URL("../../fixtures/speech.wav", import.meta.url)),
  );
  const length = Math.floor(samples.length * 2 / 3) - 2;
  return Int16Array.from({ length }, (_, n) => {
    const at = (3 * n - n % 2) / 2;
    return n % 2 === 0 ? samples[at]! : (samples[at]! + samples[at + 1]!) >> 1;
  });
}

Deno.test("the model hears in recorded speech what it hears in Python, and timers run meanwhile", async () => {
  const speech = await recorded();
  using model = await TurnModel.load(await Deno.readFile(MODEL));
  let turns = 0;
  const timer = setInterval(() => turns++, 5);
  for (const [ms, probability] of expected.speech.slice(-4) as [number, number][]) {
    // The silence by which a VAD finds the pause.
    const heard = Int16Array.from([...speech.subarray(0, ms * 16), ...new Int16Array(3200)]);
    assertAlmostEquals(await model.ask(heard, signal), probability, 0.05, `${ms} ms`);
  }
  clearInterval(timer);
  assert(turns > 20, `${turns} turns of the event loop`);
});

Deno.test("smartTurn() loads its model from an address, and is closed and started again", async () => {
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async () => {
    return new Response(await Deno.readFile(MODEL));
  });
  const model = new URL(`http://127.0.0.1:${server.addr.port}/model.onnx`);
  // Anything is complete to it.
  const turns = smartTurn({ model, threshold: 0, completeMs: 300, openMs: 2000 });
  await assertRejects(() => decide(turns), TypeError, "expected a started detector");
  await Promise.all([turns.start!(context), turns.start!(context)]);
  await turns.close!();
  assertEquals(await decide(turns), 300);
  assertEquals(turns.metrics!(), { decisions: 1, complete: 1, late: 0 });
  await turns.close!();
  await assertRejects(() => decide(turns), TypeError, "expected a started detector");
});

Deno.test("smartTurn() waits for longer where the turn is probably not over", async () => {
  // Nothing is complete to it.
  const turns = smartTurn({ threshold: 1, completeMs: 300, openMs: 2000 });
  await turns.start!(context);
  assertEquals(await decide(turns), 2000);
  assertEquals(turns.metrics!(), { decisions: 1, complete: 0, late: 0 });
  // A decision that is not there by then comes too late.
  const deciding = decide(turns);
  await clock.advance(2000);
  assertEquals([await deciding, turns.metrics!().late], [2000, 1]);
  await turns.close!();
});

Deno.test("smartTurn() names a model that cannot be loaded, and leaves no worker", async () => {
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => new Response(null, { status: 404 }),
  );
  const missing = new URL(`http://127.0.0.1:${server.addr.port}/model.onnx`);
  for (const model of [Uint8Array.of(1, 2, 3), missing, new URL("file:///nowhere/model.onnx")]) {
    const turns = smartTurn({ model });
    const error = await assertRejects(async () => await turns.start!(context));
    assertInstanceOf(error, InferenceError);
    assertEquals(error.code, "model-unavailable");
    await turns.close!();
  }
});

Deno.test("smartTurn() ends a model that is still loading when it is closed", async () => {
  const turns = smartTurn({ model: await Deno.readFile(MODEL) });
  const starting = assertRejects(
    async () => await turns.start!(context),
    InferenceError,
    "it was closed",
  );
  await turns.close!();
  await starting;
});

Deno.test("smartTurn() says which option is wrong", () => {
  assertThrows(() => smartTurn({ threshold: 2 }), RangeError, "options.threshold: expected 0 to 1");
  assertThrows(() => smartTurn({ openMs: NaN }), RangeError, "options.openMs");
  assertThrows(() => smartTurn({ completeMs: -1 }), RangeError, "options.completeMs");
  assertThrows(() => smartTurn({ model: "a" as never }), TypeError, "options.model");
  assertThrows(() => smartTurn(5 as never), TypeError, "options");
});
