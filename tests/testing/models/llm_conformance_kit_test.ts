/** The kit finds what it is for: an adapter as one would write it first. */
import { assertEquals, assertThrows } from "@std/assert";
import type { LLM } from "../../../src/inference/contracts/llm.ts";
import { llmConformanceTests } from "../../../src/testing/mod.ts";
import { overChatCompletions } from "./_chat_service.ts";

/** A model that reads the text of each piece of the body, and knows no failures. */
function naive(baseUrl: string): LLM {
  return {
    name: "naive",
    async *generate({ messages }) {
      const body = JSON.stringify({ messages });
      const response = await fetch(`${baseUrl}/chat/completions`, { method: "POST", body });
      for await (const bytes of response.body!) {
        for (const line of new TextDecoder().decode(bytes).split("\n")) {
          const json = line.slice("data: ".length);
          if (!json.startsWith("{")) continue;
          const text = JSON.parse(json).choices[0].delta.content;
          if (text) yield { type: "text", text };
        }
      }
    },
  };
}

Deno.test("llmConformance finds the faults of a simple adapter", async () => {
  const tests = llmConformanceTests(overChatCompletions(naive), {
    name: "naive",
    tools: false,
    finish: false,
    limitMs: 600,
  });
  const failed: string[] = [];
  for (const { name, ignore, run } of tests) {
    if (!ignore) await run().catch(() => failed.push(name));
  }
  assertEquals(failed, [
    "text is whole when each byte comes alone",
    "a very long reply to a very long conversation is whole",
    "a signal that is aborted before the request ends it with its reason",
    "an abort at any step ends the reply with the signal's reason, and the request",
    "a silent service is given up as soon as the signal says so",
    "a service that falls silent in mid-reply is given up as soon as the signal says so",
    "a reply that is cut off gives its text, and then an error to try again",
    "a connection that breaks off before the reply is an error to try again",
    "a refused key is an error in the service's words, and is not tried again",
    "a request that the service cannot take is an error that is not tried again",
    "a busy service is asked again after as long as it says",
    "a service that asks for a longer wait than a turn allows is an error to try again",
    "a wait for a busy service can be aborted",
    "a broken service is an error to try again, and its recovery is noticed",
    "a body that is no reply is an error",
  ]);
  assertEquals(
    tests.filter(({ ignore }) => ignore).map(({ name }) => name),
    [
      "calls of tools come whole, each with an id of its own",
      "a reply of calls only has no text, and each byte may come alone",
      "the results of tools are taken, those of failed ones too",
      "a reply that reached its limit, or was withheld, ends with the reason",
    ],
  );
  assertThrows(() => llmConformanceTests(undefined!, { name: "none" }), TypeError, "factory");
});
