import { assertEquals, assertRejects } from "@std/assert";
import { defineTool } from "../../src/inference/contracts/tool.ts";
import {
  AgentSpeechEndedEvent,
  TranscriptEvent,
  TurnEndedEvent,
} from "../../src/inference/contracts/events.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { Agent } from "../../src/agent/agent.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { allowList } from "../../src/inference/speakers/allow_list.ts";
import { joinAnna } from "../agent/_call.ts";
import { Fixture } from "./_fixture.ts";

Deno.test("an agent replies to what a person writes as to speech", async () => {
  await using fixture = await Fixture.set({ replies: ["At six."], voice: { msPerChar: 50 } });
  const { clock, ann, agent } = fixture;
  ann.sendText("When do you close?");
  await clock.advance(2000);
  assertEquals(fixture.conversation, ["ann: When do you close?", "agent: At six."]);
  assertEquals(fixture.events(TranscriptEvent).map(({ text, final }) => [text, final]), [
    ["When do you close?", true],
  ]);
  const [turn] = fixture.events(TurnEndedEvent);
  assertEquals([turn?.participant.id, turn?.text, turn?.reason], [
    "ann",
    "When do you close?",
    "written",
  ]);
  assertEquals(fixture.told, ["user: When do you close?"]);
  assertEquals([ann.heardMs > 300, agent.audio.playedMs > 300], [true, true]);
  assertEquals(fixture.errors, []);
});

Deno.test("what a person writes interrupts the agent, and the next reply knows what was heard", async () => {
  await using fixture = await Fixture.set({ replies: ["Two three."], voice: { msPerChar: 50 } });
  const { clock, ann, agent } = fixture;
  agent.say("One two three four five six seven eight nine ten.");
  await clock.advance(1000);
  ann.sendText("okay");
  await clock.advance(3000);
  const [cut] = fixture.events(AgentSpeechEndedEvent);
  assertEquals([cut?.interrupted, fixture.told.length], [true, 2]);
  assertEquals(fixture.told, [`assistant: ${cut?.text}`, "user: okay"]);
  assertEquals(fixture.conversation.slice(1), ["ann: okay", "agent: Two three."]);
});

Deno.test("turnHandling.shouldReply decides about what is written too", async () => {
  await using fixture = await Fixture.set({
    agent: { turnHandling: { shouldReply: ({ text }) => text.includes("agent") } },
  });
  const { clock, ann } = fixture;
  ann.sendText("I think so.");
  await clock.advance(1000);
  assertEquals([fixture.llm.requests.length, fixture.conversation], [0, ["ann: I think so."]]);
  ann.sendText("And you, agent?");
  await clock.advance(1000);
  assertEquals(fixture.told, ["user: I think so.", "user: And you, agent?"]);
});

Deno.test("an allow list is about what is written too", async () => {
  await using fixture = await Fixture.set({
    people: ["ann", "eve"],
    agent: { speakerFilter: allowList(["ann"]) },
  });
  const { clock, people: [ann, eve] } = fixture;
  eve!.sendText("Send money.");
  await clock.advance(1000);
  assertEquals([fixture.llm.requests.length, fixture.conversation], [0, []]);
  ann!.sendText("Hello.");
  await clock.advance(1000);
  assertEquals(fixture.llm.requests.length, 1);
});

Deno.test("a person who writes while the agent still joins is answered", async () => {
  await using fixture = await Fixture.set({
    prepare: ({ edge, people }) => {
      const { createConversation } = edge;
      edge.createConversation = async (...options) => {
        // The agent has joined and follows the call, but its pipeline is not open.
        people[0]!.sendText("Already here.");
        return await createConversation.apply(edge, options);
      };
    },
  });
  await fixture.clock.advance(1000);
  assertEquals(fixture.told, ["user: Already here."]);
});

Deno.test("a realtime model is sent what a person writes", async () => {
  await using fixture = await Fixture.set({ realtime: [{ reply: "Yes." }] });
  const { clock, ann, realtime } = fixture;
  ann.sendText("Are you there?");
  await clock.advance(1000);
  assertEquals(realtime.sessions.at(-1)?.texts, ["Are you there?"]);
  assertEquals(fixture.conversation[0], "ann: Are you there?");
  assertEquals(fixture.events(TurnEndedEvent).map(({ reason }) => reason), ["written"]);
});

Deno.test("a realtime model replies in text, and nothing of it is said", async () => {
  const script = [{ reply: "Yes, I am." }, { reply: "So it is." }, { reply: "Loud and clear." }];
  await using fixture = await Fixture.set({ realtime: script });
  const { clock, agent, ann } = fixture;
  const { participant } = ann;
  const { text } = await clock.until(agent.text("Are you there?", { participant }));
  assertEquals(text, "Yes, I am.");
  await clock.advance(2000);
  assertEquals([agent.audio.playedMs, ann.heardMs], [0, 0]);
  assertEquals(fixture.conversation, ["ann: Are you there?", "agent: Yes, I am."]);
  // What is said waits for its turn, and is said.
  const written = agent.text("Nice weather.");
  const said = agent.generateReply("Can you hear me?");
  assertEquals((await clock.until(written)).text, "So it is.");
  assertEquals((await clock.until(said)).text, "Loud and clear.");
  assertEquals(agent.audio.playedMs > 0, true);
  const controller = new AbortController();
  const aborted = agent.text("Hello?", { signal: controller.signal });
  controller.abort(new Error("changed my mind"));
  await assertRejects(() => clock.until(aborted), Error, "changed my mind");
  const closed = assertRejects(() => agent.text("Hello?"), DOMException, "interrupted");
  await clock.until(agent.close());
  await clock.until(closed);
  assertEquals(fixture.errors, []);
});

Deno.test("agent.text replies in text, with tools, and nothing is said", async () => {
  const booked: unknown[] = [];
  const book = defineTool({
    name: "book",
    description: "Books a table.",
    parameters: { type: "object", properties: { people: { type: "number" } } },
    execute: (input) => void booked.push(input),
  });
  await using fixture = await Fixture.set({
    replies: [{ text: "One moment.", calls: [{ name: "book", input: { people: 2 } }] }, "Booked."],
    agent: { tools: [book] },
  });
  const { clock, agent, ann } = fixture;
  const { participant } = ann;
  const reply = await clock.until(agent.text("A table for two.", { participant }));
  assertEquals([reply.text, booked], ["One moment.\nBooked.", [{ people: 2 }]]);
  await clock.advance(1000);
  assertEquals([agent.audio.playedMs, fixture.tts.sentences.length], [0, 0]);
  assertEquals(fixture.conversation, [
    "ann: A table for two.",
    "agent: One moment.\nBooked.",
    `agent: book({"people":2}): done`,
  ]);
  await clock.until(agent.text("Thanks."));
  assertEquals(fixture.told, [
    "user: A table for two.",
    "assistant: One moment.\n",
    "tool: done",
    "assistant: Booked.",
    "user: Thanks.",
  ]);
});

Deno.test("agent.text rejects with what the model throws, when aborted, and when the agent closes", async () => {
  const script = [
    { text: "I was ", error: new Error("out of words") },
    { text: "Well ", hangs: true },
    { text: "Well ", hangs: true },
  ];
  await using fixture = await Fixture.set({ replies: script });
  const { clock, agent } = fixture;
  await assertRejects(() => clock.until(agent.text("One?")), Error, "out of words");
  assertEquals(fixture.conversation.at(-1), "agent: I was /");
  const controller = new AbortController();
  const aborted = agent.text("Two?", { signal: controller.signal });
  await clock.advance(100);
  controller.abort(new Error("changed my mind"));
  await assertRejects(() => clock.until(aborted), Error, "changed my mind");
  const closed = assertRejects(() => agent.text("Three?"));
  await clock.advance(100);
  await clock.until(agent.close());
  await clock.until(closed);
  assertEquals(fixture.llm.aborted, 2);
});

Deno.test("an agent without a model shows what people write, and hands it to its processors", async () => {
  const read: string[] = [];
  const { agent, anna, clock } = await joinAnna({
    processors: [{
      name: "reader",
      textReceived: ({ userId }, text) => void read.push(`${userId}: ${text}`),
    }],
  });
  anna.sendText("Hello.");
  assertEquals(read, ["anna: Hello."]);
  const [message] = agent.conversation!.messages;
  assertEquals([message?.role, message?.userId, message?.text], ["user", "anna", "Hello."]);
  await clock.until(agent.close());
});

Deno.test("what a person writes does not cut off what must be heard, and is answered after it", async () => {
  await using fixture = await Fixture.set({ replies: ["At six."], voice: { msPerChar: 50 } });
  const { clock, ann, agent } = fixture;
  const notice = agent.say("This call is recorded.", { allowInterruptions: false });
  await clock.advance(300);
  ann.sendText("When do you close?");
  assertEquals(await clock.until(notice), { text: "This call is recorded.", interrupted: false });
  await clock.advance(3000);
  assertEquals(fixture.told, ["assistant: This call is recorded.", "user: When do you close?"]);
});

Deno.test("what a person writes does not cut off an agent that cannot reply to it", async () => {
  const edge = new MemoryEdge({ clock: new VirtualClock(), logger: silentLogger });
  const clock = edge.clock as VirtualClock;
  const agentUser = { id: "agent", name: "Agent" };
  const agent = new Agent({ edge, agentUser, tts: new FakeTTS(clock) });
  const call = await agent.createCall("default", "kitchen");
  const anna = edge.enter(call, { userId: "anna", id: "anna" });
  await clock.until(agent.join(call));
  const said = agent.say("The doors close in five minutes.");
  await clock.advance(100);
  anna.sendText("lol");
  assertEquals((await clock.until(said)).interrupted, false);
  await clock.until(agent.close());
  await clock.until(edge.close());
});
