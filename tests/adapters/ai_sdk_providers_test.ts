/**
 * Official providers of the AI SDK in front of a double: what they want back between rounds of tools,
 * and what they say of keys, refusals and waits. The double's events are typed by the vendors' packages.
 */
import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { createGoogle } from "npm:@ai-sdk/google@4.0.121";
import { createOpenAI } from "npm:@ai-sdk/openai@4.0.118";
import { jsonSchema, type LanguageModel, stepCountIs, streamText, tool } from "npm:ai@7.0.173";
import type {
  ResponseFunctionToolCallItem,
  ResponseReasoningItem,
  ResponseStreamEvent,
} from "npm:openai@7.57.0/resources/responses/responses";
import { aiSdkLLM } from "../../src/adapters/ai_sdk/mod.ts";
import { systemClock } from "../../src/events/clock.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import type { LLMPart } from "../../src/inference/contracts/llm.ts";
import type { ChatMessage } from "../../src/inference/contracts/messages.ts";
import { Fixture } from "../inference/_fixture.ts";
import { ask, text } from "./_chat.ts";
import { collect, events, refusal, ServiceDouble } from "./_double.ts";

const look = { name: "look", description: "Looks", parameters: { type: "object" as const } };
const { signal } = new AbortController();

/** Returns the conversation after a round of tools that began so. */
function answered(items: readonly LLMPart[], change: (text: string) => string): ChatMessage[] {
  const text = items.map((one) => one.type === "text" ? one.text : "").join("");
  const toolCalls = items.flatMap((one) => one.type === "tool-call" ? one.call : []);
  return [
    { role: "user", text: "Where is it?" },
    // As the metadata would be kept in a transcript.
    { role: "assistant", text: change(text), toolCalls: JSON.parse(JSON.stringify(toolCalls)) },
    ...toolCalls.map(({ id, name }) => ({
      role: "tool" as const,
      callId: id,
      name,
      text: "here",
      isError: false,
    })),
  ];
}

const reasoning: ResponseReasoningItem = {
  type: "reasoning",
  id: "rs_1",
  summary: [],
  encrypted_content: "secret",
};
const call: ResponseFunctionToolCallItem = {
  type: "function_call",
  id: "fc_1",
  call_id: "call_1",
  name: "look",
  arguments: "{}",
  status: "completed",
};

/** The events of a reply by `/responses`: it reasons, announces, and calls a tool. */
function responseEvents(): Partial<ResponseStreamEvent>[] {
  const message = { type: "message" as const, id: "msg_1", role: "assistant" as const };
  const response = { id: "resp_1", object: "response", created_at: 1, model: "m" };
  const usage = {
    input_tokens: 9,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 4,
    output_tokens_details: { reasoning_tokens: 2 },
    total_tokens: 13,
  };
  const list: object[] = [
    { type: "response.created", response },
    { type: "response.output_item.added", output_index: 0, item: { ...reasoning } },
    { type: "response.output_item.done", output_index: 0, item: reasoning },
    {
      type: "response.output_item.added",
      output_index: 1,
      item: { ...message, status: "in_progress", content: [] },
    },
    {
      type: "response.output_text.delta",
      item_id: "msg_1",
      output_index: 1,
      content_index: 0,
      delta: "Let me look.",
    },
    {
      type: "response.output_item.done",
      output_index: 1,
      item: {
        ...message,
        status: "completed",
        content: [{ type: "output_text", text: "Let me look.", annotations: [] }],
      },
    },
    {
      type: "response.output_item.added",
      output_index: 2,
      item: { ...call, arguments: "", status: "in_progress" },
    },
    {
      type: "response.function_call_arguments.done",
      item_id: "fc_1",
      output_index: 2,
      name: "look",
      arguments: "{}",
    },
    { type: "response.output_item.done", output_index: 2, item: call },
    { type: "response.completed", response: { ...response, status: "completed", usage } },
  ];
  return list.map((event, sequence_number) => ({ ...event, sequence_number }));
}

/** Has the SDK itself call the tool, and returns the bodies of its two requests. */
async function ownRounds(
  double: ServiceDouble,
  model: LanguageModel,
  providerOptions?: Parameters<typeof streamText>[0]["providerOptions"],
): Promise<unknown> {
  const { description, parameters } = look;
  const { fullStream } = streamText({
    model,
    prompt: "Where is it?",
    tools: {
      look: tool({ description, inputSchema: jsonSchema(parameters), execute: () => "here" }),
    },
    stopWhen: stepCountIs(2),
    providerOptions,
  });
  for await (const part of fullStream) if (part.type === "error") throw part.error;
  return double.requests.at(-1)!.body;
}

Deno.test("OpenAI's reasoning items are sent back as the SDK itself sends them", async () => {
  for (const store of [true, false]) {
    await using double = await ServiceDouble.start(events(responseEvents()));
    const model = createOpenAI({ baseURL: double.baseUrl, apiKey: "key" })("gpt-5.2");
    const providerOptions = { openai: { store } };
    const llm = aiSdkLLM(model, { providerOptions });
    const { items, error } = await collect(llm.generate(ask({ tools: [look] })));
    assertEquals(error, undefined);
    assertEquals(items.map(({ type }) => type), ["text", "tool-call", "usage", "finish"]);
    const input = async (change: (text: string) => string) => {
      await collect(llm.generate(ask({ tools: [look], messages: answered(items, change) })));
      return (double.requests.at(-1)!.body as { input: Record<string, unknown>[] }).input;
    };
    // As it was said, with the line break that ends an announcement.
    const whole = await input((text) => `${text}\n`);
    const own = await ownRounds(double, model, providerOptions);
    assertEquals(whole, (own as { input: unknown }).input as typeof whole);
    assertEquals(JSON.stringify(whole).includes(store ? "rs_1" : "secret"), true);
    // Cut by an interruption: the text is another one than the service's own.
    const cut = await input(() => "Let me");
    assertEquals(JSON.stringify(cut).includes("msg_1"), false);
    assertEquals(JSON.stringify(cut).includes(store ? "rs_1" : "secret"), true);
  }
});

Deno.test("Gemini's thought signatures are sent back as the SDK itself sends them", async () => {
  const part = { functionCall: { id: "call_1", name: "look", args: {} }, thoughtSignature: "c2ln" };
  const parts = [{ text: "Thinking.", thought: true, thoughtSignature: "dG9v" }, part];
  const candidate = { content: { role: "model", parts }, finishReason: "STOP", index: 0 };
  const usageMetadata = { promptTokenCount: 9, candidatesTokenCount: 4, totalTokenCount: 13 };
  await using double = await ServiceDouble.start(
    events([{ candidates: [candidate], usageMetadata }]),
  );
  const model = createGoogle({ baseURL: double.baseUrl, apiKey: "key" })("gemini-3-pro-preview");
  const llm = aiSdkLLM(model);
  const { items, error } = await collect(llm.generate(ask({ tools: [look] })));
  assertEquals(error, undefined);
  await collect(llm.generate(ask({ tools: [look], messages: answered(items, (text) => text) })));
  const { contents } = double.requests[1]!.body as { contents: unknown[] };
  assertEquals(contents, (await ownRounds(double, model) as { contents: unknown[] }).contents);
  assertEquals(JSON.stringify(contents).includes("c2ln"), true);
});

Deno.test("what Gemini wants back with a text is sent back, if all of it was heard", async () => {
  const parts = [{ text: "It is " }, { text: "there.", thoughtSignature: "c2ln" }];
  const candidate = { content: { role: "model", parts }, finishReason: "STOP", index: 0 };
  const usageMetadata = { promptTokenCount: 9, candidatesTokenCount: 4, totalTokenCount: 13 };
  await using double = await ServiceDouble.start(
    events([{ candidates: [candidate], usageMetadata }]),
  );
  const model = createGoogle({ baseURL: double.baseUrl, apiKey: "key" })("gemini-3-pro-preview");
  await using fixture = await Fixture.set({ agent: { llm: aiSdkLLM(model), clock: systemClock } });
  const { agent } = fixture;
  await agent.text("Where is it?");
  await agent.text("And now?");
  const { contents } = double.requests.at(-1)!.body as { contents: unknown[] };
  // As the SDK's own messages have it.
  const { response } = streamText({ model, prompt: "Where is it?" });
  const own = streamText({
    model,
    messages: [
      { role: "user", content: "Where is it?" },
      ...(await response).messages,
      { role: "user", content: "And now?" },
    ],
  });
  for await (const part of own.fullStream) if (part.type === "error") throw part.error;
  assertEquals(contents, (double.requests.at(-1)!.body as { contents: unknown[] }).contents);
  assertEquals(JSON.stringify(contents).includes("c2ln"), true);
});

Deno.test("aiSdkLLM ends a reply that a provider withholds with the reason", async () => {
  const candidate = { content: { role: "model", parts: [] }, finishReason: "SAFETY", index: 0 };
  await using double = await ServiceDouble.start(events([{ candidates: [candidate] }]));
  const google = createGoogle({ baseURL: double.baseUrl, apiKey: "key" });
  const { items } = await collect(aiSdkLLM(google("gemini-3-pro-preview")).generate(ask()));
  assertEquals(items.at(-1), { type: "finish", reason: "content-filter", detail: "SAFETY" });
});

Deno.test("aiSdkLLM keeps a reply of which one call's arguments are cut off", async () => {
  const delta = {
    content: "One moment.",
    tool_calls: [
      { index: 0, id: "a", type: "function", function: { name: "look", arguments: '{"far":' } },
      { index: 1, id: "b", type: "function", function: { name: "look", arguments: "{}" } },
    ],
  };
  const choice = { index: 0, delta, finish_reason: "tool_calls" };
  await using double = await ServiceDouble.start(
    events([{ id: "1", created: 1, model: "m", choices: [choice] }, "[DONE]"]),
  );
  const openai = createOpenAI({ baseURL: double.baseUrl, apiKey: "key" });
  const llm = aiSdkLLM(openai.chat("gpt-5.2"));
  const { items, error } = await collect(llm.generate(ask({ tools: [look] })));
  assertEquals(error, undefined);
  const calls = items.flatMap((one) => one.type === "tool-call" ? one.call : []);
  assertEquals(calls.map(({ id, inputError }) => [id, inputError !== undefined]), [
    ["a", true],
    ["b", false],
  ]);
});

Deno.test("aiSdkLLM rejects a provider without a key at the start, and does not ask one with a key", async () => {
  const context = { clock: systemClock, logger: silentLogger, signal };
  const start = (apiKey: string | undefined) => {
    const openai = createOpenAI({ baseURL: "http://127.0.0.1:1/v1", apiKey });
    return aiSdkLLM(openai("gpt-5.2")).start!(context) as Promise<void>;
  };
  const known = Deno.env.get("OPENAI_API_KEY");
  Deno.env.delete("OPENAI_API_KEY");
  try {
    const error = await assertRejects(() => start(undefined), InferenceError);
    assertEquals([error.code, error.retryable], ["no-key", false]);
    await start("key");
  } finally {
    if (known !== undefined) Deno.env.set("OPENAI_API_KEY", known);
  }
});

Deno.test("aiSdkLLM waits no longer than the turn allows", async () => {
  await using long = await ServiceDouble.start(refusal(429, "busy", { "retry-after": "30" }));
  const openai = createOpenAI({ baseURL: long.baseUrl, apiKey: "key" });
  const given = await collect(aiSdkLLM(openai.chat("gpt-5.2")).generate(ask()));
  assertInstanceOf(given.error, InferenceError);
  assertEquals([given.error.code, given.error.retryable], ["rate-limited", true]);
  assertEquals(long.requests.length, 1);
  await using short = await ServiceDouble.start(
    refusal(429, "busy", { "retry-after-ms": "20" }),
    events([{ ...text("Here."), object: "chat.completion.chunk" }, "[DONE]"]),
  );
  const again = createOpenAI({ baseURL: short.baseUrl, apiKey: "key" });
  const { items } = await collect(aiSdkLLM(again.chat("gpt-5.2")).generate(ask()));
  assertEquals(items[0], { type: "text", text: "Here." });
});

Deno.test("aiSdkLLM reports an error inside a stream in the service's words", async () => {
  await using double = await ServiceDouble.start(
    events([{ error: { message: "the model is overloaded", type: "server_error" } }]),
  );
  const openai = createOpenAI({ baseURL: double.baseUrl, apiKey: "key" });
  const { error } = await collect(
    aiSdkLLM(openai.chat("gpt-5.2"), { maxRetries: 0 }).generate(ask()),
  );
  assertInstanceOf(error, InferenceError);
  assertEquals(error.message, "ai-sdk: the model is overloaded");
  assertEquals(error.retryable, true);
});
