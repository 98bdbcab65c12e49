import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { FakeLLM } from "../../src/testing/fake_llm.ts";
import { FakeSTT } from "../../src/testing/fake_stt.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import type { NetworkConditions } from "../../src/testing/simulator/script.ts";
import { simulateCall } from "../../src/testing/simulator/simulate_call.ts";
import { speechLike } from "../../src/testing/sounds.ts";

const story = "This is a long story about a vessel. It sailed and sailed, for many years. " +
  "One day it came home, and no port knew it any more. That is all there is to tell.";

const networks: Record<string, NetworkConditions> = {
  good: {},
  far: { delayMs: 150, jitterMs: 20 },
  bad: { delayMs: 60, jitterMs: 50, loss: 0.08, burst: 2, reordering: 0.05, duplication: 0.05 },
};

for (const [name, network] of Object.entries(networks)) {
  Deno.test(`a question is answered and a long answer can be cut off, over a ${name} network`, async () => {
    await simulateCall({
      seed: 21,
      people: [{
        userId: "anna",
        network,
        says: [
          { atMs: 500, pcm: speechLike(1500, { seed: 1 }) },
          { atMs: 6000, pcm: speechLike(1500, { seed: 2 }) },
        ],
      }],
      agent: ({ clock }) => ({
        llm: new FakeLLM(clock, [
          { text: story, firstTokenMs: 200, tokenMs: 10 },
          { text: "As you like.", firstTokenMs: 200 },
        ]),
        stt: new FakeSTT(clock, ["Tell me a story.", "Stop it, please."]),
        tts: new FakeTTS(clock, { firstByteMs: 100 }),
      }),
      endsAtMs: 15_000,
    }, (record) => {
      const agent = record.heardBy.get("anna")!;
      const [first] = agent.list;
      assert(first!.fromMs > 2000 && first!.fromMs < 4500, `it answers at ${first!.fromMs}`);
      const [silenceMs] = record.bargeInToSilenceMs("anna");
      assert(silenceMs! < 1200, `from barging in to silence it took ${silenceMs} ms`);
      // After the answer that was cut off comes the short one, and nothing of the story.
      const after = agent.list.filter((one) => one.fromMs > 6000 + silenceMs!);
      const saidMs = after.reduce((sum, one) => sum + one.untilMs - one.fromMs, 0);
      assertAlmostEquals(saidMs, 12 * 50, 250);
      assertEquals(record.droppedSlots, 0);
      assertEquals(record.errors, []);
    });
  });
}

Deno.test("a participant who leaves in mid-question gets no reply", async () => {
  let llm: FakeLLM | undefined;
  await simulateCall({
    seed: 4,
    people: [{
      userId: "anna",
      says: [{ atMs: 500, pcm: speechLike(3000) }],
      leavesAtMs: 2000,
    }],
    agent: ({ clock }) => ({
      llm: llm = new FakeLLM(clock, ["Hello?"]),
      stt: new FakeSTT(clock, ["I wanted to"]),
      tts: new FakeTTS(clock),
    }),
    endsAtMs: 10_000,
  }, (record) => {
    assertEquals(record.state, "closed");
    assert(llm!.requests.length <= 1);
    assertEquals(record.errors, []);
  });
});
