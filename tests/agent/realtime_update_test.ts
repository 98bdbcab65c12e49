/** Changes and handoffs of an agent with a realtime model. */
import { assertEquals, assertRejects } from "@std/assert";
import type { HandoffOptions } from "../../src/agent/agent_context.ts";
import { handoffTool } from "../../src/agent/handoff_tool.ts";
import { sleep } from "../../src/events/waiting.ts";
import { AgentHandoffEvent, ToolCalledEvent } from "../../src/inference/contracts/events.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import type { ChatMessage } from "../../src/inference/contracts/messages.ts";
import { defineTool } from "../../src/inference/contracts/tool.ts";
import { FakeRealtimeLLM } from "../../src/testing/fake_realtime_llm.ts";
import { Fixture } from "../inference/_fixture.ts";

const look = defineTool({ name: "look", description: "", execute: () => "found" });

function texts(history: readonly ChatMessage[]): string[] {
  return history.map(({ role, text }) => `${role}: ${text}`);
}

Deno.test("a realtime session is changed in place: instructions and tools", async () => {
  await using fixture = await Fixture.set({
    realtime: [{ heard: "Look.", call: { name: "look", input: {} }, reply: "It is" }],
    agent: { instructions: "Be brief." },
  });
  const { clock, agent, realtime } = fixture;
  await clock.until(agent.update({ instructions: "Be kind.", tools: [look] }));
  const [session, ...others] = realtime.sessions;
  assertEquals(others, []);
  assertEquals(session!.updates, [{ instructions: "Be kind.", tools: ["look"] }]);
  await fixture.hear(600, 3000);
  assertEquals(session!.toolResults.map(({ text }) => text), ["found"]);
  assertEquals(fixture.conversation.at(-1), "agent: It is found");
});

for (const how of ["a model whose sessions cannot be changed", "another model"] as const) {
  Deno.test(`a realtime session is replaced, with the conversation so far: ${how}`, async () => {
    await using fixture = await Fixture.set({
      realtime: [{ heard: "Hi.", reply: "Hello there, Ann." }, { heard: "More.", reply: "No." }],
      prepare: ({ realtime }) => realtime.canUpdate = false,
    });
    const { clock, agent, realtime } = fixture;
    const other = new FakeRealtimeLLM(clock, [{ heard: "More.", reply: "Yes." }]);
    const isOther = how === "another model";
    await fixture.hear(600, 600);
    // In the middle of the reply, which is said to its end.
    const update = isOther ? { llm: other } : { instructions: "Be kind." };
    await clock.until(agent.update(update));
    assertEquals(fixture.conversation, ["ann: Hi.", "agent: Hello there, Ann."]);
    await clock.advance(100);
    const session = isOther ? other.sessions[0]! : realtime.sessions[1]!;
    assertEquals(texts(session.options.history), ["user: Hi.", "assistant: Hello there, Ann."]);
    assertEquals(session.options.instructions, isOther ? "" : "Be kind.");
    await fixture.hear(600, 2000);
    assertEquals(fixture.conversation.at(-1), isOther ? "agent: Yes." : "agent: No.");
    assertEquals(fixture.errors, []);
  });
}

Deno.test("a realtime model that cannot be reached does not take the place of another", async () => {
  await using fixture = await Fixture.set({ realtime: [{ heard: "Hi.", reply: "Still me." }] });
  const { clock, agent } = fixture;
  const other = new FakeRealtimeLLM(clock);
  other.connectErrors.push(new InferenceError("the key is refused", { code: "auth" }));
  const update = agent.update({ llm: other, instructions: "Changed." });
  await assertRejects(() => clock.until(update), InferenceError, "the key is refused");
  assertEquals(agent.instructions, "");
  await fixture.hear(600, 2000);
  assertEquals(fixture.conversation.at(-1), "agent: Still me.");
  const slower = Object.assign(new FakeRealtimeLLM(clock), { inputRate: 16_000 });
  const refused = agent.update({ llm: slower });
  await assertRejects(() => clock.until(refused), TypeError, "expected the same rate");
});

for (
  const [how, to] of Object.entries<(clock: Fixture["clock"]) => Partial<HandoffOptions>>({
    "in the same session": () => ({}),
    "without the history": () => ({ history: "none" }),
    "to another model": (clock) => ({
      llm: new FakeRealtimeLLM(clock, [{ heard: "", reply: "This is billing." }]),
    }),
    "with a greeting": () => ({ onEnter: (agent) => void agent.say("Billing, hello.") }),
  })
) {
  Deno.test(`a handoff by a realtime model's tool: ${how}`, async () => {
    const target = { name: "Billing", instructions: "You are billing." } as HandoffOptions;
    await using fixture = await Fixture.set({
      realtime: [
        { heard: "An invoice.", call: { name: "to_billing", input: {} }, reply: "Never said." },
        ...how === "in the same session" ? [] : [{ reply: "This is billing." }],
      ],
      agent: {
        instructions: "You are the desk.",
        tools: [handoffTool({ name: "to_billing", to: () => target })],
      },
      prepare: ({ clock }) => Object.assign(target, to(clock)),
    });
    const { realtime } = fixture;
    await fixture.hear(600, 5000);
    assertEquals(fixture.events(AgentHandoffEvent).map(({ to }) => to), ["Billing"]);
    assertEquals(fixture.events(ToolCalledEvent).map(({ result }) => result.text), [
      "handed over to Billing",
    ]);
    const said = fixture.agent.conversation!.messages.filter(({ role }) => role === "assistant");
    const [first, ...more] = said;
    assertEquals(more, [], said.map(({ text }) => text).join());
    assertEquals(first!.agentName, "Billing");
    const [session, second] = realtime.sessions;
    if (how === "in the same session" || how === "with a greeting") {
      assertEquals(session!.updates, [{ instructions: "You are billing.", tools: [] }]);
      assertEquals(session!.toolResults.map(({ text }) => text), ["handed over to Billing"]);
      assertEquals(session!.said, how === "with a greeting" ? ["Billing, hello."] : []);
    } else {
      const next = second ?? (target.llm as FakeRealtimeLLM).sessions[0]!;
      assertEquals(next.options.instructions, "You are billing.");
      assertEquals(
        texts(next.options.history),
        how === "without the history" ? [] : [
          "user: An invoice.",
          "assistant: ",
          "tool: handed over",
        ],
      );
      assertEquals(first!.text, "This is billing.");
    }
    assertEquals(fixture.errors, []);
  });
}

Deno.test("a realtime model's tool that still runs at a handoff is told once", async () => {
  for (const history of ["all", "none"] as const) {
    const slow = defineTool({
      name: "look",
      description: "",
      execute: async () => {
        await sleep(4000, { clock: fixture.clock });
        return "found";
      },
    });
    const fixture = await Fixture.set({
      realtime: [{ heard: "Look.", call: { name: "look", input: {} }, reply: "It is" }, {
        reply: "Told.",
      }],
      agent: { tools: [slow] },
    });
    await using _ = fixture;
    const { clock, agent, realtime } = fixture;
    await fixture.hear(600, 1000);
    const to = { name: "Billing", instructions: "You are billing.", history };
    await clock.until(agent.handoff(to));
    await clock.advance(6000);
    const [first, second] = realtime.sessions;
    const results = [
      ...first!.toolResults.map(({ text }) => text),
      ...first!.texts,
      ...second?.texts ?? [],
    ];
    assertEquals(results.filter((text) => text.includes("found")).length, 1, results.join());
    assertEquals(fixture.conversation.filter((text) => /Told|It is/.test(text)).length, 1);
  }
});
