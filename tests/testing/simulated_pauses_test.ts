/** Calls in which people pause inside a turn, with a recogniser that ends each piece with a full stop. */
import { assertEquals } from "@std/assert";
import { punctuationEndpointing } from "../../src/inference/contracts/turn_detector.ts";
import type { TurnDetection } from "../../src/inference/turns/turn_owner.ts";
import { FakeLLM } from "../../src/testing/fake_llm.ts";
import { FakeSTT } from "../../src/testing/fake_stt.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { FakeVAD } from "../../src/testing/fake_vad.ts";
import { Random } from "../../src/testing/random.ts";
import { simulateCall } from "../../src/testing/simulator/simulate_call.ts";
import { speechLike } from "../../src/testing/sounds.ts";

/** Returns what the model was asked, where a person pauses for so long in the middle of a turn. */
async function asked(
  silenceMs: number,
  seed: number,
  turnDetection?: TurnDetection,
): Promise<string[]> {
  const random = new Random(seed);
  const firstMs = Math.round(random.between(700, 1600));
  let llm!: FakeLLM;
  await simulateCall({
    seed,
    people: [{
      userId: "anna",
      says: [
        { atMs: 500, pcm: speechLike(firstMs, { seed }) },
        { atMs: 500 + firstMs + silenceMs, pcm: speechLike(900, { seed: seed + 1 }) },
      ],
    }],
    agent: ({ clock }) => ({
      vad: new FakeVAD(),
      stt: new FakeSTT(clock, [
        { text: "I would like.", delayMs: random.between(0, 150) },
        { text: "A table for two.", delayMs: random.between(0, 150) },
      ]),
      llm: llm = new FakeLLM(clock, ["All right."]),
      tts: new FakeTTS(clock),
      ...turnDetection && { turnHandling: { turnDetection } },
    }),
    endsAtMs: 7000,
  });
  return llm.requests.map(({ messages }) => messages.at(-1)!.text);
}

const SEEDS = [1, 2, 3, 4];
const WHOLE = "I would like. A table for two.";

for (const silenceMs of [400, 700]) {
  Deno.test(`a pause of ${silenceMs} ms in a turn is not answered, whatever the recogniser punctuates`, async () => {
    for (const seed of SEEDS) assertEquals(await asked(silenceMs, seed), [WHOLE], `seed ${seed}`);
  });
}

Deno.test("a pause of 1.2 s ends a turn, and punctuationEndpointing() answers one of 700 ms", async () => {
  for (const seed of SEEDS) {
    const [first] = await asked(1200, seed);
    assertEquals(first, "I would like.", `seed ${seed}`);
    const [punctuated] = await asked(700, seed, punctuationEndpointing());
    assertEquals(punctuated, "I would like.", `seed ${seed}`);
  }
});
