/** Agents with a part of the models: an announcer, a transcriber, one that reads and speaks. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { TranscriptEvent } from "../../src/inference/contracts/events.ts";
import type { AgentOptions } from "../../src/agent/agent_options.ts";
import type { Agent } from "../../src/agent/agent.ts";
import { FakeLLM } from "../../src/testing/fake_llm.ts";
import { FakeSTT } from "../../src/testing/fake_stt.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { simulateCall } from "../../src/testing/simulator/simulate_call.ts";
import { speechLike } from "../../src/testing/sounds.ts";

Deno.test("an announcer has a voice only: people hear it, and it replies to nothing", async () => {
  let agent!: Agent;
  const outcomes: string[] = [];
  await simulateCall({
    seed: 1,
    people: [{ userId: "anna", says: [{ atMs: 500, pcm: speechLike(1000) }] }],
    agent: ({ clock }): Partial<AgentOptions> => ({ tts: new FakeTTS(clock) }),
    onJoined: (joined) => {
      agent = joined.agent;
      agent.say("The doors close in five minutes.")
        .then(({ text }) => outcomes.push(text));
    },
    endsAtMs: 6000,
  }, (record) => {
    assertEquals(outcomes, ["The doors close in five minutes."]);
    assert(record.heardBy.get("anna")!.totalMs > 1000);
    assertEquals(record.errors, []);
  });
  await assertRejects(() => agent.generateReply("Hello?"), Error);
});

Deno.test("a transcriber has a recogniser only: it shows what each person says", async () => {
  const texts: string[] = [];
  await simulateCall({
    seed: 2,
    people: [
      { userId: "anna", says: [{ atMs: 500, pcm: speechLike(1200, { seed: 1 }) }] },
      { userId: "bob", says: [{ atMs: 3500, pcm: speechLike(1200, { seed: 2 }) }] },
    ],
    agent: ({ clock }): Partial<AgentOptions> => ({
      stt: new FakeSTT(clock, ["First.", "Second."]),
    }),
    onJoined: ({ agent }) => {
      agent.events.subscribe(TranscriptEvent, ({ participant, text, final }) => {
        if (final) texts.push(`${participant.userId}: ${text}`);
      });
    },
    endsAtMs: 8000,
  }, async (record) => {
    assertEquals(texts, ["anna: First.", "bob: Second."]);
    assertEquals(record.errors, []);
    await Promise.resolve();
  });
});

Deno.test("an agent without a recogniser replies by voice to what people write", async () => {
  let heard = "";
  await simulateCall({
    seed: 3,
    people: [{ userId: "anna", says: [{ atMs: 500, pcm: speechLike(1000) }] }],
    agent: ({ clock }): Partial<AgentOptions> => ({
      llm: new FakeLLM(clock, ["At nine."]),
      tts: new FakeTTS(clock),
    }),
    onJoined: ({ agent }) => {
      agent.generateReply("When do you open?").then(({ text }) => heard = text);
    },
    endsAtMs: 6000,
  }, (record) => {
    assertEquals(heard, "At nine.");
    assertEquals(record.errors, []);
  });
});

for (
  const [name, parts, asks, says] of [
    ["an announcer", "tts", "generateReply", "this agent has no language model: pass llm"],
    ["a transcriber", "stt", "say", "this agent has no voice: pass tts"],
    ["an echo", undefined, "say", "this agent has no voice: pass tts"],
    ["a listener", undefined, "generateReply", "this agent has no language model: pass llm"],
  ] as const
) {
  Deno.test(`${name} that is asked to ${asks} says what it lacks`, async () => {
    await simulateCall({
      seed: 4,
      people: [{ userId: "anna", says: [] }],
      agent: ({ clock }): Partial<AgentOptions> =>
        parts === undefined
          ? {}
          : parts === "tts"
          ? { tts: new FakeTTS(clock) }
          : { stt: new FakeSTT(clock) },
      onJoined: async ({ agent }) => {
        await assertRejects(() => agent[asks]("Hello."), TypeError, says);
      },
      endsAtMs: 500,
    }, () => {});
  });
}
