/** Tools that run when the agent is interrupted: nothing they do is lost, or done twice. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import type { ChatMessage } from "../../src/inference/contracts/messages.ts";
import {
  defineTool,
  type Tool,
  type ToolContext,
  type ToolEnd,
  type ToolInterruption,
} from "../../src/inference/contracts/tool.ts";
import {
  BargeInEvent,
  ToolCalledEvent,
  ToolStartedEvent,
} from "../../src/inference/contracts/events.ts";
import type { AgentOptions } from "../../src/agent/agent_options.ts";
import { sleep } from "../../src/events/waiting.ts";
import { UNKNOWN_OUTCOME } from "../../src/inference/reply/tool_run.ts";
import { assertAccepted } from "./reply/_vendor_rules.ts";
import { Fixture, type FixtureOptions } from "./_fixture.ts";

const unknown = `tool: ${UNKNOWN_OUTCOME.text}`;

/** A tool that books after so many milliseconds, whatever its signal says. */
function booking(
  ms: number,
  options: { onInterruption?: ToolInterruption; name?: string; timeoutMs?: number } = {},
): Tool & { booked: string[] } {
  const { name = "book", onInterruption, timeoutMs } = options;
  const booked: string[] = [];
  const tool = defineTool({
    name,
    description: "",
    onInterruption,
    timeoutMs,
    execute: async (_, { callId }) => {
      await sleep(ms, { clock: fixture.clock });
      booked.push(callId);
      return `booked by ${callId}`;
    },
  });
  return { ...tool, booked };
}

let fixture: Fixture;

async function start(options: FixtureOptions): Promise<Fixture> {
  return fixture = await Fixture.set(options);
}

/** Starts a reply that calls tools of these names, and lets so much time pass. */
async function startReply(...tools: Tool[]): Promise<Fixture> {
  const calls = tools.map(({ name }) => ({ name, input: {} }));
  await start({
    transcripts: ["And a window seat."],
    replies: [{ text: "One moment.", calls }, "Very well.", "Done."],
    agent: { tools },
  });
  fixture.agent.generateReply("Book it.").catch(() => {});
  await fixture.clock.advance(700);
  return fixture;
}

Deno.test("a tool that finishes before the interrupting turn ends is told by its result", async () => {
  const book = booking(1200);
  await using fixture = await startReply(book);
  await fixture.hear(900, 2000);
  assertEquals(book.booked, ["call-1"]);
  assertEquals(fixture.told, [
    "user: Book it.",
    "assistant: One moment.\n",
    "tool: booked by call-1",
    "user: And a window seat.",
  ]);
  assertEquals(fixture.events(ToolCalledEvent).map(({ result }) => result.text), [
    "booked by call-1",
  ]);
});

Deno.test("a tool that runs on has an output when that is due, and its outcome is told later", async () => {
  const book = booking(5000);
  await using fixture = await startReply(book);
  await fixture.hear(900, 1000);
  assertEquals(fixture.told.slice(1), [
    "assistant: One moment.\n",
    unknown,
    "user: And a window seat.",
  ]);
  await fixture.clock.advance(10_000);
  await fixture.clock.until(fixture.agent.generateReply("Well?"));
  assertEquals(fixture.told.slice(2, 4), [unknown, "user: And a window seat."]);
  assertEquals(fixture.told.filter((text) => text.includes("booked by")), [
    "user: [the outcome of book, call-1] booked by call-1",
  ]);
});

Deno.test("of two parallel tools each has its own output when the agent is interrupted", async () => {
  await using fixture = await startReply(
    booking(100, { name: "short" }),
    booking(5000, { name: "long" }),
  );
  await fixture.hear(900, 1000);
  assertEquals(fixture.told.slice(2, 4), ["tool: booked by call-1", unknown]);
});

for (
  const [how, interrupt] of Object.entries({
    "the last person leaves": (fixture: Fixture): void => fixture.ann.leave(),
    "the application interrupts": (fixture: Fixture): Promise<void> => fixture.agent.interrupt(),
    "the application says something else": (fixture: Fixture): void =>
      void fixture.agent.say("Listen!", { interrupt: true }),
  })
) {
  Deno.test(`a tool runs on and its result is told when ${how}`, async () => {
    const book = booking(3000);
    await using fixture = await startReply(book);
    await interrupt(fixture);
    await fixture.clock.advance(5000);
    assertEquals(book.booked, ["call-1"]);
    assertEquals(fixture.events(ToolCalledEvent).length, 1);
    fixture.edge.enter(fixture.call, { userId: "bob" });
    await fixture.clock.until(fixture.agent.generateReply("Well?"));
    assertEquals(fixture.told.filter((text) => text.includes("booked by")), [
      "tool: booked by call-1",
    ]);
  });
}

for (const background of [false, true]) {
  const where = background ? " in the background" : "";
  Deno.test(`a tool runs on${where} and its result is told when the voice fails`, async () => {
    const book = { ...booking(3000), background };
    await using fixture = await start({
      voice: { failures: { Broken: new Error("no voice") } },
      replies: [
        { text: "Broken.", calls: [{ name: "book", input: {} }] },
        ...background ? ["It runs."] : [],
        "It is booked.",
        "Well.",
      ],
      agent: { tools: [book] },
    });
    const { agent, clock } = fixture;
    await assertRejects(() => clock.until(agent.generateReply("Book it.")), Error, "no voice");
    await clock.advance(5000);
    // At the end of the tool, and not at the next turn.
    assertEquals(fixture.told.filter((one) => one.includes("booked by call-1")).length, 1);
    assertEquals(fixture.conversation.at(-1), "agent: It is booked.");
    await clock.until(agent.generateReply("Well?"));
    assertEquals(fixture.told.filter((one) => one.includes("booked by call-1")).length, 1);
    for (const request of fixture.llm.requests) await assertAccepted(request);
  });
}

Deno.test("what a tool has done is told when the voice or the model fails after it", async () => {
  const failing: [string, Partial<FixtureOptions>][] = [
    ["the voice", {
      voice: { failures: { Broken: new Error("no voice") } },
      replies: [{ calls: [{ name: "book", input: {} }] }, "Broken.", "It is booked.", "Well."],
    }],
    ["the model", {
      replies: [
        { text: "One moment.", calls: [{ name: "book", input: {} }] },
        { error: new Error("no model") },
        "It is booked.",
        "Well.",
      ],
    }],
  ];
  for (const [what, options] of failing) {
    const book = booking(3000);
    await using fixture = await start({ ...options, agent: { tools: [book] } });
    const { agent, clock, llm } = fixture;
    agent.generateReply("Book it.").catch(() => {});
    await clock.advance(8000);
    assertEquals(fixture.conversation.at(-1), "agent: It is booked.", what);
    assertEquals([book.booked.length, llm.requests.length], [1, 3], what);
    for (const request of llm.requests) await assertAccepted(request);
  }
});

for (const when of ["while it runs", "while its result is told"] as const) {
  Deno.test(`a person who leaves and comes back is told what a tool has done: ${when}`, async () => {
    const book = booking(3000);
    await using fixture = await start({
      replies: [
        { text: "One moment.", calls: [{ name: "book", input: {} }] },
        ...when === "while it runs" ? [] : ["It is booked for you at five o'clock."],
        "It is booked.",
      ],
      agent: { tools: [book] },
    });
    const { agent, clock, edge, call } = fixture;
    agent.generateReply("Book it.").catch(() => {});
    await clock.advance(when === "while it runs" ? 1500 : 3500);
    fixture.ann.leave();
    await clock.advance(5000);
    const before = fixture.llm.requests.length;
    edge.enter(call, { userId: "ann", id: "ann again" });
    await clock.advance(3000);
    assertEquals(fixture.conversation.at(-1), "agent: It is booked.");
    assertEquals([book.booked.length, fixture.llm.requests.length - before], [1, 1]);
    for (const request of fixture.llm.requests) await assertAccepted(request);
  });
}

Deno.test("a voice that is down for good does not have the model asked again and again", async () => {
  const book = booking(500);
  await using fixture = await start({
    voice: { failures: { "": new Error("no voice") } },
    replies: [{ text: "Broken.", calls: [{ name: "book", input: {} }] }],
    agent: { tools: [book] },
  });
  const { agent, clock, llm } = fixture;
  agent.generateReply("Book it.").catch(() => {});
  await clock.advance(60_000);
  assert(llm.requests.length <= 2, `${llm.requests.length} requests`);
});

Deno.test("a request that comes while a tool runs tells the model that it runs", async () => {
  const book = booking(3000);
  await using fixture = await startReply(book);
  fixture.agent.generateReply("And tea.").catch(() => {});
  await fixture.clock.advance(0);
  assertEquals(fixture.told.slice(1), ["assistant: One moment.\n", unknown, "user: And tea."]);
});

Deno.test("people cannot interrupt the agent while a tool runs that refuses it", async () => {
  const pay = booking(3000, { onInterruption: "refuse" });
  await using fixture = await startReply(pay);
  await fixture.hear(900, 5000);
  assertEquals(fixture.events(BargeInEvent), []);
  assertEquals(fixture.conversation, [
    "agent: Book it.",
    "agent: One moment.\nVery well.",
    "agent: book({}): booked by call-1",
    "ann: And a window seat.",
    "agent: Done.",
  ]);
});

Deno.test("a tool that succeeds after its time was up is told of in a message", async () => {
  const book = booking(3000, { timeoutMs: 1000 });
  await using fixture = await startReply(book);
  await fixture.clock.advance(1500);
  const timeout = "tool: error: the tool book did not happen within 1000 ms";
  assertEquals(fixture.told.at(-1), timeout);
  await fixture.clock.advance(5000);
  await fixture.clock.until(fixture.agent.generateReply("Well?"));
  assertEquals(fixture.told.slice(2, 3), [timeout]);
  assert(fixture.told.includes("user: [the outcome of book, call-1] booked by call-1"));
  assertEquals(fixture.events(ToolCalledEvent).map(({ late }) => late), [false, true]);
});

Deno.test("the start of a tool is recorded before it acts, and its end also after the call", async () => {
  const seen: string[] = [];
  const book = booking(4000);
  await using fixture = await start({
    replies: [{ calls: [{ name: "book", input: {} }] }],
    agent: {
      tools: [book],
      onToolStarted: async ({ call, participant }) => {
        await sleep(1000, { clock: fixture.clock });
        seen.push(`${call.id} for ${participant?.name}, ${book.booked.length} booked`);
      },
      onToolEnded: ({ result, late }: ToolEnd) => void seen.push(`${result.text}, late: ${late}`),
    },
  });
  fixture.agent.generateReply("Go.", { participant: fixture.ann.participant }).catch(() => {});
  await fixture.clock.advance(2000);
  assertEquals(seen.splice(0), ["call-1 for Ann, 0 booked"]);
  assertEquals(fixture.events(ToolStartedEvent).length, 1);
  await fixture.clock.until(fixture.agent.close());
  assertAlmostEquals(fixture.clock.now(), 4000, 20);
  assertEquals(seen.splice(0), [`${UNKNOWN_OUTCOME.text}, late: false`]);
  await fixture.clock.advance(2000);
  assertEquals(seen, ["booked by call-1, late: true"]);
  assertEquals(fixture.events(ToolCalledEvent).length, 1);
});

Deno.test("a tool that never ends is given up with its call, and leaves no timer", async () => {
  for (const background of [false, true]) {
    const ends: string[] = [];
    let reason: unknown;
    const hang = defineTool({
      name: "hang",
      description: "",
      background,
      timeoutMs: 60_000,
      execute: (_, { signal }) => {
        signal.addEventListener("abort", () => reason = signal.reason);
        return new Promise(() => {});
      },
    });
    await start({
      replies: [{ calls: [{ name: "hang", input: {} }] }, "Well."],
      agent: { tools: [hang], onToolEnded: ({ result }) => void ends.push(result.text) },
    });
    fixture.agent.generateReply("Go.").catch(() => {});
    await fixture.clock.advance(1000);
    await fixture[Symbol.asyncDispose]();
    assertEquals(fixture.clock.pending, 0);
    assertEquals((reason as Error).message, "the call is over");
    await fixture.clock.advance(0);
    assertEquals(ends, [UNKNOWN_OUTCOME.text]);
  }
});

Deno.test("a tool whose start cannot be recorded does not act", async () => {
  const book = booking(0);
  await using fixture = await start({
    replies: [{ calls: [{ name: "book", input: {} }] }, "I could not."],
    agent: { tools: [book], onToolStarted: () => Promise.reject(new Error("disk full")) },
  });
  await fixture.clock.until(fixture.agent.generateReply("Go."));
  assertEquals(book.booked, []);
  assertEquals(
    fixture.told.at(-1),
    "tool: error: the start could not be recorded, so nothing was done: disk full",
  );
  assertEquals(fixture.errors.map(({ context }) => context), [
    "onToolStarted; book is not called",
  ]);
});

Deno.test("the transcript has each call before its tool acts, and then its outcome", async () => {
  const book = booking(1000);
  await using fixture = await startReply(
    book,
    defineTool({
      name: "fail",
      description: "",
      execute: () => {
        throw new Error("no luck");
      },
    }),
  );
  const calls = () =>
    fixture.agent.conversation!.messages.filter(({ role }) => role === "tool")
      .map(({ text, complete, toolCall }) => [text, complete, toolCall?.isError]);
  assertEquals(calls(), [
    ["book({})", false, undefined],
    ["fail({}): error: no luck", true, true],
  ]);
  await fixture.clock.advance(1000);
  assertEquals(calls()[0], ["book({}): booked by call-1", true, false]);
});

Deno.test("an agent that takes over knows the calls of the one before it", async () => {
  const order = defineTool({
    name: "order",
    description: "",
    onDuplicate: "reject",
    execute: () => "ordered",
  });
  await using fixture = await start({
    replies: [{ calls: [{ name: "order", input: {} }] }, "I have."],
    agent: { tools: [order] },
    prepare: ({ edge }) => {
      const create = edge.createConversation.bind(edge);
      edge.createConversation = async (...creating) => {
        const conversation = await create(...creating);
        const toolCall = { id: "call-1", name: "order", input: {} };
        conversation.append({ role: "user", userId: "ann", text: "Soup, please." });
        conversation.append({ role: "tool", userId: "agent", text: "order({})", toolCall });
        return conversation;
      };
    },
  });
  await fixture.clock.until(fixture.agent.generateReply("Have you ordered?"));
  assertEquals(fixture.told.slice(0, 4), [
    "user: Soup, please.",
    "assistant: ",
    unknown,
    "user: Have you ordered?",
  ]);
  assert(fixture.told.at(-1)!.startsWith("tool: error: not called again: call-1 called it"));
  await assertAccepted(fixture.llm.requests.at(-1)!);
});

/** Has the model call a tool at each of three turns, the same each time. */
async function callThrice(onDuplicate: "allow" | "reject" | "confirm"): Promise<string[]> {
  const contexts: ToolContext[] = [];
  const order = defineTool({
    name: "order",
    description: "",
    onDuplicate,
    parameters: {
      type: "object",
      properties: { dish: { type: "string" }, count: { type: "integer" } },
    },
    execute: (_, context) => `ordered ${contexts.push(context)}`,
  });
  const one = { calls: [{ name: "order", input: { dish: "soup", count: 2 } }] };
  const same = { calls: [{ name: "order", input: { count: 2, dish: "soup" } }] };
  await using fixture = await start({
    transcripts: ["Soup for two.", "Is it coming?", "Yes, the same again."],
    replies: [one, "It comes.", same, "Once more?", same, "It comes."],
    agent: { tools: [order] },
  });
  for (let turn = 0; turn < 3; turn++) await fixture.hear(900, 3000);
  return fixture.told.filter((text) => text.startsWith("tool: "));
}

Deno.test("a repeated call runs, is refused, or runs once a person was asked", async () => {
  assertEquals(await callThrice("allow"), [
    "tool: ordered 1",
    "tool: ordered 2",
    "tool: ordered 3",
  ]);
  const refusal = "tool: error: not called again: call-1 called it with the same arguments, and " +
    "its result was: ordered 1";
  assertEquals(await callThrice("reject"), ["tool: ordered 1", refusal, refusal]);
  assertEquals(await callThrice("confirm"), [
    "tool: ordered 1",
    `${refusal}. Ask whether it is to be done once more, and call it again only after a yes`,
    "tool: ordered 2",
  ]);
});

Deno.test("a realtime model gets one output for each call, and the next session all of them", async () => {
  const book = booking(2000);
  await using fixture = await start({
    realtime: [{ reply: "Done:", call: { name: "book", input: {} } }],
    agent: { tools: [book] },
  });
  fixture.agent.generateReply("Book it.").catch(() => {});
  await fixture.clock.advance(500);
  fixture.realtime.sessions[0]!.lose();
  await fixture.clock.advance(500);
  const history = (): string[] =>
    fixture.realtime.sessions[1]!.options.history.map(({ role, text }: ChatMessage) =>
      `${role}: ${text}`
    );
  assertEquals(history(), ["user: Book it.", "assistant: ", unknown]);
  await fixture.clock.advance(5000);
  assertEquals(book.booked, ["turn-1"]);
  assertEquals(fixture.realtime.sessions[1]!.texts, [
    "[the outcome of book, turn-1] booked by turn-1",
  ]);
  assertEquals(fixture.events(ToolCalledEvent).length, 1);
});

const interruptions: Record<string, {
  said?: string;
  turnHandling?: AgentOptions["turnHandling"];
  act?: (agent: Fixture["agent"]) => Promise<unknown>;
  replies?: string[];
}> = {
  "what people say gets no reply": {
    said: "Never mind the dog.",
    turnHandling: { shouldReply: ({ text }) => !text.includes("dog") },
  },
  "what people say is dropped": {
    said: "Never mind the dog.",
    turnHandling: {
      onUserTurnCompleted: ({ text }) => text.includes("dog") ? { drop: true } : undefined,
    },
  },
  "the application says something": { act: (agent) => agent.say("Stop.", { interrupt: true }) },
  "the application interrupts": { act: (agent) => agent.interrupt() },
  "people are answered before it ends": { said: "Are you there?", replies: ["I am here."] },
};

for (
  const [how, { said = "", turnHandling = {}, act, replies = [] }] of Object.entries(interruptions)
) {
  Deno.test(`people are told once what a tool did whose reply was interrupted where ${how}`, async () => {
    const book = defineTool({
      name: "book",
      description: "",
      execute: async () => {
        await sleep(6000, { clock: fixture.clock });
        return "booked";
      },
    });
    await using fixture = await Fixture.set({
      transcripts: ["Book a table.", said],
      replies: [
        { text: "I see to it, which takes a while.", calls: [{ name: "book", input: {} }] },
        ...replies,
        "It is booked.",
      ],
      agent: { tools: [book], turnHandling },
    });
    const { agent, clock, llm } = fixture;
    await fixture.hear(600, 1200);
    if (act) await clock.until(act(agent));
    else fixture.utter(1000, 1500);
    await clock.advance(60_000);
    const told = fixture.conversation.filter((one) => one === "agent: It is booked.");
    assertEquals(told.length, 1, fixture.conversation.join("\n"));
    assertEquals(llm.requests.length, 2 + replies.length);
    for (const request of llm.requests) await assertAccepted(request);
  });
}

Deno.test("people are told once what a tool did that ended while a reply waited to be asked for", async () => {
  const book = defineTool({
    name: "book",
    description: "",
    execute: async () => {
      await sleep(3000, { clock: fixture.clock });
      return "booked";
    },
  });
  await using fixture = await Fixture.set({
    replies: [
      { calls: [{ name: "book", input: {} }] },
      { text: "One.", firstTokenMs: 4000 },
      "It is booked.",
    ],
    agent: { tools: [book] },
  });
  const { agent, clock, llm } = fixture;
  agent.generateReply("Book a table.");
  await clock.advance(500);
  await clock.until(agent.interrupt());
  agent.generateReply("One?");
  await clock.advance(200);
  agent.generateReply("And?");
  await clock.advance(60_000);
  assertEquals(llm.requests.length, 3);
});
