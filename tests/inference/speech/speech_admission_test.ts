/** say() and generateReply() while people speak. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  AgentSpeechStartedEvent,
  BargeInEvent,
  TurnEndedEvent,
} from "../../../src/inference/contracts/events.ts";
import type { FakeTranscript } from "../../../src/testing/fake_stt.ts";
import { sleep } from "../../../src/events/waiting.ts";
import { Fixture } from "../_fixture.ts";

/** What a recogniser returns that has a word for each 400 ms of speech. */
function spoken(text: string): FakeTranscript {
  const words = text.split(" ");
  const partials = words.map((_, index) => {
    return { afterMs: 400 * (index + 1), text: words.slice(0, index + 1).join(" ") };
  });
  return { text, partials };
}

const NOTICE = "This call is recorded for training.";

Deno.test("say() waits for a person whose words are being transcribed, and comes after the reply", async () => {
  await using fixture = await Fixture.set({
    transcripts: [spoken("What time is it now?")],
    replies: ["It is five."],
  });
  const { agent, clock } = fixture;
  fixture.utter(1500, 3000);
  await clock.advance(1200);
  const said = agent.say("By the way.");
  await clock.advance(5000);
  assertEquals(await said, { text: "By the way.", interrupted: false });
  assertEquals(fixture.tts.sentences, ["It is five.", "By the way."]);
  assertEquals(fixture.events(BargeInEvent), []);
  assertEquals(fixture.conversation, [
    "ann: What time is it now?",
    "agent: It is five.",
    "agent: By the way.",
  ]);
});

Deno.test("generateReply() waits too, and the model knows what the person said", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["Hello there, agent."],
    agent: { turnHandling: { shouldReply: () => false } },
    replies: ["Fine."],
  });
  fixture.utter(1500, 3000);
  await fixture.clock.advance(1200);
  const said = fixture.agent.generateReply("Remind them.");
  await fixture.clock.advance(4000);
  assertEquals((await said).text, "Fine.");
  assertEquals(fixture.told, ["user: Hello there, agent.", "user: Remind them."]);
});

Deno.test("say() waits for three seconds at most", async () => {
  await using fixture = await Fixture.set({
    transcripts: [spoken(`one ${"more ".repeat(30)}word`)],
  });
  fixture.utter(9000, 1000);
  await fixture.clock.advance(2000);
  const from = fixture.clock.now();
  fixture.agent.say("Excuse me.");
  await fixture.clock.advance(4000);
  const waitedMs = fixture.when(AgentSpeechStartedEvent) - from;
  assert(waitedMs >= 2900 && waitedMs <= 3100, `${waitedMs} ms`);
});

Deno.test("what began over a person is interrupted by what they go on to say", async () => {
  await using fixture = await Fixture.set({
    transcripts: [spoken(`one ${"more ".repeat(30)}word`)],
  });
  fixture.utter(12_000, 1000);
  await fixture.clock.advance(2000);
  const said = fixture.agent.say("Excuse me, I have a very long thing to say to all of you now.");
  await fixture.clock.advance(8000);
  assertEquals(fixture.events(BargeInEvent).length, 1);
  assertEquals((await said).interrupted, true);
});

Deno.test("noise does not hold up what is said", async () => {
  await using fixture = await Fixture.set({
    transcripts: [spoken("Hello you all."), "", "", ""],
    agent: { turnHandling: { shouldReply: () => false } },
  });
  // The recogniser is known to return words while they are spoken.
  await fixture.hear(1500, 3000);
  fixture.utter(20_000, 500);
  await fixture.clock.advance(1500);
  const from = fixture.clock.now();
  fixture.agent.say("Go on.");
  await fixture.clock.advance(1000);
  const waitedMs = fixture.when(AgentSpeechStartedEvent) - from;
  assert(waitedMs < 100, `${waitedMs} ms`);
});

Deno.test("a reminder that comes too late is dropped, and shown nowhere", async () => {
  await using fixture = await Fixture.set({
    transcripts: [spoken("What time is it now?")],
    replies: ["It is five, and that is late enough."],
  });
  const { agent, clock } = fixture;
  fixture.utter(1500, 3000);
  await clock.advance(1200);
  const late = agent.say("Too late.", { staleAfterMs: 500 });
  const behind = agent.say("Behind the reply.", { staleAfterMs: 2000 });
  const inTime = agent.say("In time.", { staleAfterMs: 60_000 });
  await clock.advance(8000);
  assertEquals(await late, { text: "", interrupted: true });
  assertEquals(await behind, { text: "", interrupted: true });
  assertEquals(await inTime, { text: "In time.", interrupted: false });
  assertEquals(fixture.tts.sentences.includes("Too late."), false);
  assertEquals(fixture.tts.sentences.includes("Behind the reply."), false);
});

Deno.test("interrupt() and closing drop what waits for a person", async () => {
  for (const act of ["interrupt", "close"] as const) {
    const fixture = await Fixture.set({ transcripts: [spoken("one two three")] });
    fixture.utter(3000, 1000);
    await fixture.clock.advance(2000);
    const said = fixture.agent.say("Excuse me.");
    await fixture.clock.until(fixture.agent[act]());
    assertEquals(await said, { text: "", interrupted: true });
    await fixture[Symbol.asyncDispose]();
    assertEquals(fixture.clock.pending, 0);
  }
});

Deno.test("what must be heard is not interrupted, and what is said meanwhile is answered after it", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["Stop that now."],
    replies: ["I have to say it."],
  });
  const { agent, clock } = fixture;
  const said = agent.say(NOTICE, { allowInterruptions: false });
  await clock.advance(400);
  fixture.utter(600, 4000);
  await clock.advance(6000);
  assertEquals(await said, { text: NOTICE, interrupted: false });
  assertEquals(fixture.events(BargeInEvent), []);
  assertEquals(
    fixture.conversation,
    [
      `agent: ${NOTICE}`,
      "ann: Stop that now.",
      "agent: I have to say it.",
    ].toSorted((a, b) => fixture.conversation.indexOf(a) - fixture.conversation.indexOf(b)),
  );
  assertEquals(fixture.told, [`assistant: ${NOTICE}`, "user: Stop that now."]);
});

const LONG = "I have a very long thing to say to all of you now, and it goes on and on.";

Deno.test("what must be heard lets people interrupt what is said before it, and is heard after them", async () => {
  for (const writes of [false, true]) {
    await using fixture = await Fixture.set({
      transcripts: [spoken("Stop that now.")],
      replies: ["I have stopped."],
    });
    const { agent, clock } = fixture;
    const first = agent.say(LONG);
    const notice = agent.say(NOTICE, { allowInterruptions: false });
    await clock.advance(1200);
    if (writes) fixture.ann.sendText("Stop that now.");
    else fixture.utter(1500, 8000);
    await clock.advance(9000);
    assertEquals([(await first).interrupted, (await notice).interrupted], [true, false]);
    assertEquals(
      fixture.tts.sentences.slice(-2).toSorted(),
      [NOTICE, "I have stopped."].toSorted(),
    );
    if (!writes) {
      // The person is not talked over.
      const starts = fixture.happened.filter(({ event }) =>
        event instanceof AgentSpeechStartedEvent
      );
      assert(starts[1]!.at >= 1200 + 1500, `${starts[1]!.at}`);
    }
  }
});

Deno.test("what must be heard and waits is dropped by the application, or when it is too late", async () => {
  for (const act of ["interrupt", "close", "late"] as const) {
    const fixture = await Fixture.set({ transcripts: [spoken(`one ${"more ".repeat(10)}word`)] });
    const { agent, clock } = fixture;
    void agent.say(LONG);
    const notice = agent.say(NOTICE, { allowInterruptions: false, staleAfterMs: 3000 });
    await clock.advance(1200);
    fixture.utter(5000, 8000);
    await clock.advance(1500);
    assertEquals(fixture.events(BargeInEvent).length, 1);
    if (act === "late") await clock.advance(8000);
    else await clock.until(agent[act]());
    assertEquals(await clock.until(notice), { text: "", interrupted: true });
    await fixture[Symbol.asyncDispose]();
    assertEquals(clock.pending, 0);
  }
});

Deno.test("what is said meanwhile is discarded on request, and what is said later is not", async () => {
  await using fixture = await Fixture.set({
    transcripts: ["Stop that now.", "And now?"],
    replies: ["Now I hear you."],
  });
  const { agent, clock } = fixture;
  const said = agent.say(NOTICE, { allowInterruptions: false, discardUserTurns: true });
  await clock.advance(400);
  fixture.utter(600, 4000);
  await clock.advance(6000);
  assertEquals((await said).interrupted, false);
  assertEquals(fixture.llm.requests.length, 0);
  await fixture.hear(600, 4000);
  assertEquals(fixture.told, [`assistant: ${NOTICE}`, "user: And now?"]);
  assertEquals(fixture.events(TurnEndedEvent).length, 2);
});

Deno.test("the application itself interrupts what people cannot interrupt", async () => {
  await using fixture = await Fixture.set();
  const said = fixture.agent.say(NOTICE, { allowInterruptions: false });
  await fixture.clock.advance(400);
  await fixture.clock.until(fixture.agent.interrupt());
  assertEquals((await said).interrupted, true);
});

Deno.test("say() rejects options that make no sense", async () => {
  await using fixture = await Fixture.set();
  const wrong = [{ staleAfterMs: -1 }, { allowInterruptions: "no" }, { discardUserTurns: 1 }];
  for (const options of wrong) {
    await assertRejects(() => fixture.agent.say("Hm.", options as never));
  }
  assertEquals(fixture.tts.sentences, []);
});

Deno.test("say() that waited for a person comes after the reply, however long the hook takes", async () => {
  await using fixture = await Fixture.set({
    transcripts: [spoken("What time is it now?")],
    replies: ["It is five."],
    agent: {
      turnHandling: {
        onUserTurnCompleted: async () => {
          // It is not what waits for the hook.
          await fixture.agent.say("Let me see.");
          await sleep(700, { clock: fixture.clock });
        },
      },
    },
  });
  const { agent, clock } = fixture;
  fixture.utter(1500, 3000);
  await clock.advance(1200);
  const said = agent.say("By the way.");
  await clock.advance(7000);
  assertEquals((await said).text, "By the way.");
  assertEquals(fixture.tts.sentences, ["Let me see.", "It is five.", "By the way."]);
});
