/** Replies that one participant alone hears, beside the conversation with the others. */
import { assert, assertEquals } from "@std/assert";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { sleep } from "../../src/events/waiting.ts";
import { handoffTool } from "../../src/agent/handoff_tool.ts";
import { BargeInEvent } from "../../src/inference/contracts/events.ts";
import { defineTool, type Tool } from "../../src/inference/contracts/tool.ts";
import { Fixture, type FixtureOptions } from "../inference/_fixture.ts";

const LONG = "This is a sentence that takes a while to be said, as it has many words.";
const LOOK = { text: "One moment.", calls: [{ name: "look", input: {} }] };

let fixture: Fixture;

/** An agent in a call of Ann and Bert. */
async function set(options: FixtureOptions = {}) {
  fixture = await Fixture.set({ people: ["ann", "bert"], ...options });
  const [ann, bert] = fixture.people as [typeof fixture.ann, typeof fixture.ann];
  const { agent, clock } = fixture;
  const track = agent.createAudioTrack({ to: ann.participant });
  return { ann, bert, track, agent, clock };
}

/** A tool that takes so long, and says how far it is after the first half. */
function look(ms: number, options: Partial<Tool> = {}): Tool {
  const tool = defineTool({
    name: "look",
    description: "",
    timeoutMs: 60_000,
    execute: async (_, { progress }) => {
      await sleep(ms / 2, { clock: fixture.clock });
      progress("half of it");
      await sleep(ms / 2, { clock: fixture.clock });
      return "the balance is low";
    },
  });
  return { ...tool, ...options };
}

for (const how of ["interrupted", "in the background", "failing"] as const) {
  Deno.test(`what a tool did in a reply to one participant is not told to the others (${how})`, async () => {
    const last = how === "failing" ? { error: new Error("the model is down") } : "I am looking.";
    const { ann, bert, track, agent, clock } = await set({
      transcripts: { ann: ["Wait a moment."] },
      replies: how === "interrupted" ? [LOOK, "Yes."] : [LOOK, last, "Yes."],
      agent: {
        tools: [look(3000, { background: how === "in the background" })],
        turnHandling: { shouldReply: () => false },
      },
    });
    await using _ = fixture;
    const { participant } = ann;
    const said = agent.generateReply("My balance?", { track, participant });
    await clock.advance(700);
    if (how === "interrupted") fixture.utter(800, 1500, ann);
    await clock.until(said);
    await clock.advance(15_000);
    assertEquals([fixture.llm.requests.length, bert.heardMs], [how === "interrupted" ? 1 : 2, 0]);
    // The agent itself knows.
    await clock.until(agent.generateReply("Is all well?"));
    assert(fixture.told.some((one) => one.includes("the balance is low")), fixture.told.join("\n"));
  });
}

for (const how of ["leaves", "is cut off"] as const) {
  Deno.test(`a reply to a participant who ${how} while its tool runs ${how === "leaves" ? "ends" : "goes on"}`, async () => {
    const { ann, bert, track, agent, clock } = await set({
      replies: [LOOK, "It is low."],
      agent: { tools: [look(8000)] },
    });
    await using _ = fixture;
    const { participant } = ann;
    const first = agent.generateReply("My balance?", { track, participant });
    // Not all of its first words have been heard.
    await clock.advance(300);
    if (how === "leaves") ann.leave();
    else ann.loseNetwork();
    if (how === "is cut off") {
      await clock.advance(2000);
      ann.regainNetwork();
      assertEquals(await clock.until(first), {
        text: "One moment.\nIt is low.",
        interrupted: false,
      });
      return;
    }
    const second = agent.say("Hello all.");
    const outcomes = await clock.until(Promise.all([first, second]), 2000);
    assertEquals(outcomes.map(({ interrupted }) => interrupted), [true, false]);
    await clock.advance(10_000);
    assertEquals([Math.round(bert.heardMs / 50) * 50, fixture.llm.requests.length], [500, 1]);
    assertEquals(fixture.errors, []);
  });
}

Deno.test("what waits to be said to a participant who leaves asks no model", async () => {
  const { ann, bert, track, agent, clock } = await set({
    transcripts: { ann: ["This goes on and on."] },
    replies: [{ text: "Well.", firstTokenMs: 2000 }],
    agent: { turnHandling: { shouldReply: () => false } },
  });
  await using _ = fixture;
  const asked = [agent.generateReply("One.", { track }), agent.generateReply("Two.", { track })];
  await clock.advance(1000);
  fixture.utter(4000, 1000, ann);
  await clock.advance(500);
  // They wait for the end of the turn.
  asked.push(agent.generateReply("Three.", { track }), agent.say("Four.", { track }));
  await clock.advance(100);
  ann.leave();
  const outcomes = await clock.until(Promise.all(asked), 500);
  assertEquals(outcomes, outcomes.map(() => ({ text: "", interrupted: true })));
  await clock.advance(5000);
  assertEquals([fixture.llm.requests.length, bert.heardMs, fixture.errors], [1, 0, []]);
});

for (const onInterruption of ["finish", "refuse"] as const) {
  Deno.test(`while a reply to one participant waits for a tool (${onInterruption}), another is answered, and interrupts that alone`, async () => {
    const { ann, bert, track, agent, clock } = await set({
      transcripts: { bert: ["Hello?", "Wait a moment."] },
      replies: [LOOK, LONG, "All right.", "It is low."],
      agent: { tools: [look(9000, { onInterruption })] },
    });
    await using _ = fixture;
    const { participant } = ann;
    const whispered = agent.generateReply("My balance?", { track, participant });
    await clock.advance(1000);
    fixture.utter(600, 1400, bert);
    await clock.advance(2000);
    assert(bert.heardMs > 0, "answered while the tool runs");
    fixture.utter(800, 4000, bert);
    await clock.advance(4000);
    const barged = fixture.events(BargeInEvent).map(({ participant }) => participant?.id);
    assertEquals(barged, ["bert"]);
    const text = "One moment.\nIt is low.";
    assertEquals(await clock.until(whispered), { text, interrupted: false });
    assertEquals([fixture.llm.requests.length, fixture.errors], [4, []]);
  });
}

for (const atMs of [400, 2800]) {
  Deno.test(`what others say during a speech to one that discards turns counts (after ${atMs} ms)`, async () => {
    const { ann, bert, track, agent, clock } = await set({
      transcripts: { ann: ["Not now."], bert: ["Good day."] },
      replies: ["Hello."],
    });
    await using _ = fixture;
    const options = { track, allowInterruptions: false, discardUserTurns: true };
    const said = agent.say(LONG, options);
    await clock.advance(atMs);
    fixture.utter(600, 5000, ann);
    fixture.utter(600, 5000, bert);
    await clock.advance(8000);
    assertEquals(await said, { text: LONG, interrupted: false });
    assertEquals(fixture.llm.requests.length, 1);
    await clock.until(agent.generateReply("Well?"));
    const users = fixture.told.filter((one) => one.startsWith("user: "));
    assertEquals(users, ["user: Bert: Good day.", "user: Well?"]);
  });
}

Deno.test("the participant who alone was to hear a reply that fails alone hears that", async () => {
  const { ann, bert, track, agent, clock } = await set({
    replies: [{ error: new Error("the model is down") }],
    agent: { onFailure: "Something failed." },
  });
  await using _ = fixture;
  const { participant } = ann;
  const said = agent.generateReply("My balance?", { track, participant }).catch(() => {});
  await clock.advance(5000);
  await said;
  assert(ann.heardMs > 0);
  assertEquals(bert.heardMs, 0);
  const shown = agent.conversation!.messages.map(({ text, to }) => [text, to]);
  assertEquals(shown, [["My balance?", "ann"], ["Something failed.", "ann"]]);
});

Deno.test("the transcript says who alone hears the reply that calls a tool", async () => {
  const { ann, track, agent, clock } = await set({
    replies: [LOOK, "It is low.", LOOK, "Still."],
    agent: { tools: [look(1000)] },
  });
  await using _ = fixture;
  const { participant } = ann;
  await clock.until(agent.generateReply("My balance?", { track, participant }));
  await clock.until(agent.generateReply("Look again."));
  const calls = agent.conversation!.messages.filter(({ role }) => role === "tool");
  assertEquals(calls.map(({ to, toolCall }) => [to, toolCall?.result]), [
    ["ann", "the balance is low"],
    [undefined, "the balance is low"],
  ]);
});

Deno.test("a thinking sound is heard before a reply to all, and not before one to a participant", async () => {
  for (const isWhispered of [true, false]) {
    const { bert, track, agent, clock } = await set({
      replies: [{ text: "Well.", firstTokenMs: 2000 }],
      agent: {
        thinkingSound: new PcmChunk(new Int16Array(8000).fill(1000), { sampleRate: 16_000 }),
      },
    });
    await using _ = fixture;
    const said = agent.generateReply("Think.", isWhispered ? { track } : {});
    await clock.advance(1900);
    assertEquals(bert.heardMs > 0, !isWhispered);
    await clock.until(said);
  }
});

Deno.test("what people wait for is told to all, also where a reply to one participant comes before", async () => {
  const { track, agent, clock } = await set({
    replies: [LOOK, "I am looking.", "Psst.", "It is low."],
    agent: { tools: [look(3000, { background: true })] },
  });
  await using _ = fixture;
  const said = [agent.generateReply("My balance?"), agent.say(LONG)];
  await clock.advance(3500);
  said.push(agent.generateReply("Whisper.", { track }));
  await clock.until(Promise.all(said));
  await clock.advance(3000);
  const shown = agent.conversation!.messages.filter(({ role }) => role === "assistant");
  assertEquals(shown.slice(-2).map(({ text, to }) => [text, to]), [
    ["Psst.", "ann"],
    ["It is low.", undefined],
  ]);
});

for (const how of ["whispered", "written"] as const) {
  Deno.test(`what a tool did is told to those who interrupted it, also where the model saw it for a ${how} reply`, async () => {
    const calls = ["look", "wait"].map((name) => ({ name, input: {} }));
    const { track, agent, clock } = await set({
      transcripts: { ann: ["Wait a moment."] },
      replies: [{ text: "One moment.", calls }, "Psst.", "It is low."],
      agent: {
        tools: [
          look(1000),
          look(100_000, { name: "wait", timeoutMs: Infinity }),
        ],
        turnHandling: { shouldReply: () => false },
      },
    });
    await using _ = fixture;
    void agent.generateReply("My balance?");
    await clock.advance(2500);
    // Another voice: it is not waited for.
    const other = how === "written"
      ? agent.text("Hm?")
      : agent.generateReply("Whisper.", { track });
    await clock.until(other, 5000);
    fixture.utter(1000, 1500);
    await clock.advance(8000);
    const shown = agent.conversation!.messages.filter(({ role }) => role === "assistant");
    assertEquals(shown.at(-1)!.text, "It is low.");
  });
}

Deno.test("the agent to which a whispered reply hands over begins with a whisper", async () => {
  const next = handoffTool({ to: { name: "Billing", instructions: "Help with invoices." } });
  const { ann, bert, track, agent, clock } = await set({
    replies: [{ calls: [{ name: next.name, input: {} }] }, "This is billing.", "Good day."],
    agent: { tools: [next] },
  });
  await using _ = fixture;
  const { participant } = ann;
  await clock.until(agent.generateReply("My invoice?", { track, participant }));
  await clock.advance(3000);
  assertEquals([ann.heardMs > 500, bert.heardMs], [true, 0]);
  const shown = agent.conversation!.messages.filter(({ role }) => role === "assistant");
  assertEquals(shown.map(({ text, to }) => [text, to]), [["This is billing.", "ann"]]);
  // It is the agent of all.
  await clock.until(agent.generateReply("Hello?"));
  assert(bert.heardMs > 0);
});

Deno.test("what is asked for on the track of a participant who has left asks no model", async () => {
  const { ann, track, agent, clock } = await set({ replies: ["Never.", "Hello."] });
  await using _ = fixture;
  ann.leave();
  await clock.advance(100);
  const outcomes = await clock.until(Promise.all([
    agent.generateReply("My balance?", { track }),
    agent.say("Psst.", { track }),
  ]));
  const unheard = { text: "", interrupted: true };
  assertEquals(outcomes, [unheard, unheard]);
  assertEquals([fixture.llm.requests.length, fixture.errors], [0, []]);
  assertEquals(agent.conversation!.messages, []);
});

Deno.test("a turn that was held is answered while one participant alone hears what cannot be interrupted", async () => {
  const { track, agent, clock, bert } = await set({
    transcripts: { bert: ["Good day."] },
    replies: ["Hello."],
  });
  await using _ = fixture;
  const notice = agent.say("This call is recorded for all of us.", { allowInterruptions: false });
  const whispered = agent.say(LONG, { track, allowInterruptions: false });
  await clock.advance(300);
  fixture.utter(600, 6000, bert);
  await clock.advance(1300);
  assertEquals(fixture.llm.requests.length, 0);
  await clock.until(notice);
  await clock.advance(500);
  assertEquals(fixture.llm.requests.length, 1);
  assertEquals(await clock.until(whispered), { text: LONG, interrupted: false });
});
