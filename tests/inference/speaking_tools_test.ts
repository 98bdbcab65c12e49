/** Tools that speak, that fill the silence, and that finish after the reply. */
import { assert, assertEquals } from "@std/assert";
import {
  AgentSpeechEndedEvent,
  AgentSpeechStartedEvent,
  ToolProgressEvent,
} from "../../src/inference/contracts/events.ts";
import { defineTool } from "../../src/inference/contracts/tool.ts";
import { sleep } from "../../src/events/waiting.ts";
import { assertAccepted } from "./reply/_vendor_rules.ts";
import { Fixture, type FixtureOptions } from "./_fixture.ts";

let fixture: Fixture;

async function start(options: FixtureOptions): Promise<Fixture> {
  return fixture = await Fixture.set(options);
}

/** What the agent said, and when each began. */
function said(fixture: Fixture): string[] {
  const starts = new Map<string, number>();
  return fixture.happened.flatMap(({ at, event }) => {
    if (event instanceof AgentSpeechStartedEvent) starts.set(event.speechId, at);
    if (!(event instanceof AgentSpeechEndedEvent)) return [];
    return [`${Math.floor(starts.get(event.speechId)! / 100) * 100} ${event.text}`];
  });
}

Deno.test("a tool that says something and awaits it is heard immediately", async () => {
  let heardAt = NaN;
  const look = defineTool({
    name: "look",
    description: "",
    execute: async () => {
      await fixture.agent.say("One moment.");
      heardAt = fixture.clock.now();
      await sleep(3000, { clock: fixture.clock });
      return "done";
    },
  });
  await using _fixture = await start({
    replies: [{ calls: [{ name: "look", input: {} }] }, "Here it is."],
    agent: { tools: [look] },
  });
  const { text } = await fixture.clock.until(fixture.agent.generateReply("Look."));
  assertEquals(text, "Here it is.");
  assert(heardAt < 700, `${heardAt}`);
  assertEquals(said(fixture), ["0 One moment.", "3500 Here it is."]);
});

Deno.test("a tool speaks after what the reply said before it, and is told apart from it", async () => {
  const look = defineTool({
    name: "look",
    description: "",
    execute: async () => {
      await fixture.agent.say("Still looking.");
    },
  });
  await using _fixture = await start({
    transcripts: ["Stop, please."],
    replies: [
      { text: "Let me see.", calls: [{ name: "look", input: {} }] },
      "I found the blue one.",
    ],
    agent: { tools: [look] },
  });
  const reply = fixture.agent.generateReply("Look.");
  // In the middle of the last sentence.
  await fixture.clock.advance(550 + 200 + 700 + 600);
  fixture.utter(900, 1000);
  const { text, interrupted } = await fixture.clock.until(reply);
  assert(interrupted);
  assert(/^Let me see\.\nI found( the)?( blue)?$/.test(text), text);
  assertEquals(said(fixture)[0], "500 Still looking.");
});

Deno.test("a reply that a tool asks for is said while the tool waits for it", async () => {
  const look = defineTool({
    name: "look",
    description: "",
    execute: async () => (await fixture.agent.generateReply("Say that it takes long.")).text,
  });
  await using _fixture = await start({
    replies: [{ calls: [{ name: "look", input: {} }] }, "It takes long.", "Done."],
    agent: { tools: [look] },
  });
  await fixture.clock.until(fixture.agent.generateReply("Look."), 5000);
  assertEquals(said(fixture).map((one) => one.split(/ (.*)/)[1]), ["It takes long.", "Done."]);
  assertEquals(fixture.told.at(-1), "tool: It takes long.");
});

Deno.test("a tool is announced once it has run for long enough, in silence", async () => {
  const slow = (ms: number) =>
    defineTool({
      name: `slow_${ms}`,
      description: "",
      filler: "One moment, please.",
      fillerAfterMs: 800,
      execute: () => sleep(ms, { clock: fixture.clock }),
    });
  await using _fixture = await start({
    replies: [
      { calls: [{ name: "slow_500", input: {} }] },
      "Quick.",
      { text: "Hm.", calls: [{ name: "slow_4000", input: {} }] },
      "Slow.",
      "Bye.",
    ],
    agent: { tools: [slow(500), slow(4000)] },
  });
  const quick = await fixture.clock.until(fixture.agent.generateReply("Go."));
  assertEquals(quick.text, "Quick.");
  const slowly = await fixture.clock.until(fixture.agent.generateReply("Go."));
  assertEquals(slowly.text, "Hm.\nOne moment, please.\nSlow.");
  await fixture.clock.until(fixture.agent.generateReply("Bye."));
  assertEquals(fixture.told.slice(-4, -1), [
    "assistant: Hm.\nOne moment, please.\n",
    "tool: done",
    "assistant: Slow.",
  ]);
});

Deno.test("a tool in the background ends after the reply, and is told at a quiet moment", async () => {
  const cook = defineTool({
    name: "cook",
    description: "",
    background: true,
    execute: async (_, { progress }) => {
      await sleep(1000, { clock: fixture.clock });
      progress("the water boils");
      await sleep(2000, { clock: fixture.clock });
      return "the soup is ready";
    },
  });
  await using _fixture = await start({
    transcripts: ["And how long does it take in the end?"],
    replies: [
      { calls: [{ name: "cook", input: {} }] },
      "I am cooking.",
      "The water boils.",
      "Not long.",
      "The soup is ready.",
    ],
    agent: { tools: [cook] },
  });
  const { text } = await fixture.clock.until(fixture.agent.generateReply("Cook."));
  assertEquals(text, "I am cooking.");
  await fixture.clock.advance(2500 - fixture.clock.now());
  // Speaks while the result comes.
  await fixture.hear(900, 4000);
  assertEquals(said(fixture).map((one) => one.split(/ (.*)/)[1]), [
    "I am cooking.",
    "The water boils.",
    "Not long.",
  ]);
  assert(fixture.told.includes("user: [the outcome of cook, call-1] the soup is ready"));
  assertEquals(fixture.events(ToolProgressEvent).map(({ text }) => text), ["the water boils"]);
  for (const request of fixture.llm.requests) await assertAccepted(request);
});

for (const kind of ["cascaded", "realtime"] as const) {
  // Before the result comes, and while it is told.
  for (const leavesAt of [1500, 3600]) {
    Deno.test(`a ${kind} agent tells a person who comes back what came while they were away after ${leavesAt} ms`, async () => {
      const cook = defineTool({
        name: "cook",
        description: "",
        background: true,
        execute: async () => {
          await sleep(3000, { clock: fixture.clock });
          return "soup";
        },
      });
      const call = { name: "cook", input: {} };
      const ready = "The soup is ready, and so is the bread.";
      await using _fixture = await start({
        ...kind === "cascaded"
          ? { replies: [{ calls: [call] }, "I cook.", ready] }
          : { realtime: [{ reply: "I cook.", call }, { reply: ready }, { reply: ready }] },
        agent: { tools: [cook] },
      });
      const { agent, clock, edge } = fixture;
      void agent.generateReply("Cook.").catch(() => {});
      await clock.advance(leavesAt);
      fixture.ann.leave();
      await clock.advance(6000);
      const ann = edge.enter(fixture.call, { userId: "ann", name: "Ann", id: "ann-2" });
      await clock.advance(4000);
      const told = said(fixture).filter((one) => one.includes(ready));
      assertEquals(told.length, 1, said(fixture).join("; "));
      assert(ann.heardMs >= 50 * ready.length - 50, `${ann.heardMs} ms`);
    });
  }
}

Deno.test("the outcome of a tool that a person interrupted is told when all are quiet", async () => {
  const book = defineTool({
    name: "book",
    description: "",
    execute: async () => {
      await sleep(5000, { clock: fixture.clock });
      return "booked";
    },
  });
  await using _fixture = await start({
    transcripts: ["By the window."],
    replies: [
      { text: "One moment.", calls: [{ name: "book", input: {} }] },
      "Noted.",
      "It is booked.",
    ],
    agent: { tools: [book] },
  });
  fixture.agent.generateReply("Book.").catch(() => {});
  await fixture.clock.advance(700);
  await fixture.hear(900, 6000);
  assertEquals(said(fixture).slice(1), ["2000 Noted.", "5000 It is booked."]);
});

Deno.test("a tool that speaks is heard also in a reply that had to wait for its turn", async () => {
  let heardAt = NaN;
  const look = defineTool({
    name: "look",
    description: "",
    execute: async (_, { agent }) => {
      await agent.say("One moment.");
      heardAt = fixture.clock.now();
      return "found";
    },
  });
  await using _fixture = await start({
    replies: [{ calls: [{ name: "look", input: {} }] }, "Here it is."],
    agent: { tools: [look] },
  });
  const { agent, clock } = fixture;
  agent.say("Welcome to our service.");
  await clock.until(agent.generateReply("Look."));
  assert(heardAt < 3000, `${heardAt}`);
  assertEquals(said(fixture).map((one) => one.replace(/^\d+ /, "")), [
    "Welcome to our service.",
    "One moment.",
    "Here it is.",
  ]);
});

Deno.test("a tool that speaks is heard before a reply that was asked for and has nothing to say yet", async () => {
  for (const firstTokenMs of [300, 8000]) {
    const book = defineTool({
      name: "book",
      description: "",
      execute: async (_, { agent }) => {
        await agent.say("One moment.");
        return "booked";
      },
    });
    await using _fixture = await start({
      replies: [
        { calls: [{ name: "book", input: {} }] },
        { text: "It costs ten.", firstTokenMs },
        "It is booked.",
      ],
      agent: { tools: [book] },
    });
    const { agent, clock, errors } = fixture;
    const replies = [agent.generateReply("Book a table."), agent.generateReply("Tell the price.")];
    await clock.until(Promise.all(replies));
    const [first, ...others] = said(fixture);
    assertEquals(first, "0 One moment.");
    assertEquals(
      others.map((one) => one.replace(/^\d+ /, "")).toSorted(),
      ["It costs ten.", "It is booked."],
    );
    assertEquals(errors, []);
  }
});

for (const ask of ["generateReply", "text"] as const) {
  Deno.test(`a hook for the start of a tool may wait for ${ask}()`, async () => {
    const look = defineTool({ name: "look", description: "", execute: () => "looked" });
    await using _fixture = await start({
      replies: [{ calls: [{ name: "look", input: {} }] }, "Yes, it is.", "Here it is."],
      agent: {
        tools: [look],
        onToolStarted: async () => void await fixture.agent[ask]("Is it allowed?"),
      },
    });
    const { agent, clock, errors } = fixture;
    const { text } = await clock.until(agent.generateReply("Look."));
    assertEquals(text, "Here it is.");
    assert(clock.now() < 3000, `${clock.now()}`);
    assertEquals(errors, []);
  });
}

Deno.test("a reply whose tool has ended is said while the tool of one that came after it runs", async () => {
  const wait = defineTool({
    name: "wait",
    description: "",
    parameters: { type: "object", properties: { ms: { type: "integer" } } },
    execute: async ({ ms = 0 }) => {
      await sleep(ms, { clock: fixture.clock });
      return `waited ${ms}`;
    },
  });
  await using _fixture = await start({
    replies: [
      { text: "I see to it.", calls: [{ name: "wait", input: { ms: 3000 } }] },
      { text: "And to that.", calls: [{ name: "wait", input: { ms: 9000 } }] },
      "This is done.",
      "That is done.",
    ],
    agent: { tools: [wait] },
  });
  const { agent, clock } = fixture;
  const outcomes = await clock.until(
    Promise.all([agent.generateReply("This."), agent.generateReply("That.")]),
  );
  assertEquals(outcomes.map(({ text }) => text), [
    "I see to it.\nThis is done.",
    "And to that.\nThat is done.",
  ]);
  const ends = fixture.happened.filter(({ event }) => event instanceof AgentSpeechEndedEvent);
  assert(ends[0]!.at < 5000, `${ends[0]!.at}`);
});
