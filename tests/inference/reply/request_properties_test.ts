/** Requests of two people's calls: services accept them, and each question is in one. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { sleep } from "../../../src/events/waiting.ts";
import { InferenceError } from "../../../src/inference/contracts/errors.ts";
import { TurnEndedEvent } from "../../../src/inference/contracts/events.ts";
import type { ChatMessage } from "../../../src/inference/contracts/messages.ts";
import { defineTool } from "../../../src/inference/contracts/tool.ts";
import type { UserTurnHook } from "../../../src/inference/reply/turn_completion.ts";
import type { FakeReply } from "../../../src/testing/fake_llm.ts";
import { Fixture } from "../_fixture.ts";
import { assertAccepted } from "./_vendor_rules.ts";

Deno.test("a request ends with the turn that waited while a written reply called a tool", async () => {
  const look = defineTool({ name: "look", description: "", execute: () => "looked" });
  await using fixture = await Fixture.set({
    people: ["ann", "bob"],
    transcripts: { ann: [""], bob: ["When do you open?"] },
    replies: [{ calls: [{ name: "look", input: {} }] }, "It is so.", "At nine."],
    agent: { tools: [look] },
  });
  const { agent, clock, llm, people: [ann, bob] } = fixture;
  fixture.utter(600, 4000, bob);
  await clock.advance(400);
  // The reply to Bob waits while Ann makes a sound.
  fixture.utter(2500, 3000, ann);
  await clock.advance(1000);
  assertEquals(await clock.until(agent.text("Is it so?")), { text: "It is so." });
  await clock.advance(20_000);
  assertEquals(fixture.told, [
    "user: Is it so?",
    "assistant: ",
    "tool: looked",
    "assistant: It is so.",
    "user: Bob: When do you open?",
  ]);
  for (const request of llm.requests) await assertAccepted(request);
});

Deno.test("a reply that fails after its tool is asked for again with the tool's result at the end", async () => {
  const book = defineTool({
    name: "book",
    description: "",
    execute: async (_, { agent }) => {
      await agent.say("One moment.");
      return "booked";
    },
  });
  const error = new InferenceError("overloaded", { code: "overloaded", retryable: true });
  await using fixture = await Fixture.set({
    transcripts: ["Book a table."],
    replies: [{ calls: [{ name: "book", input: {} }] }, { error }, "It is booked."],
    agent: { tools: [book] },
  });
  fixture.utter(600, 900);
  await fixture.clock.advance(20_000);
  assertEquals(fixture.told, [
    "user: Book a table.",
    "assistant: One moment.",
    "assistant: ",
    "tool: booked",
  ]);
  for (const request of fixture.llm.requests) await assertAccepted(request);
});

const step = fc.record({
  act: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("hear", "text") },
    { weight: 2, arbitrary: fc.constantFrom("notice", "say", "ask", "write", "interrupt") },
  ),
  who: fc.constantFrom(0, 1),
  saysMs: fc.constantFrom(400, 1500),
  isNoisy: fc.boolean(),
  toolMs: fc.constantFrom(0, 0, 700, 4000),
  thenMs: fc.constantFrom(0, 400, 900, 2500),
});

/** A question in text, whose reply calls a tool, while the reply to a turn waits. */
const once = { who: 1, saysMs: 400, isNoisy: true, toolMs: 0, thenMs: 900 } as const;
const written: Step[] = [{ act: "hear", ...once }, { act: "text", ...once }];

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const hook = fc.constantFrom(undefined, undefined, 0, 300, 7000);

Deno.test("whatever two people and the application say and when, services accept the requests", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 3, maxLength: 7 }),
      hook,
      async (steps, hookMs) => {
        let toolMs = 0;
        let questions = 0;
        const question = () => `Question ${++questions}?`;
        const act = defineTool({
          name: "act",
          description: "",
          execute: async (_, { agent }) => {
            if (toolMs === 700) await agent.say("One moment.").catch(() => {});
            await sleep(toolMs, { clock: fixture.clock });
            return "an effect";
          },
        });
        const reply: FakeReply = ({ messages }) => {
          const { role, text } = messages.at(-1)!;
          const calls = role === "user" && /[1357]/.test(text) ? [{ name: "act", input: {} }] : [];
          return { text: calls.length > 0 ? "" : "This is so.", firstTokenMs: 200, calls };
        };
        const completed: UserTurnHook = () => sleep(hookMs!, { clock: fixture.clock });
        const words = (who: string) =>
          Array.from({ length: 7 }, (_, turn) => `${who} asks ${turn + 1}?`);
        const fixture = await Fixture.set({
          people: ["ann", "bob", "baby"],
          transcripts: { ann: words("ann"), bob: words("bob"), baby: [""] },
          replies: [reply],
          agent: {
            tools: [act],
            turnHandling: hookMs === undefined ? {} : { onUserTurnCompleted: completed },
          },
        });
        const { agent, clock, people, llm } = fixture;
        const ignore = () => {};
        for (const { act, who, saysMs, isNoisy, thenMs, ...one } of steps) {
          toolMs = one.toolMs;
          if (act === "hear") {
            fixture.utter(saysMs, 700, people[who]!);
            // A turn without words, for whose end the reply waits.
            if (isNoisy) fixture.utter(3000, 700, people[2]!);
          } else if (act === "notice") {
            agent.say("This call is recorded.", { allowInterruptions: false }).catch(ignore);
          } else if (act === "say") agent.say("By the way.").catch(ignore);
          else if (act === "ask") agent.generateReply(question()).catch(ignore);
          else if (act === "write") people[who]!.sendText(question());
          else if (act === "text") agent.text(question()).catch(ignore);
          else agent.interrupt().catch(ignore);
          await clock.advance(thenMs);
        }
        await clock.advance(40_000);
        await clock.until(agent.generateReply("Well?"));
        for (const request of llm.requests) await assertAccepted(request);
        const told = (text: string) => (message: ChatMessage) => message.text.includes(text);
        for (const { text } of fixture.events(TurnEndedEvent)) {
          const isTold = llm.requests.some(({ messages }) => messages.some(told(text)));
          assert(isTold, `${text} is in no request`);
        }
        await fixture[Symbol.asyncDispose]();
        assertEquals(clock.pending, 0);
      },
    ),
    { numRuns: 20, seed: 2, examples: [[written, undefined]] },
  );
});
