/** What the next agent's model is asked first: requests that services accept, each asked once. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { HandoffOptions } from "../../src/agent/agent_context.ts";
import { handoff, handoffTool } from "../../src/agent/handoff_tool.ts";
import { sleep } from "../../src/events/waiting.ts";
import type { LLMRequest } from "../../src/inference/contracts/llm.ts";
import { defineTool, type Tool } from "../../src/inference/contracts/tool.ts";
import { FakeLLM, type FakeReply } from "../../src/testing/fake_llm.ts";
import { assertAccepted } from "../inference/reply/_vendor_rules.ts";
import { Fixture, type FixtureOptions } from "../inference/_fixture.ts";

const PUT_THROUGH = "user: [The person was put through to you.]";

/** An agent whose tool `go` hands over to billing. */
async function desk(
  { replies, tools = [], to = {}, startMs = 0, go, ...options }: FixtureOptions & {
    replies: FakeReply[];
    tools?: Tool[];
    to?: Partial<HandoffOptions>;
    /** How long billing's model takes to start. */
    startMs?: number;
    /** How the tool `go` is defined, where not as one of `handoffTool`. */
    go?: (target: HandoffOptions) => Partial<Tool> & Pick<Tool, "execute">;
  },
) {
  const target: HandoffOptions = { name: "Billing", instructions: "You are billing.", ...to };
  let llm!: FakeLLM;
  const fixture = await Fixture.set({
    ...options,
    replies,
    prepare: ({ clock }) => {
      llm = new FakeLLM(clock, ["This is billing."]);
      Object.assign(llm, { start: () => sleep(startMs, { clock }) });
      target.llm = llm;
    },
    agent: {
      tools: [
        go
          ? { ...defineTool({ name: "go", description: "", execute: () => "" }), ...go(target) }
          : handoffTool({ name: "go", to: () => target }),
        ...tools,
      ],
    },
  });
  return { fixture, clock: fixture.clock, agent: fixture.agent, llm };
}

const call = (name: string, text = "") => ({ text, calls: [{ name, input: {} }] });

/** What a model was told, without its instructions. */
async function told(request: LLMRequest | undefined): Promise<string[]> {
  await assertAccepted(request!);
  return request!.messages.filter(({ role }) => role !== "system").map(({ role, text }) =>
    `${role}: ${text}`
  );
}

Deno.test("Agent.text: an agent that is handed no history is asked to begin", async () => {
  for (const history of ["none", () => undefined] as const) {
    const { fixture, clock, agent, llm } = await desk({
      replies: [call("go", "One moment.")],
      to: { history },
    });
    await using _ = fixture;
    const { text } = await clock.until(agent.text("An invoice."));
    assertEquals(text, "One moment.\n\nThis is billing.");
    assertEquals(await told(llm.requests[0]), [PUT_THROUGH]);
  }
});

Deno.test("a handoff: what was said meanwhile is not continued, the next agent begins", async () => {
  const { fixture, clock, agent, llm } = await desk({
    transcripts: ["An invoice."],
    replies: [call("go", "One moment.")],
    startMs: 8000,
  });
  await using _ = fixture;
  await fixture.hear(600, 3400);
  await clock.until(agent.say("Please hold the line."));
  await clock.advance(10_000);
  assertEquals(fixture.conversation.at(-1), "agent: This is billing.");
  assertEquals((await told(llm.requests[0])).slice(-2), [
    "assistant: Please hold the line.",
    PUT_THROUGH,
  ]);
});

Deno.test("a handoff that comes late: what the agent before answered is not answered again", async () => {
  const book = defineTool({ name: "book", description: "", execute: () => "booked 7" });
  const cases: [FakeReply[], string[]][] = [
    [["Booked."], ["user: Book it first.", "assistant: Booked.", PUT_THROUGH]],
    [[call("book"), "Booked."], ["tool: booked 7", "assistant: Booked.", PUT_THROUGH]],
  ];
  for (const [answers, expected] of cases) {
    const { fixture, llm } = await desk({
      transcripts: ["Billing please.", "Book it first."],
      voice: { firstByteMs: 150 },
      replies: [call("go", "One moment."), ...answers],
      tools: [book],
      startMs: 8000,
    });
    await using _ = fixture;
    await fixture.hear(600, 3400);
    await fixture.hear(600, 20_000);
    assertEquals((await told(llm.requests[0])).slice(-3), expected);
    assertEquals(llm.requests.length, 1);
  }
});

Deno.test("a tool that hands over in the background, or too late: the next agent begins", async () => {
  for (const how of [{ background: true, timeoutMs: 60_000 }, { timeoutMs: 2000 }]) {
    const { fixture, llm } = await desk({
      transcripts: ["An invoice."],
      replies: [call("go"), "I go on."],
      go: (target) => ({
        ...how,
        execute: async () => {
          await sleep(8000, { clock: fixture.clock });
          return handoff(target);
        },
      }),
    });
    await using _ = fixture;
    await fixture.hear(600, 20_000);
    assertEquals((await told(llm.requests[0])).slice(-2), ["assistant: I go on.", PUT_THROUGH]);
  }
});

Deno.test("Agent.handoff in a tool of Agent.text: the next agent replies once, with the result", async () => {
  for (const history of ["all", "none"] as const) {
    const { fixture, clock, agent, llm } = await desk({
      replies: [call("go", "One moment.")],
      to: { history },
      go: (target) => ({
        execute: async () => {
          await fixture.agent.handoff(target);
          await sleep(3000, { clock: fixture.clock });
          return "all is done";
        },
      }),
    });
    await using _ = fixture;
    const { text } = await clock.until(agent.text("An invoice."));
    assertEquals(text, "One moment.\n\nThis is billing.");
    await clock.advance(10_000);
    assertEquals(llm.requests.length, 1, history);
    assertEquals(fixture.tts.sentences, []);
    const texts = await told(llm.requests[0]);
    assertEquals(texts.filter((one) => one.includes("all is done")).length, 1, texts.join("\n"));
  }
});

Deno.test("Agent.text: after a handoff in it people hear what has become known before", async () => {
  const look = defineTool({
    name: "look",
    description: "",
    background: true,
    timeoutMs: 60_000,
    execute: async () => {
      await sleep(2000, { clock: fixture.clock });
      return "found 7";
    },
  });
  const { fixture, clock, agent, llm } = await desk({
    replies: [call("look"), "I look.", call("go")],
    tools: [look],
  });
  await using _ = fixture;
  await clock.until(agent.generateReply("Look for it."));
  const said = agent.say("While I look I tell you how we do that here, which takes some time.");
  await clock.advance(2500);
  await clock.until(agent.text("Billing, please."));
  assertEquals(llm.requests.length, 1);
  await clock.until(said);
  await clock.advance(3000);
  assertEquals(llm.requests.length, 2);
  assertEquals(
    (await told(llm.requests[1])).at(-1),
    "user: [Tell people what has become known, if you have not yet.]",
  );
  assertEquals(fixture.tts.sentences.at(-1), "This is billing.");
});

Deno.test("what one agent has called does not count as a repetition by the next", async () => {
  for (const onDuplicate of ["reject", "confirm"] as const) {
    const looked: string[] = [];
    const look = (who: string) =>
      defineTool({
        name: "look",
        description: "",
        onDuplicate,
        execute: () => void looked.push(who),
      });
    const { fixture, clock, agent } = await desk({
      replies: [call("look"), call("look"), "Seen."],
      tools: [look("desk")],
    });
    await using _ = fixture;
    await clock.until(agent.text("Look twice."));
    assertEquals(looked, ["desk"]);
    const llm = new FakeLLM(clock, [call("look"), call("look"), "Seen."]);
    const to = { name: "Billing", instructions: "", llm, tools: [look("billing")] };
    await clock.until(agent.handoff(to));
    await clock.until(agent.text("Look twice."));
    assertEquals(looked, ["desk", "billing"]);
  }
});

Deno.test("the hook for a summary cannot wait for a change of the agent, and is told why", async () => {
  const { fixture, clock, agent } = await desk({ replies: [] });
  await using _ = fixture;
  const changes = [
    () => agent.update({ instructions: "Other." }),
    () => agent.handoff({ name: "Other", instructions: "Other." }),
  ];
  for (const change of changes) {
    const history = async () => {
      await sleep(100, { clock });
      await change();
      return "They were put through.";
    };
    const to = { name: "Billing", instructions: "You are billing." };
    const failing = clock.until(agent.handoff({ ...to, history }));
    await assertRejects(() => failing, TypeError, "cannot be changed in the hook history");
    assert(clock.now() < 1000, `${clock.now()} ms`);
    assertEquals(agent.instructions, "");
  }
  // What the hook has begun, and does not wait for, may come after it.
  let later: Promise<void> | undefined;
  const history = () => {
    later = sleep(3000, { clock }).then(() => agent.update({ instructions: "Changed." }));
    return undefined;
  };
  await clock.until(agent.handoff({ name: "Billing", instructions: "You are billing.", history }));
  await clock.until(later!);
  assertEquals(agent.instructions, "Changed.");
});

for (const how of ["returns the handoff", "calls agent.handoff()"] as const) {
  Deno.test(`agents that hand over to each other stop when no person speaks: a tool ${how}`, async () => {
    await stopsHandingOver(how === "calls agent.handoff()");
  });
}

async function stopsHandingOver(calls: boolean): Promise<void> {
  let asked = 0;
  const hand = (to: HandoffOptions) => calls ? fixture.agent.handoff(to) : handoff(to);
  const model = (clock: Fixture["clock"]) =>
    new FakeLLM(clock, [({ tools }) => {
      asked++;
      return tools.length > 0 ? call("go") : "Here we are.";
    }]);
  const target: HandoffOptions = { name: "Billing", instructions: "" };
  const { fixture, clock, agent } = await desk({
    replies: [call("go")],
    go: () => ({ execute: () => hand({ ...target, llm: model(fixture.clock), tools: [go] }) }),
  });
  const go: Tool = defineTool({
    name: "go",
    description: "",
    execute: () => hand({ ...target, llm: model(fixture.clock), tools: [go] }),
  });
  await using _ = fixture;
  const { text } = await clock.until(agent.text("An invoice."));
  assertEquals(text, "Here we are.");
  assertEquals(asked, 15, "7 hand over again, and the last is asked 8 times");
}

for (const history of ["none", () => "They asked for something."] as const) {
  const how = typeof history === "string" ? "no history" : "a summary";
  for (const first of ["text", "generateReply"] as const) {
    for (const second of ["text", "generateReply"] as const) {
      Deno.test(`${second}() that waits for ${first}() asks its question after a handoff with ${how}`, async () => {
        const replies = [{ text: "Answer.", firstTokenMs: 2000 }];
        const { fixture, clock, agent, llm } = await desk({ replies });
        await using _ = fixture;
        const answers = [agent[first]("First?")];
        await clock.advance(100);
        answers.push(agent[second]("Second?"));
        await clock.advance(100);
        await clock.until(agent.handoff({ name: "Next", instructions: "", history, llm }));
        await clock.until(Promise.all(answers));
        const requests = [...fixture.llm.requests, ...llm.requests];
        const asked = await Promise.all(requests.map(told));
        const ofSecond = asked.filter((messages) => messages.at(-1) === "user: Second?");
        assertEquals(ofSecond.length, 1, JSON.stringify(asked));
      });
    }
  }
}

const histories = {
  "all of the history": "all",
  "no history": "none",
  "a hook without a summary": () => undefined,
  "a summary": () => "They asked for something.",
} as const;

for (const [how, history] of Object.entries(histories)) {
  Deno.test(`a turn that waits for a reply is answered by the next agent after a handoff with ${how}`, async () => {
    const { fixture, clock, agent, llm } = await desk({
      people: ["ann", "bob"],
      transcripts: { ann: [""], bob: ["When do you open?"] },
      replies: ["At nine."],
    });
    await using _ = fixture;
    const [ann, bob] = fixture.people;
    fixture.utter(600, 3000, bob);
    await clock.advance(400);
    // The reply to Bob waits for the end of Ann's turn.
    fixture.utter(2000, 3000, ann);
    await clock.advance(1000);
    for (const name of ["Next", "Last"]) {
      await clock.until(agent.handoff({ name, instructions: "", history, llm }));
    }
    await clock.advance(10_000);
    assertEquals(fixture.llm.requests, []);
    assertEquals(llm.requests.length, 1);
    const asked = await told(llm.requests[0]);
    assertEquals(asked.filter((one) => one === "user: Bob: When do you open?").length, 1);
    assertEquals(asked.at(-1), "user: Bob: When do you open?");
    // It is in the history from then on.
    await clock.until(agent.text("Well?"));
    const later = await told(llm.requests[1]);
    assertEquals(later.slice(-3), [asked.at(-1), "assistant: This is billing.", "user: Well?"]);
  });

  Deno.test(`a request that waits is answered by the next agent after a handoff with ${how}`, async () => {
    const { fixture, clock, agent, llm } = await desk({
      replies: [{ text: "Answer.", firstTokenMs: 2000 }],
    });
    await using _ = fixture;
    const answers = [agent.generateReply("First?"), agent.generateReply("Second?")];
    await clock.advance(100);
    await clock.until(agent.handoff({ name: "Next", instructions: "", history, llm }));
    const [first, second] = await clock.until(Promise.all(answers));
    assertEquals([first!.text, second!.text], ["Answer.", "This is billing."]);
    assertEquals(fixture.llm.requests.length, 1);
    assertEquals((await told(llm.requests[0])).at(-1), "user: Second?");
  });
}
