import { assertEquals, assertInstanceOf } from "@std/assert";
import { createOpenAICompatible } from "npm:@ai-sdk/openai-compatible@3.0.92";
import type { LLMRequest } from "../../../src/inference/llm.ts";
import { aiSdkLLM } from "../../../src/inference/adapters/ai_sdk.ts";
import { InferenceError } from "../../../src/inference/errors.ts";
import { collect, events, refusal, ServiceDouble } from "./_double.ts";

function llm({ baseUrl }: ServiceDouble, options: Parameters<typeof aiSdkLLM>[1] = {}) {
  const provider = createOpenAICompatible({ name: "double", baseURL: baseUrl, includeUsage: true });
  return aiSdkLLM(provider("m"), options);
}

function piece(delta: object, finish_reason: string | null = null): object {
  return { id: "1", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason }] };
}

function ask(change: Partial<LLMRequest> = {}): LLMRequest {
  const { signal } = new AbortController();
  return { messages: [{ role: "user", text: "Hello" }], tools: [], signal, ...change };
}

Deno.test("a model of the AI SDK streams text, calls and usage, and is told everything", async () => {
  await using double = await ServiceDouble.start(events([
    piece({ role: "assistant", content: "One " }),
    piece({ content: "moment." }),
    piece({
      tool_calls: [{
        index: 0,
        id: "c2",
        type: "function",
        function: { name: "look", arguments: '{"far":false}' },
      }],
    }),
    piece({}, "tool_calls"),
    { choices: [], usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 } },
    "[DONE]",
  ]));
  const model = llm(double, { acceptsImages: true, settings: { temperature: 0 } });
  const image = {
    mediaType: "image/png",
    data: Uint8Array.of(1, 2, 3),
    width: 1,
    height: 1,
  } as const;
  const { items, error } = await collect(model.generate(ask({
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
  })));
  assertEquals(error, undefined);
  assertEquals(items, [
    { type: "text", text: "One " },
    { type: "text", text: "moment." },
    { type: "tool-call", call: { id: "c2", name: "look", input: { far: false } } },
    { type: "usage", inputTokens: 9, outputTokens: 4 },
  ]);
  const body = double.requests[0]?.body as Record<string, unknown>;
  assertEquals(body.temperature, 0);
  assertEquals(body.messages, [
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
      content: null,
      tool_calls: [{
        id: "c1",
        type: "function",
        function: { name: "look", arguments: '{"far":true}' },
      }],
    },
    { role: "tool", tool_call_id: "c1", content: "a dot" },
  ]);
  assertEquals(model.metrics?.(), { requests: 1, inputTokens: 9, outputTokens: 4 });
});

Deno.test("the AI SDK asks a busy service again, and its refusals say why", async () => {
  await using double = await ServiceDouble.start(
    refusal(429, "slow down", { "retry-after-ms": "10" }),
    events([piece({ content: "Here." }), piece({}, "stop"), "[DONE]"]),
  );
  const { items } = await collect(llm(double).generate(ask()));
  assertEquals(items[0], { type: "text", text: "Here." });
  for (
    const [status, code, retryable] of [[429, "rate-limited", true], [
      401,
      "unauthorized",
      false,
    ]] as const
  ) {
    await using refusing = await ServiceDouble.start(refusal(status, "no"));
    const { error } = await collect(llm(refusing, { maxRetries: 0 }).generate(ask()));
    assertInstanceOf(error, InferenceError);
    assertEquals([error.code, error.status, error.retryable], [code, status, retryable]);
  }
});

Deno.test("an answer of the AI SDK that breaks off or is malformed is an error", async () => {
  await using cut = await ServiceDouble.start(events([piece({ content: "Half" })], { cut: true }));
  const first = await collect(llm(cut).generate(ask()));
  assertEquals(first.items[0], { type: "text", text: "Half" });
  assertInstanceOf(first.error, InferenceError);
  await using malformed = await ServiceDouble.start(events([piece({ content: "A" }), "{broken"]));
  assertInstanceOf((await collect(llm(malformed).generate(ask()))).error, InferenceError);
});

Deno.test("a slow answer of the AI SDK is aborted, and the service is told", async () => {
  await using double = await ServiceDouble.start(
    events([piece({ content: "Late." })], { beforeMs: 60_000 }),
  );
  const controller = new AbortController();
  const asking = collect(llm(double).generate(ask({ signal: controller.signal })));
  while (double.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  controller.abort(new Error("changed my mind"));
  assertEquals((await asking).error?.message, "changed my mind");
  while (double.abandoned === 0) await new Promise((resolve) => setTimeout(resolve, 5));
});
