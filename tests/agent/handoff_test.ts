/** Handoffs to another agent in the same call. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { HandoffOptions } from "../../src/agent/agent_context.ts";
import { handoff, handoffTool } from "../../src/agent/handoff_tool.ts";
import { sleep } from "../../src/events/waiting.ts";
import {
  AgentHandoffEvent,
  AgentSpeechStartedEvent,
  ToolCalledEvent,
} from "../../src/inference/contracts/events.ts";
import type { LLMRequest } from "../../src/inference/contracts/llm.ts";
import { defineTool } from "../../src/inference/contracts/tool.ts";
import { FakeLLM, type FakeReply } from "../../src/testing/fake_llm.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { assertAccepted } from "../inference/reply/_vendor_rules.ts";
import { Fixture, type FixtureOptions } from "../inference/_fixture.ts";

const TO_BILLING = { text: "One moment.", calls: [{ name: "hand_over_to_billing", input: {} }] };

/** An agent that can hand over to billing, which has a model and a voice of its own. */
async function desk(
  { replies = ["This is billing."], to = {}, ...options }: FixtureOptions & {
    replies?: FakeReply[];
    to?: Partial<HandoffOptions>;
    script?: FakeReply[];
  } = {},
) {
  let billing!: { llm: FakeLLM; tts: FakeTTS };
  const target: HandoffOptions = { name: "Billing", instructions: "You are billing.", ...to };
  const fixture = await Fixture.set({
    ...options,
    replies: options.script ?? [TO_BILLING, "Desk again."],
    agent: {
      instructions: "You are the desk.",
      ...options.agent,
      tools: [
        handoffTool({ name: "hand_over_to_billing", to: () => target }),
        ...options.agent?.tools ?? [],
      ],
    },
    prepare: (fixture) => {
      billing = { llm: new FakeLLM(fixture.clock, replies), tts: new FakeTTS(fixture.clock) };
      target.llm ??= billing.llm;
      target.tts ??= billing.tts;
      options.prepare?.(fixture);
    },
  });
  return { fixture, ...fixture, clock: fixture.clock, agent: fixture.agent, target, ...billing! };
}

/** What a model was told, without its instructions. */
async function told(request: LLMRequest): Promise<string[]> {
  await assertAccepted(request);
  const { messages } = request;
  return messages.filter(({ role }) => role !== "system").map(({ role, text }) =>
    `${role}: ${text}`
  );
}

Deno.test("a handoff by a tool: the next agent replies with its own model, tools and voice", async () => {
  const { fixture, clock, agent, llm, tts } = await desk({
    transcripts: ["An invoice.", "Thanks."],
  });
  await using _ = fixture;
  await fixture.hear(600, 5000);
  assertEquals(fixture.tts.sentences, ["One moment."]);
  assertEquals(tts.sentences, ["This is billing."]);
  assertEquals(fixture.llm.requests.length, 1, "the first agent is not asked again");
  const [request] = llm.requests;
  assertEquals(request!.messages[0]!.text, "You are billing.");
  assertEquals(request!.tools, []);
  assertEquals(await told(request!), [
    "user: An invoice.",
    "assistant: One moment.\n",
    "tool: handed over to Billing",
  ]);
  assertEquals(fixture.events(ToolCalledEvent).map(({ result }) => result.text), [
    "handed over to Billing",
  ]);
  const [event] = fixture.events(AgentHandoffEvent);
  assertEquals([event!.from, event!.to, event!.call?.name], [
    "Agent",
    "Billing",
    "hand_over_to_billing",
  ]);
  assertEquals(agent.instructions, "You are billing.");
  await fixture.hear(600, 3000);
  const messages = agent.conversation!.messages.map(({ role, agentName, text }) =>
    `${agentName ?? role}: ${text}`
  );
  assertEquals(messages, [
    "user: An invoice.",
    "assistant: One moment.\n",
    "tool: hand_over_to_billing({}): handed over to Billing",
    "Billing: This is billing.",
    "user: Thanks.",
    "Billing: This is billing.",
  ]);
  await clock.until(agent.close());
});

Deno.test("a handoff: onEnter greets, and the next agent is told the history it is to be told", async () => {
  const histories: [HandoffOptions["history"], string[]][] = [
    ["all", ["user: An invoice.", "assistant: One moment.\n", "tool: handed over to Billing"]],
    ["none", []],
    [(messages) => `${messages.length} messages`, [
      "user: [summary of the conversation so far] 3 messages",
    ]],
    [async () => await undefined, []],
  ];
  for (const [history, expected] of histories) {
    const { fixture, llm, tts } = await desk({
      transcripts: ["An invoice.", "Thanks."],
      to: { history, onEnter: async (agent) => void await agent.say("Billing, hello.") },
    });
    await using _ = fixture;
    await fixture.hear(600, 5000);
    assertEquals(tts.sentences, ["Billing, hello."]);
    assertEquals(llm.requests, [], "who greets is not asked for a reply");
    await fixture.hear(600, 3000);
    assertEquals(await told(llm.requests[0]!), [
      ...expected,
      "assistant: Billing, hello.",
      "user: Thanks.",
    ]);
  }
});

Deno.test("a handoff without a history: the next agent is asked to begin", async () => {
  const { fixture, llm, tts } = await desk({ transcripts: ["Hm."], to: { history: "none" } });
  await using _ = fixture;
  await fixture.hear(600, 5000);
  assertEquals(await told(llm.requests[0]!), ["user: [The person was put through to you.]"]);
  assertEquals(tts.sentences, ["This is billing."]);
});

Deno.test("Agent.handoff while a reply plays: it is said to its end, in its own voice", async () => {
  const { fixture, clock, agent, target, tts } = await desk({
    script: [{ text: "One two three. Four five six.", tokenMs: 200 }],
    to: { onEnter: (agent) => void agent.say("Billing.") },
  });
  await using _ = fixture;
  const reply = agent.generateReply("Count.");
  await clock.advance(500);
  await clock.until(agent.handoff(target));
  assertEquals((await clock.until(reply)).text, "One two three. Four five six.");
  await clock.advance(3000);
  assertEquals(fixture.tts.sentences, ["One two three.", "Four five six."]);
  assertEquals(tts.sentences, ["Billing."]);
  assertEquals(fixture.conversation.slice(1), [
    "agent: One two three. Four five six.",
    "agent: Billing.",
  ]);
});

Deno.test("a handoff: what has not begun is said and shown as the next agent's, what has is not", async () => {
  const { fixture, clock, agent, target, tts } = await desk({
    script: [{ text: "Answer.", firstTokenMs: 2000 }],
  });
  await using _ = fixture;
  const answers = [agent.generateReply("First?"), agent.generateReply("Second?")];
  await clock.advance(100);
  await clock.until(agent.handoff({ ...target, onEnter: () => {} }));
  await clock.until(Promise.all(answers));
  assertEquals([fixture.tts.sentences, tts.sentences], [["Answer."], ["This is billing."]]);
  const said = agent.conversation!.messages.filter(({ role }) => role === "assistant");
  assertEquals(said.map(({ agentName, text }) => `${agentName}: ${text}`), [
    "undefined: Answer.",
    "Billing: This is billing.",
  ]);
});

Deno.test("a handoff: a reply that has begun and waits to be said keeps its voice open", async () => {
  const { fixture, clock, agent, target, tts } = await desk({
    script: [{ text: "Answer.", firstTokenMs: 2000 }],
  });
  await using _ = fixture;
  let opened = 0;
  const open = tts.open.bind(tts);
  tts.open = (options) => {
    opened++;
    return open(options);
  };
  const answers = [agent.generateReply("First?"), agent.generateReply("Second?")];
  await clock.advance(100);
  await clock.until(agent.handoff({ ...target, onEnter: () => {} }));
  // Billing has asked its model, and the first answer is being said.
  await clock.advance(2000);
  await clock.until(agent.handoff({ name: "Desk", instructions: "", onEnter: () => {} }));
  await clock.until(Promise.all(answers));
  assertEquals([fixture.tts.sentences, tts.sentences], [["Answer."], ["This is billing."]]);
  assertEquals(opened, 1);
});

for (const history of ["all", "none"] as const) {
  Deno.test(`a tool that still runs at a handoff is told once by the next agent: ${history}`, async () => {
    const look = defineTool({
      name: "look",
      description: "",
      timeoutMs: 60_000,
      execute: async () => {
        await sleep(5000, { clock: fixture.clock });
        return "found";
      },
    });
    const { fixture, llm, tts, clock } = await desk({
      transcripts: ["An invoice."],
      script: [{ calls: [{ name: "look", input: {} }, ...TO_BILLING.calls] }],
      replies: ["Found it."],
      agent: { tools: [look] },
      to: { history, onEnter: (agent) => void agent.say("Billing.") },
    });
    await using _ = fixture;
    await fixture.hear(600, 3000);
    assertEquals(tts.sentences, ["Billing."], "who takes over waits for no tool");
    await clock.advance(8000);
    assertEquals(tts.sentences, ["Billing.", "Found it."]);
    assertEquals(fixture.llm.requests.length, 1);
    const texts = await told(llm.requests.at(-1)!);
    assertEquals(texts.filter((text) => text.includes("found")).length, 1, texts.join("\n"));
    assertEquals(fixture.events(ToolCalledEvent).length, 2);
  });
}

Deno.test("a tool that has ended at a handoff is told by the next agent", async () => {
  for (const history of ["all", "none"] as const) {
    const look = defineTool({ name: "look", description: "", execute: () => "found" });
    const { fixture, llm, tts } = await desk({
      transcripts: ["An invoice."],
      script: [{ calls: [{ name: "look", input: {} }, ...TO_BILLING.calls] }],
      agent: { tools: [look] },
      to: { history },
    });
    await using _ = fixture;
    await fixture.hear(600, 6000);
    assertEquals(tts.sentences, ["This is billing."]);
    const texts = await told(llm.requests.at(-1)!);
    assertEquals(texts.filter((text) => text.includes("found")).length, 1, texts.join("\n"));
  }
});

Deno.test("a second handoff of one reply is refused, and one to oneself greets again", async () => {
  const { fixture, target, tts, agent, clock } = await desk({
    transcripts: ["An invoice."],
    script: [{ calls: [...TO_BILLING.calls, ...TO_BILLING.calls] }],
    to: { onEnter: (agent) => void agent.say("Billing.") },
  });
  await using _ = fixture;
  await fixture.hear(600, 4000);
  assertEquals(fixture.events(ToolCalledEvent).map(({ result }) => result.text).toSorted(), [
    "error: the call has been handed over already",
    "handed over to Billing",
  ]);
  assertEquals(tts.sentences, ["Billing."]);
  await clock.until(Promise.all([agent.handoff(target), agent.handoff(target)]));
  await clock.advance(3000);
  assertEquals(tts.sentences, ["Billing.", "Billing.", "Billing."]);
  assertEquals(fixture.events(AgentHandoffEvent).map(({ from, to }) => [from, to]), [
    ["Agent", "Billing"],
    ["Billing", "Billing"],
    ["Billing", "Billing"],
  ]);
});

Deno.test("a handoff back has the voice that the agent was created with", async () => {
  const { fixture, agent, target, tts, clock } = await desk();
  await using _ = fixture;
  await clock.until(agent.handoff({ ...target, onEnter: (agent) => void agent.say("Billing.") }));
  await clock.advance(2000);
  await clock.until(agent.update({ instructions: "Patiently." }));
  assertEquals(agent.instructions, "Patiently.");
  await clock.until(agent.handoff({ name: "Desk", instructions: "The desk.", tools: [] }));
  await clock.until(agent.say("Desk."));
  assertEquals([tts.sentences, fixture.tts.sentences], [["Billing."], ["Desk."]]);
  assertEquals(agent.conversation!.messages.at(-1)!.agentName, "Desk");
});

Deno.test("a handoff that fails leaves the agent in charge, whose model is told why", async () => {
  const { fixture, agent, llm } = await desk({ transcripts: ["An invoice."] });
  await using _ = fixture;
  Object.assign(llm, { start: () => Promise.reject(new Error("the key is refused")) });
  await fixture.hear(600, 5000);
  assertEquals(fixture.told.at(-1), "tool: error: the key is refused");
  assertEquals(fixture.conversation[1], "agent: One moment.\nDesk again.");
  assertEquals([agent.instructions, fixture.events(AgentHandoffEvent)], ["You are the desk.", []]);
});

Deno.test("Agent.text: a handoff in it is gone on with in text", async () => {
  const { fixture, agent, tts, clock } = await desk({
    to: { onEnter: (agent) => void agent.say("Never heard.") },
  });
  await using _ = fixture;
  const { text } = await clock.until(agent.text("An invoice."));
  assertEquals(text, "One moment.\n\nThis is billing.");
  await clock.advance(2000);
  assertEquals(tts.sentences, []);
});

Deno.test("a handoff greets when a person is there, and who was created first greets no more", async () => {
  const greetings: string[] = [];
  const { fixture, agent, target, clock, edge, call } = await desk({
    people: [],
    agent: { onEnter: () => void greetings.push("desk") },
  });
  await using _ = fixture;
  await clock.until(agent.handoff({ ...target, onEnter: () => void greetings.push("billing") }));
  await clock.advance(2000);
  assertEquals(greetings, []);
  edge.enter(call, { userId: "bob" });
  await clock.advance(2000);
  assertEquals(greetings, ["billing"]);
});

Deno.test("a handoff is checked", async () => {
  assertThrows(() => handoff({ name: "", instructions: "x" }), TypeError, "name: expected a text");
  const bad = { name: "A", instructions: "x" };
  const cases: [object, string][] = [
    [{ name: "A" }, "instructions: expected a text, got undefined"],
    [{ ...bad, history: 3 }, 'history: expected "all", "none" or a function, got 3'],
    [{ ...bad, onEnter: true }, "onEnter: expected a function, got true"],
    [{ ...bad, agentUser: {} }, "agentUser cannot be changed in a call"],
  ];
  for (const [to, message] of cases) {
    assertThrows(() => handoff(to as HandoffOptions), TypeError, message);
    assertThrows(() => handoffTool({ to: to as HandoffOptions }), TypeError, message);
  }
  assertThrows(() => handoffTool({ to: () => bad }), TypeError, "name: expected one");
  assertEquals(
    handoffTool({ to: { ...bad, name: "Café & Bar!" } }).name,
    "hand_over_to_cafe_bar",
  );
  const { fixture, agent } = await desk();
  await using _ = fixture;
  const refused = agent.handoff({ ...bad, tools: [7] } as unknown as HandoffOptions);
  await assertRejects(() => fixture.clock.until(refused), TypeError, "tools[0]");
  assert(fixture.events(AgentSpeechStartedEvent).length === 0);
});
