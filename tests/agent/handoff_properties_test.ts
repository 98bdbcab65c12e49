/** Handoffs and updates at any time: what tools do is told once, in histories that services accept. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { LLMRequest } from "../../src/inference/contracts/llm.ts";
import { sleep } from "../../src/events/waiting.ts";
import { ToolCalledEvent } from "../../src/inference/contracts/events.ts";
import { defineTool } from "../../src/inference/contracts/tool.ts";
import { FakeLLM, type FakeReply } from "../../src/testing/fake_llm.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { assertAccepted } from "../inference/reply/_vendor_rules.ts";
import { Fixture } from "../inference/_fixture.ts";

/** A hook that returns a summary, or nothing, after so long. */
const hook = fc.record({
  afterMs: fc.constantFrom(0, 400, 2500, 4000),
  summary: fc.constantFrom("They asked for something.", undefined),
});

const step = fc.record({
  act: fc.constantFrom("ask", "write", "hear", "update", "handoff", "handoff", "say"),
  history: fc.oneof(
    fc.constantFrom("all" as const, "none" as const),
    { weight: 2, arbitrary: hook },
  ),
  toolMs: fc.integer({ min: 0, max: 4000 }),
  thenMs: fc.integer({ min: 0, max: 3000 }),
});

/** The time limit of a tool: where it is short, a tool may succeed after it. */
const timeLimit = fc.constantFrom(1000, 60_000);

Deno.test("what a tool does while the hook for a summary runs is told once", async () => {
  const act = defineTool({
    name: "act",
    description: "",
    parameters: { type: "object", properties: { ms: { type: "integer" } } },
    execute: async ({ ms = 0 }) => {
      await sleep(ms, { clock: fixture.clock });
      return `effect of ${ms} ms`;
    },
  });
  const calls = [500, 4000].map((ms) => ({ name: "act", input: { ms } }));
  const fixture = await Fixture.set({ replies: [{ calls }], agent: { tools: [act] } });
  await using _ = fixture;
  const { clock, agent } = fixture;
  const llm = new FakeLLM(clock, ["Done."]);
  const history = async () => {
    await sleep(2500, { clock });
    return "They asked for something.";
  };
  const taken = agent.handoff({ name: "Next", instructions: "Next.", history, llm });
  await clock.advance(300);
  agent.generateReply("Act.").catch(() => {});
  await clock.until(taken);
  await clock.advance(5000);
  await clock.until(agent.generateReply("Well?"));
  const { messages } = llm.requests.at(-1)!;
  await assertAccepted(llm.requests.at(-1)!);
  for (const ms of [500, 4000]) {
    const told = messages.filter(({ text }) => text.includes(`effect of ${ms} ms`));
    assertEquals(told.length, 1, JSON.stringify(messages));
  }
});

for (const how of ["says", "writes"] as const) {
  Deno.test(`a call that the agent before makes after the handoff is told by the next: it ${how}`, async () => {
    const act = defineTool({
      name: "act",
      description: "",
      execute: async () => {
        await sleep(1000, { clock: fixture.clock });
        return "an effect";
      },
    });
    const fixture = await Fixture.set({
      replies: [{ text: "One moment please.", tokenMs: 500, calls: [{ name: "act", input: {} }] }],
      agent: { tools: [act] },
    });
    await using _ = fixture;
    const { clock, agent } = fixture;
    const llm = new FakeLLM(clock, ["Done."]);
    const reply = how === "says" ? agent.generateReply("Act.") : agent.text("Act.");
    await clock.advance(200);
    const to = { name: "Next", instructions: "Next.", history: "none", llm } as const;
    await clock.until(agent.handoff(to));
    await clock.until(reply);
    await clock.advance(5000);
    const told = llm.requests.map(({ messages }) =>
      messages.filter(({ text }) => text.includes("an effect")).length
    );
    assertEquals(told, [1], JSON.stringify(llm.requests.map(({ messages }) => messages)));
    for (const request of llm.requests) await assertAccepted(request);
  });
}

for (const history of ["none", () => "They asked for something."] as const) {
  const how = typeof history === "string" ? "no history" : "a summary";
  Deno.test(`a tool that succeeds after its time was up is told after a handoff with ${how}`, async () => {
    const act = defineTool({
      name: "act",
      description: "",
      timeoutMs: 1000,
      execute: async () => {
        await sleep(9000, { clock: fixture.clock });
        return "an effect";
      },
    });
    const fixture = await Fixture.set({
      replies: [{ calls: [{ name: "act", input: {} }] }, "It takes longer."],
      agent: { tools: [act] },
    });
    await using _ = fixture;
    const { clock, agent } = fixture;
    await clock.until(agent.generateReply("Act."));
    const llm = new FakeLLM(clock, ["Done."]);
    for (const name of ["Next", "Last"]) {
      await clock.until(agent.handoff({ name, instructions: "", history, llm }));
    }
    await clock.advance(15_000);
    await clock.until(agent.generateReply("Well?"));
    const { messages } = llm.requests.at(-1)!;
    const told = messages.filter(({ text }) => text.includes("an effect"));
    assertEquals(told.length, 1, JSON.stringify(messages));
  });
}

Deno.test("what tools do is told once where the history is too small for their outputs", async () => {
  for (const historyLimit of [2, 3, 4, 6]) {
    const act = defineTool({
      name: "act",
      description: "",
      parameters: { type: "object", properties: { nth: { type: "integer" } } },
      execute: async ({ nth = 0 }, { agent }) => {
        await sleep(1000 + 300 * nth, { clock: fixture.clock });
        if (nth === 0) await agent.say("Nearly there.");
        return `effect ${nth}.`;
      },
    });
    const requests: LLMRequest[] = [];
    const calls = [0, 1, 2].map((nth) => ({ name: "act", input: { nth } }));
    const fixture = await Fixture.set({
      transcripts: ["Act."],
      replies: [{ calls }, (request) => (requests.push(request), "Fine.")],
      agent: { turnHandling: { historyLimit }, tools: [act] },
    });
    await using _ = fixture;
    const { clock, agent } = fixture;
    fixture.utter(600, 900);
    await clock.advance(1100);
    for (const text of ["Wait.", "Still."]) agent.say(text).catch(() => {});
    await clock.advance(1500);
    const llm = new FakeLLM(clock, [(request) => (requests.push(request), "Fine.")]);
    await clock.until(agent.handoff({ name: "Next", instructions: "", history: "none", llm }));
    await clock.advance(15_000);
    await clock.until(agent.text("Well?"));
    for (const nth of [0, 1, 2]) {
      const times = requests.map(({ messages }) =>
        messages.filter(({ text }) => text.includes(`effect ${nth}.`)).length
      );
      assertEquals(
        Math.max(...times),
        1,
        `limit ${historyLimit}: effect ${nth} told ${times} times`,
      );
    }
  }
});

Deno.test("what tools do is told once, whatever handoffs and updates come between", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 2, maxLength: 6 }),
      timeLimit,
      async (steps, timeoutMs) => {
        let toolMs = 0;
        let effects = 0;
        const requests: LLMRequest[] = [];
        const act = defineTool({
          name: "act",
          description: "",
          timeoutMs,
          parameters: { type: "object", properties: { times: { type: "integer" } } },
          execute: async ({ times = 1 }) => {
            await sleep(times * toolMs, { clock: fixture.clock });
            return `effect ${++effects}.`;
          },
        });
        const reply: FakeReply = (request) => {
          requests.push({ ...request, messages: [...request.messages] });
          const last = request.messages.findLast(({ role }) => role === "user")?.text ?? "";
          const isAsked = request.messages.at(-1)?.role === "user" && /Act|words/.test(last);
          const calls = [1, 2].map((times) => ({ name: "act", input: { times } }));
          return isAsked ? { text: "Now, together.", tokenMs: 400, calls } : "Done.";
        };
        const fixture = await Fixture.set({
          replies: [reply],
          transcripts: ["Some words.", "More words.", "Words.", "Words.", "Words.", "Words."],
          agent: { tools: [act] },
        });
        const { clock, agent } = fixture;
        const ignore = () => {};
        const hookOf =
          ({ afterMs, summary }: { afterMs: number; summary: string | undefined }) => async () => {
            await sleep(afterMs, { clock });
            return summary;
          };
        for (const one of steps) {
          toolMs = one.toolMs;
          const parts = { llm: new FakeLLM(clock, [reply]), tts: new FakeTTS(clock), tools: [act] };
          if (one.act === "ask") agent.generateReply("Act.").catch(ignore);
          else if (one.act === "write") agent.text("Act.").catch(ignore);
          else if (one.act === "say") agent.say("By the way.").catch(ignore);
          else if (one.act === "hear") fixture.utter(600, 900);
          else if (one.act === "update") agent.update(parts).catch(ignore);
          else {
            const history = typeof one.history === "string" ? one.history : hookOf(one.history);
            agent.handoff({ ...parts, name: "Next", instructions: "Next.", history }).catch(ignore);
          }
          await clock.advance(one.thenMs);
        }
        await clock.advance(30_000);
        await clock.until(agent.generateReply("Well?"));
        const succeeded = fixture.events(ToolCalledEvent).filter(({ result }) => !result.isError);
        assertEquals(succeeded.length, effects);
        for (const request of requests) await assertAccepted(request);
        for (let effect = 1; effect <= effects; effect++) {
          const times = requests.map(({ messages }) =>
            messages.filter(({ text }) => text.includes(`effect ${effect}.`)).length
          );
          assert(Math.max(...times) === 1, `effect ${effect} is told ${times} times in requests`);
        }
        assertEquals(fixture.errors, []);
        const { clock: left } = fixture;
        await fixture[Symbol.asyncDispose]();
        assertEquals(left.pending, 0);
      },
    ),
    { numRuns: 16, seed: 13 },
  );
});
