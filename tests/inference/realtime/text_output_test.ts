/** A realtime model that replies in text, with a voice of the agent's own. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Agent } from "../../../src/agent/agent.ts";
import type { AgentOptions } from "../../../src/agent/agent_options.ts";
import { BargeInEvent, ReplyLatencyEvent } from "../../../src/inference/contracts/events.ts";
import { defineTool } from "../../../src/inference/contracts/tool.ts";
import { FakeRealtimeLLM } from "../../../src/testing/fake_realtime_llm.ts";
import { FakeTTS } from "../../../src/testing/fake_tts.ts";
import { Fixture } from "../_fixture.ts";

Deno.test("a realtime model that writes is spoken by the agent's own voice", async () => {
  await using fixture = await Fixture.set({
    writes: true,
    realtime: [
      { heard: "How are you?", reply: "Very well, **thank you**, Mrs Nguyen." },
      { heard: "Look.", call: { name: "look", input: {} }, reply: "It is" },
    ],
    agent: {
      pronunciations: { Nguyen: "Win" },
      tools: [defineTool({ name: "look", description: "", execute: () => "dark." })],
    },
  });
  await fixture.hear(800, 3500);
  await fixture.hear(600, 3000);
  const [session] = fixture.realtime.sessions;
  assertEquals(session!.options.output, "text");
  assertEquals(fixture.tts.sentences, ["Very well, thank you, Mrs Win.", "It is dark."]);
  const said = fixture.conversation.filter((one) =>
    one.startsWith("agent: ") && !one.includes("look(")
  );
  assertEquals(said, ["agent: Very well, **thank you**, Mrs Nguyen.", "agent: It is dark."]);
  const spoken = fixture.tts.sentences.join("").length;
  assert(Math.abs(fixture.ann.heardMs - 50 * spoken) <= 60, `${fixture.ann.heardMs} ms`);
  assertEquals(fixture.events(ReplyLatencyEvent).length, 2);
  assertEquals([session!.interruptions, fixture.errors], [[], []]);
});

Deno.test("an interruption tells a realtime model that writes the words that were heard", async () => {
  await using fixture = await Fixture.set({
    writes: true,
    realtime: [
      { heard: "A story.", reply: "Once upon a time there was a king who had no crown at all." },
      { heard: "Stop.", reply: "Fine." },
    ],
  });
  await fixture.hear(600, 1600);
  await fixture.hear(600, 2000);
  assertEquals(fixture.events(BargeInEvent).length, 1);
  const [interruption] = fixture.realtime.sessions[0]!.interruptions;
  assertEquals(fixture.conversation, [
    "ann: A story.",
    "agent: Once upon a time there was/",
    "ann: Stop.",
    "agent: Fine.",
  ]);
  assertEquals(interruption!.heardText, "Once upon a time there was");
});

Deno.test("say() is spoken word for word by the agent's own voice, and told to the model", async () => {
  await using fixture = await Fixture.set({
    writes: true,
    realtime: [{ heard: "Hm.", reply: "Yes." }],
  });
  const { clock, agent } = fixture;
  const outcome = await clock.until(
    agent.say("This call is recorded.", { allowInterruptions: false }),
  );
  assertEquals(outcome, { text: "This call is recorded.", interrupted: false });
  const [session] = fixture.realtime.sessions;
  assertEquals([session!.said, session!.assistantTexts], [[], ["This call is recorded."]]);
  // What must be heard is heard, also where a person speaks over it.
  const notice = agent.say("It is kept for a year, and then deleted.", {
    allowInterruptions: false,
  });
  await fixture.hear(600, 1000);
  assertEquals((await clock.until(notice)).interrupted, false);
  const cut = agent.say("And now a long list of everything that is in it.");
  await clock.advance(1500);
  await fixture.hear(600, 1000);
  const { text, interrupted } = await clock.until(cut);
  assert(interrupted && text.startsWith("And now") && !text.endsWith("it."), text);
  assertEquals(session!.assistantTexts.at(-1), text);
  assertEquals(fixture.errors, []);
});

const requests = {
  "generateReply()": ({ agent }: Fixture) => agent.generateReply("What is there?"),
  "text()": ({ agent }: Fixture) => agent.text("What is there?"),
  "what a person writes": ({ ann }: Fixture) => ann.sendText("What is there?"),
};

for (const [what, ask] of Object.entries(requests)) {
  Deno.test(`${what} is sent to a realtime model that writes while several say() wait`, async () => {
    await using fixture = await Fixture.set({ writes: true, realtime: [{ reply: "All of it." }] });
    const { agent, clock, realtime } = fixture;
    for (const text of ["This call is recorded.", "Welcome to the hotel.", "We are open."]) {
      agent.say(text, { allowInterruptions: false });
    }
    await clock.advance(50);
    const asked = ask(fixture);
    await clock.advance(30_000);
    await asked;
    assertEquals(realtime.sessions[0]!.texts, ["What is there?"]);
    assertEquals(fixture.conversation.toSorted().slice(0, 2), [
      "agent: All of it.",
      "agent: This call is recorded.",
    ]);
    assertEquals(fixture.errors, []);
  });
}

Deno.test("a realtime model that writes goes on with a background tool that says something after a say()", async () => {
  const book = defineTool({
    name: "book",
    description: "",
    background: true,
    execute: (_, { agent }) => agent.say("One moment."),
  });
  await using fixture = await Fixture.set({
    writes: true,
    realtime: [{ reply: "Soon:", call: { name: "book", input: {} } }],
    agent: { tools: [book] },
  });
  const { agent, clock } = fixture;
  const reply = agent.text("Book it.");
  const said = agent.say("Well.");
  assertEquals((await clock.until(reply)).text.split(" ")[0], "Soon:");
  await clock.until(said);
});

Deno.test("a voice that fails is told to a realtime model that writes, and say() rejects", async () => {
  const error = new Error("the voice is down");
  await using fixture = await Fixture.set({
    writes: true,
    realtime: [{ heard: "Hm.", reply: "Well. Bad things." }],
    voice: { failures: { Bad: error } },
  });
  await fixture.hear(600, 3000);
  const [interruption] = fixture.realtime.sessions[0]!.interruptions;
  assertEquals(interruption!.heardText?.trim(), "Well.");
  assertEquals(fixture.conversation.at(-1), "agent: Well. /");
  await assertRejects(
    () => fixture.clock.until(fixture.agent.say("Bad.")),
    Error,
    "the voice is down",
  );
});

Deno.test("a voice of its own can be changed, and given to a realtime agent that had none", async () => {
  await using fixture = await Fixture.set({
    writes: true,
    realtime: [{ heard: "Hi.", reply: "One." }, { heard: "Hi.", reply: "Two." }],
  });
  const { clock, agent, realtime } = fixture;
  await fixture.hear(600, 1500);
  const tts = new FakeTTS(clock);
  await clock.until(agent.update({ tts }));
  await fixture.hear(600, 1500);
  assertEquals([fixture.tts.sentences, tts.sentences], [["One."], ["Two."]]);
  assertEquals(realtime.sessions.length, 1, "the model's session stays");
  await using speaking = await Fixture.set({ realtime: [{ heard: "Hi.", reply: "Three." }] });
  speaking.realtime.textOutput = true;
  const voice = new FakeTTS(speaking.clock);
  await speaking.clock.until(speaking.agent.update({ tts: voice }));
  await speaking.hear(600, 1500);
  assertEquals(voice.sentences, ["Three."]);
  assertEquals(speaking.realtime.sessions.map(({ options }) => options.output), ["audio", "text"]);
});

Deno.test("generateReply() rejects where the agent's own voice fails before a word is heard", async () => {
  await using fixture = await Fixture.set({
    writes: true,
    voice: { failures: { broken: new Error("no voice") } },
    realtime: [{ reply: "This is broken." }, { reply: "Here I am. This is broken." }],
  });
  const { agent, clock } = fixture;
  await assertRejects(() => clock.until(agent.generateReply("Hello?")), Error, "no voice");
  const { text, interrupted } = await clock.until(agent.generateReply("Hello?"));
  assertEquals([text.trim(), interrupted], ["Here I am.", true]);
});

Deno.test("a voice goes with a realtime model that can write only", async () => {
  await using fixture = await Fixture.set({ realtime: [] });
  const { clock, edge } = fixture;
  const create = (more: Partial<AgentOptions>, textOutput: boolean) => {
    const llm = Object.assign(new FakeRealtimeLLM(clock), { textOutput });
    return new Agent({ edge, agentUser: { id: "b", name: "B" }, llm, ...more });
  };
  const tts = new FakeTTS(clock);
  assertThrows(() => create({ tts }, false), TypeError, "speaks itself: expected no tts");
  const pronunciations = { a: "b" };
  assertThrows(() => create({ pronunciations }, true), TypeError, "expected no pronunciations");
  assertThrows(
    () => create({ tts, onFailure: "Sorry." }, true),
    TypeError,
    "hears and takes turns itself: expected no onFailure",
  );
  await create({ tts, pronunciations }, true).close();
});
