/** The processor time that simulated calls take. */
import { cpuUsage } from "node:process";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { FakeLLM } from "../../src/testing/fake_llm.ts";
import { FakeSTT } from "../../src/testing/fake_stt.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import type { CallRecord } from "../../src/testing/simulator/call_record.ts";
import type { CallScript } from "../../src/testing/simulator/script.ts";
import { simulateCall } from "../../src/testing/simulator/simulate_call.ts";
import { speechLike } from "../../src/testing/sounds.ts";

/** Ten minutes with five people who speak one after the other. */
async function tenMinutes(script: Partial<CallScript> & Pick<CallScript, "agent">): Promise<{
  record: CallRecord;
  cpuMs: number;
}> {
  const words = speechLike(5000);
  const before = cpuUsage();
  const record = await simulateCall({
    seed: 7,
    people: Array.from({ length: 5 }, (_, n) => ({
      userId: `person-${n}`,
      network: { loss: 0.02, burst: 2, jitterMs: 40, delayMs: 40 },
      says: Array.from({ length: 20 }, (_, k) => ({
        atMs: 1000 + k * 29_000 + n * 5800,
        pcm: words,
      })),
    })),
    endsAtMs: 600_000,
    ...script,
  });
  const { user, system } = cpuUsage(before);
  const cpuMs = (user + system) / 1000;
  console.log(`ten minutes took ${cpuMs.toFixed(0)} ms of a processor`);
  return { record, cpuMs };
}

Deno.test("simulateCall takes less than three seconds for ten minutes with five people", async () => {
  const { record, cpuMs } = await tenMinutes({
    agent: (simulation) => ({
      audioMode: "live",
      onAudio: ({ pcm }) => simulation.agent.audio.write(pcm),
    }),
    stalls: Array.from({ length: 50 }, (_, n) => ({ atMs: 2000 + n * 10_000, forMs: 200 })),
  });
  assertAlmostEquals(record.heardMs("person-0"), 98_000, 1500);
  assertEquals(record.droppedSlots, 0);
  assert(cpuMs < 3000);
});

Deno.test("simulateCall takes less than six seconds for the same with models, all interrupted", async () => {
  const { record, cpuMs } = await tenMinutes({
    agent: ({ clock }) => ({
      llm: new FakeLLM(clock, Array.from({ length: 200 }, () => "A reply of some words.")),
      stt: new FakeSTT(clock, Array.from({ length: 200 }, () => "What is it?")),
      tts: new FakeTTS(clock),
    }),
  });
  assert(record.said.totalMs > 30_000);
  assertEquals(record.droppedSlots, 0);
  assert(cpuMs < 6000);
});
