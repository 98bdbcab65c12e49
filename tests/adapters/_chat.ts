import { delay } from "@std/async/delay";
import { assertEquals } from "@std/assert";
import type { LLM, LLMRequest } from "../../src/inference/contracts/llm.ts";
import { request as ask } from "../../src/testing/conformance/models/llm_fixture.ts";
import { collect, events, ServiceDouble } from "./_double.ts";

export { ask };

/** A piece of an answer, as `/chat/completions` streams it. */
export function piece(delta: object, finish_reason: string | null = null): object {
  return { id: "1", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason }] };
}

/** A piece of an answer's text. */
export function text(content: string): object {
  return piece({ content });
}

/** The last piece of an answer. */
export const finished = piece({}, "stop");

/** A request with everything that can be in one. */
export function askEverything(): LLMRequest {
  const image = {
    mediaType: "image/png" as const,
    data: Uint8Array.of(1, 2, 3),
    width: 1,
    height: 1,
  };
  return ask({
    messages: [
      { role: "system", text: "Be brief." },
      { role: "user", text: "What is this?", images: [image] },
      {
        role: "assistant",
        text: "",
        toolCalls: [{ id: "c1", name: "look", input: { far: true } }],
      },
      { role: "tool", callId: "c1", name: "look", text: "a dot", isError: false },
    ],
    tools: [{ name: "look", description: "Looks", parameters: { type: "object" } }],
  });
}

/** The messages of {@linkcode askEverything} as they are sent, by how an empty text is. */
export function sentMessages(emptyText: "" | null): object[] {
  return [
    { role: "system", content: "Be brief." },
    {
      role: "user",
      content: [
        { type: "text", text: "What is this?" },
        { type: "image_url", image_url: { url: "data:image/png;base64,AQID" } },
      ],
    },
    {
      role: "assistant",
      content: emptyText,
      tool_calls: [{
        id: "c1",
        type: "function",
        function: { name: "look", arguments: '{"far":true}' },
      }],
    },
    { role: "tool", tool_call_id: "c1", content: "a dot" },
  ];
}

/** Aborts a request whose answer has not begun, and waits until the service knows. */
export async function abortSlowReply(llm: (service: ServiceDouble) => LLM): Promise<void> {
  await using double = await ServiceDouble.start(events([text("Late.")], { beforeMs: 60_000 }));
  const controller = new AbortController();
  const asking = collect(llm(double).generate(ask({ signal: controller.signal })));
  while (double.requests.length === 0) await delay(5);
  controller.abort(new Error("changed my mind"));
  assertEquals((await asking).error?.message, "changed my mind");
  while (double.abandoned === 0) await delay(5);
}
