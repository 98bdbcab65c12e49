/** Sessions with a realtime model that are lost, cannot be had, or end. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { PreparedSpeech } from "../../../src/inference/pipelines/realtime/outage_message.ts";
import { tone } from "../../../src/testing/sounds.ts";
import { Agent } from "../../../src/agent/agent.ts";
import { InferenceError } from "../../../src/inference/contracts/errors.ts";
import { defineTool } from "../../../src/inference/contracts/tool.ts";
import { sleep } from "../../../src/events/waiting.ts";
import { Fixture } from "../_fixture.ts";

const down = () => new InferenceError("down", { code: "unreachable", retryable: true });

Deno.test("an outage of ten minutes ends, and the model answers again", async () => {
  await using fixture = await Fixture.set({
    realtime: [{ heard: "Still there?", reply: "Yes." }],
  });
  const { clock, realtime } = fixture;
  realtime.connectErrors.push(...Array.from({ length: 60 }, down));
  realtime.sessions[0]!.lose();
  await clock.advance(600_000);
  assertEquals(realtime.connectErrors.length, 0);
  assertEquals(realtime.sessions.length, 2);
  await fixture.hear(600, 3000);
  assertEquals(fixture.conversation.at(-1), "agent: Yes.");
});

Deno.test("what is asked for in an outage is said after it, or rejects after thirty seconds", async () => {
  await using fixture = await Fixture.set({ realtime: [{ reply: "I heard you." }] });
  const { agent, clock, realtime } = fixture;
  realtime.connectErrors.push(...Array.from({ length: 3 }, down));
  realtime.sessions[0]!.lose();
  const asked = [agent.say("One moment."), agent.generateReply("Go on.")];
  const outcomes = await clock.until(Promise.all(asked));
  assertEquals(outcomes.map(({ text }) => text), ["One moment.", "I heard you."]);
  assertEquals(realtime.sessions[1]!.texts, ["Go on."]);
  realtime.connectErrors.push(...Array.from({ length: 20 }, down));
  realtime.sessions[1]!.lose();
  const from = clock.now();
  await assertRejects(() => clock.until(agent.say("Hm.")), InferenceError, "cannot be reached");
  assert(Math.abs(clock.now() - from - 30_000) < 100, `${clock.now() - from} ms`);
});

Deno.test("what was asked for when the session was lost is asked for in the next one", async () => {
  await using fixture = await Fixture.set({ realtime: [{ reply: "lost" }, { reply: "Here." }] });
  const { agent, clock, realtime } = fixture;
  // The request is on its way.
  const [first] = realtime.sessions;
  first!.requestReply = () => {};
  const asked = agent.generateReply("Are you there?");
  await clock.advance(100);
  realtime.connectErrors.push(down());
  first!.lose();
  assertEquals((await clock.until(asked)).text, "lost");
  // In the history, and so not sent twice.
  const [, second] = realtime.sessions;
  assertEquals(second!.options.history.map(({ text }) => text), ["Are you there?"]);
  assertEquals(second!.texts, []);
});

const requests = {
  "text()": ({ agent }: Fixture) => agent.text("Are you there?"),
  "generateReply()": ({ agent }: Fixture) => agent.generateReply("Are you there?"),
  "say()": ({ agent }: Fixture) => agent.say("Here."),
};

for (const [what, ask] of Object.entries(requests)) {
  Deno.test(`${what} is asked for again where its reply has begun when the session is lost`, async () => {
    await using fixture = await Fixture.set({
      realtime: what === "say()" ? [] : [{ reply: "lost" }, { reply: "Here." }],
      prepare: ({ realtime }) => realtime.replyMs = 1000,
    });
    const { clock, realtime } = fixture;
    const asked = ask(fixture);
    await clock.advance(500);
    const [first] = realtime.sessions;
    // What was written was not heard.
    if (what === "text()") first!.emit({ type: "text", replyId: "answer-2", text: "I am" });
    await clock.advance(10);
    first!.lose();
    assertEquals((await clock.until(asked)).text, "Here.");
    assertEquals(realtime.sessions[1]!.texts, []);
    assertEquals(fixture.conversation.at(-1), "agent: Here.");
    assertEquals(fixture.conversation.filter((one) => /lost|I am/.test(one)), []);
    assertEquals(fixture.errors.length, 1);
  });
}

Deno.test("a result is told of by the next session where the reply to it has begun when one is lost", async () => {
  await using fixture = await Fixture.set({
    realtime: [
      { heard: "Book.", reply: "lost", call: { name: "book", input: {} } },
      { reply: "Booked." },
    ],
    prepare: ({ realtime }) => realtime.replyMs = 1000,
    agent: { tools: [defineTool({ name: "book", description: "", execute: () => "table 5" })] },
  });
  const { clock, realtime } = fixture;
  await fixture.hear(600, 1000);
  await clock.advance(1000);
  const [first] = realtime.sessions;
  assertEquals(first!.toolResults.length, 1);
  first!.lose();
  await clock.advance(10_000);
  assertEquals(fixture.conversation.at(-1), "agent: Booked.");
});

Deno.test("what a person says in an outage, or while a session is lost, is answered after it", async () => {
  await using fixture = await Fixture.set({
    realtime: [{ heard: "Is it noon?", reply: "Yes." }, { heard: "And now?", reply: "No." }],
  });
  const { clock, realtime } = fixture;
  realtime.connectErrors.push(...Array.from({ length: 2 }, down));
  fixture.utter(800, 3000);
  await clock.advance(400);
  // In the middle of it.
  realtime.sessions[0]!.lose();
  await clock.advance(6000);
  assertEquals(fixture.conversation, ["ann: Is it noon?", "agent: Yes."]);
  const { heardSoundMs } = realtime.sessions[1]!;
  assert(Math.abs(heardSoundMs - 800) <= 40, `${heardSoundMs} ms`);
  realtime.connectErrors.push(...Array.from({ length: 3 }, down));
  realtime.sessions[1]!.lose();
  await fixture.hear(600, 50_000);
  assertEquals(fixture.conversation.slice(2), ["ann: And now?", "agent: No."]);
});

Deno.test("a turn that was understood and not answered is answered by the next session", async () => {
  await using fixture = await Fixture.set({
    realtime: [{ heard: "Is it noon?", reply: "lost" }, { reply: "Yes, it is." }],
    prepare: ({ realtime }) => realtime.replyMs = 1000,
  });
  const { clock, realtime } = fixture;
  fixture.utter(600, 6000);
  await clock.advance(1200);
  realtime.sessions[0]!.lose();
  await clock.advance(5000);
  assertEquals(fixture.conversation, ["ann: Is it noon?", "agent: Yes, it is."]);
  assertEquals(realtime.sessions[1]!.heardSoundMs, 0);
});

for (const asks of ["say", "text"] as const) {
  Deno.test(`a turn of a lost session is answered by the next one also where ${asks}() waits for that`, async () => {
    await using fixture = await Fixture.set({
      realtime: [{ heard: "Turn.", reply: "lost" }, { reply: "Second." }, { reply: "Third." }],
      prepare: ({ realtime }) => realtime.replyMs = 1000,
    });
    const { agent, clock, realtime } = fixture;
    await fixture.hear(600, 600);
    realtime.connectErrors.push(down(), down());
    realtime.sessions[0]!.lose();
    await clock.advance(50);
    assertEquals((await clock.until(agent[asks]("Third."))).text, "Third.");
    await clock.advance(2000);
    const said = fixture.conversation.filter((one) => one.startsWith("agent: "));
    assertEquals(said.toSorted().slice(0, 2), ["agent: Second.", "agent: Third."]);
  });
}

Deno.test("a turn that was committed and is heard again by the next session is answered once", async () => {
  await using fixture = await Fixture.set({
    realtime: [{ reply: "lost" }, { heard: "Turn.", reply: "Second." }, { reply: "Third." }],
    prepare: ({ realtime }) => realtime.replyMs = 1000,
  });
  const { clock, realtime } = fixture;
  realtime.hearsSilence = false;
  fixture.utter(600, 0);
  await clock.advance(600);
  const [first] = realtime.sessions;
  first!.emit({ type: "speech-stopped", awaitsReply: true });
  await clock.advance(500);
  realtime.hearsSilence = true;
  first!.lose();
  await clock.advance(10_000);
  assertEquals(fixture.conversation, ["ann: Turn.", "agent: Second."]);
});

Deno.test("a tool that ends after its session is told of in the next one", async () => {
  const fixture: Fixture = await Fixture.set({
    realtime: [
      { heard: "Book.", reply: "lost", call: { name: "book", input: {} } },
      { reply: "Booked." },
    ],
    agent: {
      tools: [defineTool({
        name: "book",
        description: "",
        execute: () => sleep(5000, { clock: fixture.clock }).then(() => "table 5"),
      })],
    },
  });
  await using _ = fixture;
  const { clock, realtime } = fixture;
  await fixture.hear(600, 1000);
  realtime.sessions[0]!.lose();
  await clock.advance(10_000);
  assertEquals(realtime.sessions[1]!.texts, ["[the outcome of book, turn-1] table 5"]);
  assertEquals(fixture.conversation.at(-1), "agent: Booked.");
});

Deno.test("an outage does not keep an agent from joining, a wrong key does", async () => {
  await using fixture = await Fixture.set();
  const { edge, clock, realtime: llm, ann } = fixture;
  llm.connectErrors.push(down(), down());
  const agent = new Agent({ edge, agentUser: { id: "b", name: "B" }, llm });
  await clock.until(agent.join(fixture.call));
  assertEquals((await clock.until(agent.say("Good morning."))).text, "Good morning.");
  assert(ann.heardMs > 500);
  await clock.until(agent.close());
  llm.connectErrors.push(new InferenceError("the key is not accepted", { code: "unauthorized" }));
  const other = new Agent({ edge, agentUser: { id: "c", name: "C" }, llm });
  await assertRejects(() => clock.until(other.join(fixture.call)), InferenceError, "key");
});

Deno.test("people hear a sentence once in an outage, and none in a short one", async () => {
  const outageMessage = { text: "One moment, please.", pcm: tone(900) };
  await using fixture = await Fixture.set({ realtime: [], agent: { outageMessage } });
  const { clock, realtime, ann } = fixture;
  realtime.connectErrors.push(down());
  realtime.sessions[0]!.lose();
  await clock.advance(3000);
  assertEquals([fixture.conversation, ann.heardMs], [[], 0]);
  realtime.connectErrors.push(...Array.from({ length: 6 }, down));
  realtime.sessions[1]!.lose();
  await clock.advance(40_000);
  assertEquals(fixture.conversation, ["agent: One moment, please."]);
  assert(Math.abs(ann.heardMs - 900) <= 20, `${ann.heardMs} ms`);
  realtime.connectErrors.splice(0);
  await clock.advance(15_000);
  assertEquals((await clock.until(fixture.agent.say("I am back."))).text, "I am back.");
  const { edge } = fixture;
  const wrong = { text: "One moment.", pcm: new Int16Array(3) } as unknown as PreparedSpeech;
  assertThrows(
    () =>
      new Agent({ edge, agentUser: { id: "b", name: "B" }, llm: realtime, outageMessage: wrong }),
    TypeError,
    "outageMessage.pcm",
  );
});

Deno.test("a session that ends is replaced before, while nothing is said", async () => {
  await using fixture = await Fixture.set({
    realtime: [
      { heard: "A story.", reply: "Once upon a time there was a king who had no crown." },
      { heard: "And then?", reply: "They slept." },
    ],
  });
  const { clock, realtime } = fixture;
  await fixture.hear(600, 600);
  realtime.sessions[0]!.expire(30_000);
  await clock.advance(1500);
  assertEquals(realtime.sessions.length, 1);
  await clock.advance(4000);
  assertEquals(realtime.sessions.length, 2);
  assertEquals(realtime.sessions[1]!.options.history.length, 2);
  await clock.advance(30_000);
  await fixture.hear(600, 2000);
  assertEquals(fixture.conversation.at(-1), "agent: They slept.");
  assertEquals(fixture.errors, []);
});

Deno.test("a session that ends is replaced in the middle of speech where there is no pause", async () => {
  await using fixture = await Fixture.set({ realtime: [{ heard: "All of it.", reply: "I see." }] });
  const { clock, realtime } = fixture;
  fixture.utter(20_000, 4000);
  await clock.advance(1000);
  realtime.sessions[0]!.expire(10_000);
  await clock.advance(9000);
  assertEquals(realtime.sessions.length, 2);
  await clock.advance(14_000);
  // The new one hears all of it.
  const { heardSoundMs } = realtime.sessions[1]!;
  assert(Math.abs(heardSoundMs - 20_000) <= 100, `${heardSoundMs} ms`);
  assertEquals(fixture.conversation, ["ann: All of it.", "agent: I see."]);
});
