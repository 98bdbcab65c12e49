/** Replies that are asked for while another one is being generated. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { LLMRequest } from "../../../src/inference/contracts/llm.ts";
import { defineTool } from "../../../src/inference/contracts/tool.ts";
import { sleep } from "../../../src/events/waiting.ts";
import type { FakeLLMReply } from "../../../src/testing/fake_llm.ts";
import { Fixture } from "../_fixture.ts";
import { assertAccepted } from "./_vendor_rules.ts";

/** A model that calls each of these tools once, as far as it knows, and may say so before. */
function callsOnce(names: string[], { firstTokenMs = 500, tokenMs = 0, text = "" } = {}) {
  return ({ messages }: LLMRequest): FakeLLMReply => {
    const called = messages.flatMap((one) =>
      one.role === "assistant" ? one.toolCalls?.map(({ name }) => name) ?? [] : []
    );
    const next = names.find((name) => !called.includes(name));
    if (!next) return { text: "Done.", firstTokenMs, tokenMs };
    return { text, firstTokenMs, tokenMs, calls: [{ name: next, input: {} }] };
  };
}

/** A conversation with tools that take so long, and how often each has acted. */
async function set(
  names: string[],
  { lastsMs = 0, background = false, ...model }: {
    lastsMs?: number;
    background?: boolean;
    firstTokenMs?: number;
    tokenMs?: number;
    text?: string;
  } = {},
): Promise<{ fixture: Fixture; acted: string[] }> {
  const acted: string[] = [];
  const tools = names.map((name) =>
    defineTool({
      name,
      description: "",
      background,
      execute: async () => {
        acted.push(name);
        await sleep(lastsMs, { clock: fixture.clock });
      },
    })
  );
  const fixture: Fixture = await Fixture.set({
    replies: [callsOnce(names, model)],
    agent: { tools },
  });
  return { fixture, acted };
}

Deno.test("a reply that is asked for while another is generated knows what that one has called", async () => {
  const { fixture, acted } = await set(["book"]);
  await using _fixture = fixture;
  const { agent, clock } = fixture;
  const first = agent.generateReply("Book a table.");
  await clock.advance(200);
  const second = agent.generateReply("Say hello.");
  assertEquals((await clock.until(first)).text, "Done.");
  assertEquals((await clock.until(second)).text, "Done.");
  assertEquals(acted, ["book"]);
  assertEquals(fixture.llm.requests[2]!.messages.map(({ role, text }) => `${role}: ${text}`), [
    "user: Book a table.",
    "assistant: ",
    "tool: done",
    "user: Say hello.",
  ]);
  for (const request of fixture.llm.requests) await assertAccepted(request);
});

Deno.test("a reply in text and one that is said call no tool for one request twice", async () => {
  const { fixture, acted } = await set(["book"]);
  await using _fixture = fixture;
  const { agent, clock } = fixture;
  const written = agent.text("Book a table.");
  const said = agent.generateReply("Say hello.");
  await clock.until(Promise.all([written, said]));
  assertEquals(acted, ["book"]);
});

Deno.test("a reply knows what others have called while its tool ran", async () => {
  const { fixture, acted } = await set(["book", "order"], { lastsMs: 3000 });
  await using _fixture = fixture;
  const { agent, clock } = fixture;
  const first = agent.generateReply("Book a table and order a taxi.");
  await clock.advance(1500);
  const second = agent.generateReply("Go on.");
  await clock.until(Promise.all([first, second]));
  assertEquals(acted, ["book", "order"]);
  for (const request of fixture.llm.requests) await assertAccepted(request);
});

Deno.test("a reply that waits for its turn and is interrupted is not asked for, and its prompt is known", async () => {
  const { fixture, acted } = await set([], { firstTokenMs: 2000 });
  await using _fixture = fixture;
  const { agent, clock } = fixture;
  const replies = [agent.generateReply("One."), agent.generateReply("Two.")];
  await clock.advance(100);
  await clock.until(agent.interrupt());
  await clock.until(Promise.all(replies));
  assertEquals(fixture.llm.requests.length, 1);
  await clock.until(agent.generateReply("Three."));
  assertEquals(fixture.told, ["user: One.", "user: Two.", "user: Three."]);
  assertEquals(acted, []);
});

Deno.test("a written reply that is slow, or hangs, keeps no person waiting", async () => {
  const slow: Record<string, FakeLLMReply> = {
    "is slow to begin": { text: "Written.", firstTokenMs: 20_000 },
    "is written slowly": { text: "It is written word by word.", tokenMs: 4000 },
    "hangs before its first word": { hangs: true },
    "hangs": { text: "It is", hangs: true },
  };
  for (const [how, reply] of Object.entries(slow)) {
    let count = 0;
    await using fixture = await Fixture.set({
      transcripts: ["Hello?"],
      replies: [() => count++ === 0 ? reply : "I am here."],
    });
    const { agent, clock, tts, llm } = fixture;
    const written = agent.text("Write it.").catch((error: Error) => error.name);
    const second = agent.text("And this.").catch((error: Error) => error.name);
    await clock.advance(1000);
    await fixture.hear(600, 1000);
    assertEquals(tts.sentences, ["I am here."], how);
    await clock.advance(30_000);
    assertEquals(await written, reply.hangs ? "TimeoutError" : { text: reply.text }, how);
    assertEquals(await clock.until(second), { text: "I am here." });
    for (const request of llm.requests) await assertAccepted(request);
  }
});

Deno.test("a written reply is asked for again where what is said has called tools meanwhile", async () => {
  const { fixture, acted } = await set(["book"], { text: "I book a table.", tokenMs: 1000 });
  await using _fixture = fixture;
  const { agent, clock } = fixture;
  const written = agent.text("Book a table.");
  await clock.advance(1000);
  const said = agent.generateReply("Say hello.");
  assertEquals(await clock.until(written), { text: "Done." });
  assertEquals((await clock.until(said)).text, "I book a table.\nDone.");
  assertEquals(acted, ["book"]);
  assertEquals(fixture.conversation.filter((one) => one.startsWith("agent:")), [
    "agent: Book a table.",
    "agent: Done.",
    "agent: Say hello.",
    "agent: I book a table.\nDone.",
    "agent: book({}): done",
  ]);
  for (const request of fixture.llm.requests) await assertAccepted(request);
});

Deno.test("however many replies are asked for and when, each tool acts once", async () => {
  const names = ["a", "b", "c"];
  const request = fc.record({
    afterMs: fc.integer({ min: 0, max: 1500 }),
    how: fc.constantFrom("say", "write", "speak"),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 0, max: 2000 }),
      fc.record({
        firstTokenMs: fc.integer({ min: 0, max: 900 }),
        tokenMs: fc.constantFrom(0, 300, 1500),
        text: fc.constantFrom("", "I see to it."),
      }),
      fc.boolean(),
      async (requests, lastsMs, model, background) => {
        const { fixture, acted } = await set(names, { lastsMs, background, ...model });
        await using _fixture = fixture;
        const { agent, clock } = fixture;
        for (const { afterMs, how } of requests) {
          await clock.advance(afterMs);
          if (how === "say") agent.generateReply("Go.").catch(() => {});
          if (how === "write") agent.text("Go.").catch(() => {});
          if (how === "speak") fixture.utter(600, 500);
        }
        await clock.advance(30_000);
        await clock.until(agent.generateReply("Go."));
        assertEquals(acted.toSorted(), names);
        for (const one of fixture.llm.requests) await assertAccepted(one);
      },
    ),
    { numRuns: 25, seed: 13 },
  );
});
