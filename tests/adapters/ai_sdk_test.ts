import { assertEquals, assertInstanceOf } from "@std/assert";
import { createOpenAICompatible } from "npm:@ai-sdk/openai-compatible@3.0.92";
import { aiSdkLLM } from "../../src/adapters/ai_sdk/mod.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import {
  abortSlowReply,
  ask,
  askEverything,
  finished,
  piece,
  sentMessages,
  text,
} from "./_chat.ts";
import { collect, events, refusal, ServiceDouble } from "./_double.ts";

function llm({ baseUrl }: ServiceDouble, options: Parameters<typeof aiSdkLLM>[1] = {}) {
  const provider = createOpenAICompatible({ name: "double", baseURL: baseUrl, includeUsage: true });
  return aiSdkLLM(provider("m"), options);
}

Deno.test("aiSdkLLM streams text, calls and usage, and sends the whole conversation", async () => {
  await using double = await ServiceDouble.start(events([
    piece({ role: "assistant", content: "One " }),
    text("moment."),
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
  const { items, error } = await collect(model.generate(askEverything()));
  assertEquals(error, undefined);
  assertEquals(items, [
    { type: "text", text: "One " },
    { type: "text", text: "moment." },
    { type: "tool-call", call: { id: "c2", name: "look", input: { far: false } } },
    { type: "usage", inputTokens: 9, outputTokens: 4 },
    { type: "finish", reason: "tool-calls" },
  ]);
  const body = double.requests[0]?.body as Record<string, unknown>;
  assertEquals(body.temperature, 0);
  assertEquals(body.messages, sentMessages(null));
  // OpenAI refuses one without properties.
  const [tool] = body.tools as { function: { parameters: object } }[];
  assertEquals(tool!.function.parameters, { type: "object", properties: {} });
  assertEquals(model.metrics?.(), { requests: 1, inputTokens: 9, outputTokens: 4 });
});

Deno.test("aiSdkLLM retries a busy service, and its rejections say why", async () => {
  await using double = await ServiceDouble.start(
    refusal(429, "slow down", { "retry-after-ms": "10" }),
    events([text("Here."), finished, "[DONE]"]),
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

Deno.test("aiSdkLLM throws for a reply that breaks off or is malformed", async () => {
  await using cut = await ServiceDouble.start(events([text("Half")], { cut: true }));
  const first = await collect(llm(cut).generate(ask()));
  assertEquals(first.items[0], { type: "text", text: "Half" });
  assertInstanceOf(first.error, InferenceError);
  await using malformed = await ServiceDouble.start(events([text("A"), "{broken"]));
  assertInstanceOf((await collect(llm(malformed).generate(ask()))).error, InferenceError);
});

Deno.test("aiSdkLLM aborts a slow reply, and its request", () => abortSlowReply(llm));

Deno.test("aiSdkLLM sends no half of a character, with which a text that was cut may end", async () => {
  await using double = await ServiceDouble.start(events([text("Here."), finished, "[DONE]"]));
  const half = "So \ud83d";
  await collect(
    llm(double).generate(ask({
      messages: [
        { role: "system", text: half },
        { role: "user", text: half },
        { role: "assistant", text: half, toolCalls: [{ id: "c", name: "look", input: {} }] },
        { role: "tool", callId: "c", name: "look", text: half, isError: false },
      ],
    })),
  );
  const body = JSON.stringify(double.requests[0]?.body);
  assertEquals(body.match(/\\ud83d/i), null);
  assertEquals(body.split("So \ufffd").length - 1, 4);
});

Deno.test("aiSdkLLM says why a server with FastAPI's form of errors refused", async () => {
  const refuse = (body: unknown) => () => Response.json(body, { status: 422 });
  const message = async (body: unknown) => {
    await using double = await ServiceDouble.start(refuse(body));
    const { error } = await collect(llm(double).generate(ask()));
    assertInstanceOf(error, InferenceError);
    assertEquals([error.code, error.status, error.retryable], ["refused", 422, false]);
    return error.message;
  };
  assertEquals(
    await message({ detail: "Unsupported input item type: 'item_reference'" }),
    "ai-sdk: Unprocessable Entity: Unsupported input item type: 'item_reference'",
  );
  assertEquals(
    await message({ detail: [{ loc: ["body"], msg: "Field required" }] }),
    'ai-sdk: Unprocessable Entity: [{"loc":["body"],"msg":"Field required"}]',
  );
  assertEquals(await message("no"), "ai-sdk: Unprocessable Entity");
  assertEquals(await message({ error: { message: "no" } }), "ai-sdk: no");
});

Deno.test("aiSdkLLM tells no tokens of a service that does not count them", async () => {
  await using double = await ServiceDouble.start(events([text("Hello."), finished, "[DONE]"]));
  const provider = createOpenAICompatible({ name: "double", baseURL: double.baseUrl });
  const { items } = await collect(aiSdkLLM(provider("m")).generate(ask()));
  assertEquals(items.map(({ type }) => type), ["text", "finish"]);
});
