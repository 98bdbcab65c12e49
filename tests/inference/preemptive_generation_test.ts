/** Replies that are generated before the turn is over. */
import { assertEquals } from "@std/assert";
import { ReplyLatencyEvent, TurnEndedEvent } from "../../src/inference/contracts/events.ts";
import { sleep } from "../../src/events/waiting.ts";
import { Fixture } from "./_fixture.ts";

const eager = { turnHandling: { preemptiveGeneration: true } };

Deno.test("preemptiveGeneration asks the model at the pause and speaks when the turn is over", async () => {
  const times: number[] = [];
  for (const preemptiveGeneration of [false, true]) {
    await using fixture = await Fixture.set({
      transcripts: ["How are you?"],
      replies: [{ text: "Fine, thank you.", firstTokenMs: 300 }],
      agent: { turnHandling: { preemptiveGeneration } },
    });
    await fixture.hear(600, 3000);
    const [metrics] = fixture.events(ReplyLatencyEvent);
    assertEquals(metrics?.preemptive, preemptiveGeneration);
    assertEquals(fixture.llm.requests.length, 1);
    times.push(metrics!.voiceToVoiceMs);
  }
  // 200 ms of the turn's 400 ms of silence were used.
  assertEquals(times, [710, 510]);
});

Deno.test("a preemptive reply is dropped when the person goes on", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["How are you", "all this morning?"],
    replies: [{ text: "Fine.", firstTokenMs: 100 }, "We are fine."],
    agent: eager,
  });
  await fixture.hear(600, 300);
  await fixture.hear(600, 3000);
  assertEquals(fixture.llm.requests.length, 2);
  assertEquals(fixture.events(TurnEndedEvent).length, 1);
  assertEquals(fixture.tts.sentences, ["We are fine."]);
  assertEquals(fixture.conversation, ["ann: How are you all this morning?", "agent: We are fine."]);
});

Deno.test("a preemptive reply that still waits for its first word is aborted when dropped", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["How are you", "all?"],
    replies: [{ text: "Fine.", firstTokenMs: 5000 }, "We are fine."],
    agent: eager,
  });
  await fixture.hear(600, 300);
  await fixture.hear(600, 2000);
  assertEquals(fixture.llm.aborted, 1);
});

Deno.test("a preemptive reply serves although the model has forgotten how the conversation began", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["How are you?", "And how is Bob?"],
    agent: { turnHandling: { preemptiveGeneration: true, historyLimit: 2 } },
  });
  await fixture.hear(600, 3000);
  await fixture.hear(600, 3000);
  assertEquals(fixture.llm.requests.length, 2);
  assertEquals(fixture.events(ReplyLatencyEvent).map(({ preemptive }) => preemptive), [true, true]);
});

Deno.test("what has become known is told once, by the preemptive reply that was told it", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["Well?"],
    replies: [{ calls: [{ name: "look", input: {} }] }, "I look.", "It is 7."],
    agent: {
      ...eager,
      tools: [{
        name: "look",
        description: "",
        parameters: { type: "object" },
        background: true,
        timeoutMs: 60_000,
        execute: () => sleep(2000, { clock: fixture.clock }),
      }],
    },
  });
  const { clock, agent, llm } = fixture;
  await clock.until(agent.generateReply("Look for it."));
  await clock.advance(1500 - clock.now());
  await fixture.hear(1000, 5000);
  assertEquals(fixture.events(ReplyLatencyEvent).map(({ preemptive }) => preemptive), [true]);
  assertEquals(llm.requests.length, 3);
  assertEquals(fixture.told.at(-1), "user: Well?");
  assertEquals(fixture.told.filter((one) => one.startsWith("user: [the outcome of")).length, 1);
});

Deno.test("a preemptive reply touches the world only when the turn is over", async () => {
  let calledAt = 0;
  const fixture = await Fixture.set({
    transcripts: ["Light, please."],
    replies: [{ calls: [{ name: "light", input: {} }] }, "Done."],
    agent: {
      ...eager,
      tools: [{
        name: "light",
        description: "",
        parameters: { type: "object" },
        timeoutMs: 1000,
        execute: () => calledAt = fixture.clock.now(),
      }],
    },
  });
  await using _fixture = fixture;
  await fixture.hear(600, 2000);
  assertEquals(calledAt, fixture.when(TurnEndedEvent));
  assertEquals(fixture.tts.sentences, ["Done."]);
});

Deno.test("a preemptive request that fails is made again when the turn is over", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["How are you?"],
    replies: [{ error: new Error("too many requests") }, "Fine."],
    agent: eager,
  });
  await fixture.hear(600, 3000);
  assertEquals(fixture.llm.requests.length, 2);
  assertEquals(fixture.conversation, ["ann: How are you?", "agent: Fine."]);
  assertEquals(fixture.errors.length, 1);
});

Deno.test("a preemptive reply to what interrupted the agent serves, and knows of it", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["No, stop it please."],
    replies: ["Once upon a time there was a king who had no crown.", "As you like."],
    agent: eager,
  });
  fixture.agent.generateReply("Tell me a story.");
  await fixture.clock.advance(1000);
  await fixture.hear(900, 3000);
  assertEquals(fixture.llm.requests.length, 2);
  assertEquals(fixture.events(ReplyLatencyEvent).at(-1)?.preemptive, true);
  assertEquals(fixture.told.slice(1), [
    "assistant: Once upon a time there",
    "user: No, stop it please.",
  ]);
});

Deno.test("a turn that onUserTurnCompleted may change is not shown to the model before", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["My card is 1234."],
    agent: {
      turnHandling: {
        preemptiveGeneration: true,
        onUserTurnCompleted: () => ({ text: "My card is [hidden]." }),
      },
    },
  });
  await fixture.hear(600, 3000);
  assertEquals(
    fixture.llm.requests.map(({ messages }) => messages.at(-1)?.text),
    ["My card is [hidden]."],
  );
});
