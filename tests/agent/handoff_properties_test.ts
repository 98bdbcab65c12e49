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

const step = fc.record({
  act: fc.constantFrom("ask", "hear", "update", "handoff", "say"),
  history: fc.constantFrom("all" as const, "none" as const),
  toolMs: fc.integer({ min: 0, max: 4000 }),
  thenMs: fc.integer({ min: 0, max: 3000 }),
});

Deno.test("what tools do is told once, whatever handoffs and updates come between", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 6 }), async (steps) => {
      let toolMs = 0;
      let effects = 0;
      const requests: LLMRequest[] = [];
      const act = defineTool({
        name: "act",
        description: "",
        timeoutMs: 60_000,
        execute: async () => {
          await sleep(toolMs, { clock: fixture.clock });
          return `effect ${++effects}.`;
        },
      });
      const reply: FakeReply = (request) => {
        requests.push({ ...request, messages: [...request.messages] });
        const last = request.messages.findLast(({ role }) => role === "user")?.text ?? "";
        const isAsked = request.messages.at(-1)?.role === "user" && /Act|words/.test(last);
        return isAsked ? { text: "Now.", calls: [{ name: "act", input: {} }] } : "Done.";
      };
      const fixture = await Fixture.set({
        replies: [reply],
        transcripts: ["Some words.", "More words.", "Words.", "Words.", "Words.", "Words."],
        agent: { tools: [act] },
      });
      const { clock, agent } = fixture;
      const ignore = () => {};
      for (const one of steps) {
        toolMs = one.toolMs;
        const parts = { llm: new FakeLLM(clock, [reply]), tts: new FakeTTS(clock), tools: [act] };
        if (one.act === "ask") agent.generateReply("Act.").catch(ignore);
        else if (one.act === "say") agent.say("By the way.").catch(ignore);
        else if (one.act === "hear") fixture.utter(600, 900);
        else if (one.act === "update") agent.update(parts).catch(ignore);
        else {
          const { history } = one;
          agent.handoff({ ...parts, name: "Next", instructions: "Next.", history }).catch(ignore);
        }
        await clock.advance(one.thenMs);
      }
      await clock.advance(30_000);
      await clock.until(agent.generateReply("Well?"));
      assertEquals(fixture.events(ToolCalledEvent).length, effects);
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
    }),
    { numRuns: 12, seed: 13 },
  );
});
