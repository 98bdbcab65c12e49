/** What a model is told of the calls that another one has made. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { LLMRequest } from "../../../src/inference/contracts/llm.ts";
import type { ChatMessage, ToolCall } from "../../../src/inference/contracts/messages.ts";
import { defineTool } from "../../../src/inference/contracts/tool.ts";
import { callsFor, withOrigin } from "../../../src/inference/fallback/foreign_calls.ts";
import { FallbackLLM } from "../../../src/inference/fallback/fallback_llm.ts";
import { InferenceError } from "../../../src/inference/contracts/errors.ts";
import type { LLM, LLMPart } from "../../../src/inference/contracts/llm.ts";
import { Fixture } from "../_fixture.ts";
import { assertAccepted } from "../reply/_vendor_rules.ts";

/** Mistral: "must be a-z, A-Z, 0-9, with a length of 9"; within Anthropic's and OpenAI's rules, too. */
const PORTABLE = /^[a-zA-Z0-9]{9}$/;

function history(calls: readonly ToolCall[]): ChatMessage[] {
  return [
    { role: "user", text: "Go." },
    { role: "assistant", text: "", toolCalls: calls },
    ...calls.map(({ id: callId, name }) => {
      return { role: "tool", callId, name, text: "done", isError: false } as const;
    }),
    { role: "user", text: "And now?" },
  ];
}

function callsOf(messages: readonly ChatMessage[]): ToolCall[] {
  return messages.flatMap((one) => one.role === "assistant" ? one.toolCalls ?? [] : []);
}

Deno.test("a model gets its own calls as it made them, and those of others under ids that all services take", async () => {
  const id = fc.oneof(
    fc.string({ minLength: 1, maxLength: 80 }),
    fc.constantFrom("call_abc", "use_01A", "D681PevKs", "functions.book:0", "a|b"),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(id, { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat({ max: 2 }), { minLength: 5, maxLength: 5 }),
      async (ids, makers) => {
        const made = ids.map((id, n) => ({ id, name: "book", input: {}, metadata: { of: n } }));
        const kept = made.map((call, n) => makers[n] === 2 ? call : withOrigin(call, makers[n]!));
        for (const index of [0, 1]) {
          const messages = callsFor(history(kept), index);
          const calls = callsOf(messages);
          for (const [n, call] of calls.entries()) {
            if (makers[n] === index) assertEquals(call, made[n]);
            else assert(PORTABLE.test(call.id) && call.metadata === undefined, call.id);
          }
          assertEquals(new Set(calls.map(({ id }) => id)).size, ids.length);
          assertEquals(
            messages.flatMap((one) => one.role === "tool" ? [one.callId] : []),
            calls.map(({ id }) => id),
          );
          if (!makers.slice(0, ids.length).includes(index)) await assertAccepted({ messages });
        }
      },
    ),
    { numRuns: 30, seed: 13 },
  );
});

Deno.test("a fallback's model keeps what its service wants back, and the next one does not get it", async () => {
  const requests: [string, LLMRequest][] = [];
  const outage = new InferenceError("down", { code: "failed", retryable: false });
  const model = (name: string, replies: (LLMPart[] | Error)[]): LLM => ({
    name,
    async *generate(request) {
      requests.push([name, { ...request, messages: [...request.messages] }]);
      const reply = replies.shift()!;
      if (reply instanceof Error) throw reply;
      yield* reply;
    },
  });
  const book = { id: "functions.book:0", name: "book", input: {}, metadata: { signature: "s" } };
  const first = model("first", [
    [{ type: "tool-call", call: book }],
    [{ type: "text", text: "Booked." }],
    outage,
  ]);
  const second = model("second", [[{ type: "text", text: "Yes." }]]);
  const tool = defineTool({ name: "book", description: "", execute: () => "done" });
  await using fixture = await Fixture.set({
    agent: { llm: new FallbackLLM([first, second]), tools: [tool] },
  });
  const { agent, clock } = fixture;
  await clock.until(agent.generateReply("Book it."));
  await clock.until(agent.generateReply("Is it done?"));
  assertEquals(requests.map(([name]) => name), ["first", "first", "first", "second"]);
  assertEquals(callsOf(requests[1]![1].messages), [book]);
  const [call] = callsOf(requests[3]![1].messages);
  assert(PORTABLE.test(call!.id), call!.id);
  assertEquals(call!.metadata, undefined);
  await assertAccepted(requests[3]![1]);
});
