/** Changes of an agent in its call. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Component } from "../../src/inference/contracts/component.ts";
import { Agent } from "../../src/agent/agent.ts";
import type { AgentUpdate } from "../../src/agent/agent_context.ts";
import { ClosedError } from "../../src/edge/errors.ts";
import { sleep } from "../../src/events/waiting.ts";
import { AgentUpdatedEvent } from "../../src/inference/contracts/events.ts";
import { defineTool } from "../../src/inference/contracts/tool.ts";
import { fixedEndpointing } from "../../src/inference/contracts/turn_detector.ts";
import { FakeLLM } from "../../src/testing/fake_llm.ts";
import { FakeRealtimeLLM } from "../../src/testing/fake_realtime_llm.ts";
import { FakeSTT } from "../../src/testing/fake_stt.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { FakeVAD } from "../../src/testing/fake_vad.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { Fixture, sound } from "../inference/_fixture.ts";

/** Notes in `log` when a component starts and closes. */
function watched<T extends Component>(component: T, what: string, log: string[]): T {
  return Object.assign(component, {
    start: () => void log.push(`${what} starts`),
    close: () => void log.push(`${what} closes`),
  });
}

Deno.test("Agent.update: a reply in flight keeps its parts, the next turn has the new ones", async () => {
  const log: string[] = [];
  await using fixture = await Fixture.set({
    replies: [{ text: "One two three four five six seven eight.", tokenMs: 100 }],
    transcripts: ["Well?"],
    agent: { instructions: "Be brief." },
    prepare: ({ llm, tts }) => {
      watched(llm, "old llm", log);
      watched(tts, "old tts", log);
    },
  });
  const { clock, agent } = fixture;
  const llm = watched(new FakeLLM(clock, ["Gladly."]), "new llm", log);
  const tts = watched(new FakeTTS(clock), "new tts", log);
  const reply = agent.generateReply("Count.");
  await clock.advance(300);
  const queued = agent.say("And nine.");
  await clock.until(agent.update({ instructions: "Be kind.", llm, tts }));
  assertEquals(agent.instructions, "Be kind.");
  assertEquals(fixture.events(AgentUpdatedEvent).map(({ changed }) => changed), [
    ["instructions", "llm", "tts"],
  ]);
  const told = log.filter((one) => one.startsWith("new"));
  assertEquals(told, ["new llm starts", "new tts starts"]);
  await clock.until(Promise.all([reply, queued]));
  assertEquals(fixture.tts.sentences, ["One two three four five six seven eight.", "And nine."]);
  await fixture.hear(600, 3000);
  assertEquals(tts.sentences, ["Gladly."]);
  assertEquals(llm.requests.at(-1)!.messages.map(({ text }) => text), [
    "Be kind.",
    "Count.",
    "One two three four five six seven eight.",
    "And nine.",
    "Well?",
  ]);
  assertEquals(log.slice(-2).toSorted(), ["old llm closes", "old tts closes"]);
  await clock.until(agent.close());
  assertEquals(log.filter((one) => one === "new llm closes").length, 1);
  assertEquals(log.filter((one) => one === "old llm closes").length, 1);
});

Deno.test("Agent.update: what cannot start leaves the agent as it was, and is closed", async () => {
  await using fixture = await Fixture.set({ replies: ["Still me."], transcripts: ["Well?"] });
  const { clock, agent } = fixture;
  const log: string[] = [];
  const llm = Object.assign(new FakeLLM(clock), {
    start: () => Promise.reject(new Error("the key is refused")),
  });
  const tts = watched(new FakeTTS(clock), "tts", log);
  const failed = agent.update({ instructions: "Changed.", llm, tts });
  await assertRejects(() => clock.until(failed), Error, "the key is refused");
  assertEquals(log, ["tts starts", "tts closes"]);
  assertEquals(agent.instructions, "");
  await fixture.hear(600, 3000);
  assertEquals(fixture.tts.sentences, ["Still me."]);
  assertEquals(fixture.events(AgentUpdatedEvent), []);
});

Deno.test("Agent.update may be awaited in a tool, whose reply goes on with the tools it knew", async () => {
  const order: string[] = [];
  const tool = (name: string, act: () => unknown = () => {}) =>
    defineTool({
      name,
      description: "",
      execute: async (_, { agent }) => {
        order.push(name);
        await act();
        if (name === "learn") {
          await agent.update({ instructions: "Knowing.", tools: [tool("use")] });
        }
        return name;
      },
    });
  await using fixture = await Fixture.set({
    replies: [
      { calls: [{ name: "learn", input: {} }] },
      { calls: [{ name: "learn_more", input: {} }] },
      "Learned.",
      { calls: [{ name: "use", input: {} }] },
      "Used.",
    ],
    agent: { instructions: "Unknowing.", tools: [tool("learn"), tool("learn_more")] },
  });
  const { clock, agent, llm } = fixture;
  const outcome = await clock.until(agent.generateReply("Learn."));
  assertEquals(outcome.text.trim(), "Learned.");
  await clock.until(agent.generateReply("Use it."));
  assertEquals(order, ["learn", "learn_more", "use"]);
  const asked = llm.requests.map(({ messages, tools }) => [
    messages[0]!.text,
    tools.map(({ name }) => name).join(),
  ]);
  const old = ["Unknowing.", "learn,learn_more"];
  const now = ["Knowing.", "use"];
  assertEquals(asked, [old, old, old, now, now]);
});

Deno.test("Agent.update: a turn in progress is heard to its end by the recogniser it began with", async () => {
  const log: string[] = [];
  await using fixture = await Fixture.set({
    transcripts: ["To the end."],
    replies: ["Yes."],
    prepare: ({ stt }) => watched(stt, "old stt", log),
  });
  const { clock, agent } = fixture;
  const stt = watched(new FakeSTT(clock, ["By another."]), "new stt", log);
  fixture.utter(900, 2500);
  await clock.advance(500);
  const turnHandling = { turnDetection: fixedEndpointing(900) };
  await clock.until(agent.update({ stt, turnHandling }));
  await clock.advance(2900);
  assertEquals(fixture.conversation, ["ann: To the end.", "agent: Yes."]);
  assertEquals(log, ["old stt starts", "new stt starts", "old stt closes"]);
  const from = clock.now();
  await fixture.hear(600, 3000);
  assertEquals(fixture.conversation.slice(2), ["ann: By another.", "agent: Yes."]);
  const replied = fixture.happened.findLast(({ event }) =>
    (event as { type: string }).type === "agent-speech-started"
  )!;
  // 600 ms of speech, and 900 ms of silence instead of 400.
  assert(replied.at - from >= 1500 && replied.at - from < 1600, `${replied.at - from} ms`);
});

Deno.test("Agent.update: the words for a failure are prepared by the new voice", async () => {
  await using fixture = await Fixture.set({ agent: { onFailure: "One moment." } });
  const { clock, agent } = fixture;
  await clock.advance(1000);
  const tts = new FakeTTS(clock);
  await clock.until(agent.update({ tts }));
  await clock.advance(1000);
  assertEquals([fixture.tts.sentences, tts.sentences], [["One moment."], ["One moment."]]);
  const failing = new FakeLLM(clock, [{ error: new Error("down") }]);
  await clock.until(agent.update({ llm: failing, onFailure: "Sorry." }));
  await clock.advance(1000);
  await assertRejects(() => clock.until(agent.generateReply("Well?")), Error, "down");
  await clock.advance(3000);
  assertEquals(fixture.conversation.at(-1), "agent: Sorry.");
  assertEquals(tts.sentences, ["One moment.", "Sorry."], "what was prepared is not spoken again");
});

Deno.test("Agent.update works while no one is there, and before and while the agent joins", async () => {
  const clock = new VirtualClock();
  await using edge = new MemoryEdge({ clock });
  const llm = new FakeLLM(clock, ["By the first."]);
  const agent = new Agent({
    edge,
    agentUser: { id: "agent", name: "Agent" },
    llm,
    tts: new FakeTTS(clock),
  });
  const log: string[] = [];
  const second = watched(new FakeLLM(clock, ["By the second."]), "second", log);
  await clock.until(agent.update({ llm: second, instructions: "Second." }));
  assertEquals([agent.instructions, log], ["Second.", []], "it starts when the agent joins");
  const call = await agent.createCall("default", "hall");
  const joining = agent.join(call, { participantWaitTimeoutMs: 0 });
  const third = watched(new FakeLLM(clock, ["By the third."]), "third", log);
  await clock.until(Promise.all([joining, agent.update({ llm: third })]));
  assertEquals((await clock.until(agent.text("Who?"))).text, "By the third.");
  assertEquals(third.requests.at(-1)!.messages[0]!.text, "Second.");
  await clock.until(agent.close());
  assertEquals(log, ["second starts", "third starts", "second closes", "third closes"]);
  assertEquals(llm.requests, []);
  const late = agent.update({ instructions: "Late." });
  await assertRejects(() => clock.until(late), ClosedError, "the agent is closed");
  await clock.until(edge.close());
});

Deno.test("Agent.update: closing ends an update in progress, and leaves nothing open", async () => {
  const fixture = await Fixture.set();
  const { clock, agent, edge } = fixture;
  const log: string[] = [];
  const llm = Object.assign(new FakeLLM(clock), {
    start: async () => {
      await sleep(5000, { clock });
      log.push("started");
    },
    close: () => void log.push("closed"),
  });
  const update = agent.update({ llm });
  const rejected = assertRejects(() => update, ClosedError);
  await clock.advance(100);
  await clock.until(agent.close());
  await clock.until(rejected);
  await clock.advance(10_000);
  assertEquals(log, ["started", "closed"]);
  await clock.until(edge.close());
});

Deno.test("Agent.update: the updates are made in the order of their calls", async () => {
  await using fixture = await Fixture.set();
  const { clock, agent } = fixture;
  const slow = Object.assign(new FakeTTS(clock), { start: () => sleep(3000, { clock }) });
  const updates = [
    agent.update({ tts: slow, instructions: "First." }),
    agent.update({ instructions: "Second." }),
  ];
  await clock.until(Promise.all(updates));
  assertEquals(agent.instructions, "Second.");
  await clock.until(agent.say("Hello."));
  assertEquals(slow.sentences, ["Hello."]);
});

Deno.test("Agent.update refuses what cannot be changed in a call", async () => {
  await using fixture = await Fixture.set();
  const { clock, agent } = fixture;
  const seeing = Object.assign(new FakeLLM(clock), { acceptsImages: true });
  const cases: [object, RegExp | string][] = [
    [{ sampleRate: 48_000 }, "sampleRate cannot be changed in a call; what can is instructions, "],
    [{ processors: [] }, "processors cannot be changed in a call"],
    [{ awayAfterMs: 1 }, "awayAfterMs cannot be changed in a call"],
    [{ instructions: 7 }, "update: instructions: expected a text, got 7"],
    [{ llm: new FakeRealtimeLLM(clock) }, "llm: the agent was created with a text model, whose"],
    [{ llm: {} }, "llm: expected an LLM"],
    [{ llm: seeing }, "accepts images, and this agent receives none"],
    [{ turnHandling: { mixSpeakers: true } }, "turnHandling.mixSpeakers cannot be changed"],
    [{ tools: [{}] }, "tools[0]: expected a tool"],
    [{ turnHandling: { turnDetection: "stt" } }, "needs a recogniser that detects turns"],
  ];
  for (const [update, message] of cases) {
    const refused = agent.update(update as AgentUpdate);
    await assertRejects(() => clock.until(refused), TypeError, message as string);
  }
  await clock.until(agent.update({ tools: undefined }));
  const plain = new Agent({ edge: fixture.edge, agentUser: { id: "plain", name: "Plain" } });
  await assertRejects(() => plain.update({ tools: [] }), TypeError, "has no language model");
  await plain.close();
});

Deno.test("Agent.update says why an agent without a model takes no realtime model", async () => {
  await using fixture = await Fixture.set({ agent: { llm: undefined, stt: undefined } });
  const { clock, agent } = fixture;
  const update = clock.until(agent.update({ llm: new FakeRealtimeLLM(clock) }));
  await assertRejects(() => update, TypeError, "llm: the agent has no model, and fake-realtime");
  await clock.until(agent.update({ llm: new FakeLLM(clock, ["Hello."]) }));
  assertEquals(await clock.until(agent.text("Hello?")), { text: "Hello." });
});

Deno.test("Agent.update: turn handling, voice rules and a first recogniser are taken too", async () => {
  const clock = new VirtualClock();
  await using edge = new MemoryEdge({ clock });
  const tts = new FakeTTS(clock);
  const agent = new Agent({ edge, agentUser: { id: "agent", name: "Agent" }, tts });
  const call = await agent.createCall("default", "hall");
  const ann = edge.enter(call, { userId: "ann" });
  await clock.until(agent.join(call, { participantWaitTimeoutMs: 0 }));
  await clock.until(agent.update({ pronunciations: { Nguyen: "Win" } }));
  await clock.until(agent.say("Mrs Nguyen."));
  assertEquals(tts.sentences, ["Mrs Win."]);
  const stt = new FakeSTT(clock, ["Hello."]);
  const llm = new FakeLLM(clock, ["Good day."]);
  await clock.until(agent.update({ stt, llm, vad: new FakeVAD() }));
  void ann.speak(sound(600));
  void ann.speak(sound(2500, 0));
  await clock.advance(3100);
  assertEquals(agent.conversation!.messages.map(({ text }) => text), [
    "Mrs Nguyen.",
    "Hello.",
    "Good day.",
  ]);
  await clock.until(agent.close());
  await clock.until(edge.close());
});
