/**
 * What services really send at `/chat/completions`, and what they refuse. The chunks are typed by the
 * official `openai` package, so that they do not only agree with ourselves.
 */
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import type {
  ChatCompletionChunk,
  ChatCompletionCreateParamsStreaming,
} from "npm:openai@7.57.0/resources/chat/completions/completions";
import type { LLMPart } from "../../src/inference/contracts/llm.ts";
import type { ToolCall } from "../../src/inference/contracts/messages.ts";
import { openAICompatible } from "../../src/adapters/openai/mod.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import { ask, finished, text } from "./_chat.ts";
import { collect, events, ServiceDouble } from "./_double.ts";

type Choice = ChatCompletionChunk.Choice;
type CallPiece = ChatCompletionChunk.Choice.Delta.ToolCall;
type Reason = Choice["finish_reason"];

function chunk(
  delta: ChatCompletionChunk.Choice.Delta,
  finish_reason: Reason = null,
): ChatCompletionChunk {
  return {
    id: "1",
    created: 1,
    model: "m",
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason }],
  };
}

/** A piece of a call; what the package's type requires may be missing at other services. */
function piece(
  { index, id, name, args }: {
    index?: number;
    id?: string | null;
    name?: string | null;
    args?: string;
  },
): ChatCompletionChunk {
  const call = { index, id, type: "function", function: { name, arguments: args } };
  return chunk({ tool_calls: [call as CallPiece] });
}

const calling = chunk({}, "tool_calls");
const tools = ["look", "book"].map((name) => ({
  name,
  description: name,
  parameters: { type: "object" as const },
}));

/** Returns what a model makes of these events. */
async function read(
  ...list: unknown[]
): Promise<{ items: LLMPart[]; calls: ToolCall[]; error: Error | undefined }> {
  await using double = await ServiceDouble.start(events([...list, "[DONE]"]));
  const llm = openAICompatible({ baseUrl: double.baseUrl }).llm({ model: "m" });
  const { items, error } = await collect(llm.generate(ask({ tools })));
  return { items, error, calls: items.flatMap((one) => one.type === "tool-call" ? one.call : []) };
}

async function named(...list: unknown[]): Promise<unknown[]> {
  const { calls, error } = await read(...list, calling);
  assertEquals(error, undefined);
  assertEquals(new Set(calls.map(({ id }) => id)).size, calls.length, "ids are unique");
  assert(calls.every(({ id }) => id !== ""), "no id is empty");
  return calls.map(({ name, input }) => [name, input]);
}

Deno.test("OpenAIChat puts calls together however a service cuts and numbers them", async () => {
  const two = [["look", { a: 1 }], ["book", { b: 2 }]];
  const repeated = [
    piece({ index: 0, id: "x", name: "look", args: '{"a"' }),
    piece({ index: 0, id: "x", name: "look", args: ":1}" }),
    piece({ index: 1, id: "y", name: "book", args: '{"b":2}' }),
  ];
  assertEquals(await named(...repeated), two, "names and ids in each piece");
  const fromOne = [
    piece({ index: 1, id: "x", name: "look", args: '{"a":1}' }),
    piece({ index: 2, id: "y", name: "book", args: '{"b":2}' }),
  ];
  assertEquals(await named(...fromOne), two, "indexes from 1");
  const allZero = [
    piece({ index: 0, id: "x", name: "look", args: '{"a":' }),
    piece({ index: 0, args: "1}" }),
    piece({ index: 0, id: "y", name: "book", args: '{"b":2}' }),
  ];
  assertEquals(await named(...allZero), two, "all at index 0");
  const zeroAndNoIds = [
    piece({ index: 0, id: "", name: "look", args: '{"a":1}' }),
    piece({ index: 0, id: "", name: "book", args: '{"b":2}' }),
  ];
  assertEquals(await named(...zeroAndNoIds), two, "all at index 0, with empty ids");
  const sameId = [
    piece({ index: 0, id: "call", name: "look", args: '{"a":1}' }),
    piece({ index: 1, id: "call", name: "book", args: '{"b":2}' }),
  ];
  assertEquals(await named(...sameId), two, "one id for both");
  const noIndex = [
    piece({ id: "x", name: "look", args: '{"a":1}' }),
    piece({ name: "book", args: '{"b":2}' }),
  ];
  assertEquals(await named(...noIndex), two, "no index");
  const inPieces = [
    piece({ index: 0, id: "x", name: "lo", args: "" }),
    piece({ index: 0, name: "ok", args: "{}" }),
    piece({ index: 0, name: null, args: '{"a":1}' }),
  ];
  assertEquals(await named(...inPieces), two.slice(0, 1), "a name in pieces, arguments begun anew");
  const without = [piece({ index: 0, id: "x", name: "look" }), piece({ index: 0, name: "book" })];
  assertEquals(await named(...without), [["look", {}], ["book", {}]], "no arguments at all");
});

Deno.test("OpenAIChat gives a call another id when the conversation has it already", async () => {
  await using double = await ServiceDouble.start(
    events([piece({ index: 0, id: "call_0", name: "look", args: "{}" }), calling, "[DONE]"]),
  );
  const llm = openAICompatible({ baseUrl: double.baseUrl }).llm({ model: "m" });
  const earlier: ToolCall = { id: "call_0", name: "look", input: {} };
  const { items } = await collect(llm.generate(ask({
    tools,
    messages: [
      { role: "user", text: "Look." },
      { role: "assistant", text: "", toolCalls: [earlier] },
      { role: "tool", callId: "call_0", name: "look", text: "a dot", isError: false },
    ],
  })));
  assert(items[0]?.type === "tool-call" && items[0].call.id !== "call_0");
  // Mistral's rule, the strictest.
  assert(/^[a-zA-Z0-9]{9}$/.test(items[0].call.id), items[0].call.id);
});

Deno.test("OpenAIChat keeps a reply of which one call has bad arguments", async () => {
  const { items, calls, error } = await read(
    text("Let me see."),
    piece({ index: 0, id: "x", name: "look", args: '{"a":1' }),
    piece({ index: 1, id: "y", name: "book", args: '{"b":2}' }),
    calling,
  );
  assertEquals(error, undefined);
  assertEquals(items[0], { type: "text", text: "Let me see." });
  const [bad, good] = calls;
  assertEquals(good, { id: "y", name: "book", input: { b: 2 } });
  assertEquals([bad?.name, bad?.input], ["look", '{"a":1']);
  assertStringIncludes(bad!.inputError!, '{"a":1');
  // The service gets them back as something that it accepts.
  await using double = await ServiceDouble.start(events([finished, "[DONE]"]));
  const llm = openAICompatible({ baseUrl: double.baseUrl }).llm({ model: "m" });
  const odd = { ...bad!, name: "look around!" };
  await collect(llm.generate(ask({
    messages: [{ role: "assistant", text: "", toolCalls: [odd] }],
  })));
  const { messages } = double.requests[0]!.body as ChatCompletionCreateParamsStreaming;
  const [sent] = messages as { tool_calls: { function: { name: string; arguments: string } }[] }[];
  assertEquals(sent!.tool_calls[0]!.function, {
    name: "look_around_",
    arguments: '{"unreadable":"{\\"a\\":1"}',
  });
});

Deno.test("OpenAIChat reads content that is a list of parts", async () => {
  // As Mistral's reasoning models stream it.
  const content = (parts: object[]) => ({ choices: [{ delta: { content: parts } }] });
  const { items } = await read(
    content([{ type: "thinking", thinking: [{ type: "text", text: "Hm." }] }]),
    content([{ type: "text", text: "Good " }, { type: "text", text: "day." }]),
    finished,
  );
  assertEquals(items, [{ type: "text", text: "Good day." }, { type: "finish", reason: "stop" }]);
});

Deno.test("OpenAIChat ends with the reason, also for a reply that was withheld", async () => {
  const reasons: [reason: string, finish: object][] = [
    ["stop", { reason: "stop" }],
    ["length", { reason: "length" }],
    ["content_filter", { reason: "content-filter" }],
    ["SAFETY", { reason: "content-filter", detail: "SAFETY" }],
    ["MAX_TOKENS", { reason: "length", detail: "MAX_TOKENS" }],
    ["eos_token", { reason: "stop", detail: "eos_token" }],
    ["interrupted", { reason: "other", detail: "interrupted" }],
  ];
  for (const [reason, finish] of reasons) {
    const { items } = await read(chunk({}, reason as Reason));
    assertEquals(items, [{ type: "finish", ...finish } as LLMPart]);
  }
  const { items } = await read(
    chunk({ refusal: "I cannot " }),
    chunk({ refusal: "do that." }),
    chunk({}, "stop"),
  );
  assertEquals(items, [
    { type: "text", text: "I cannot " },
    { type: "text", text: "do that." },
    { type: "finish", reason: "content-filter", detail: "I cannot do that." },
  ]);
});

Deno.test("OpenAIChat counts tokens once where each chunk has the sum so far", async () => {
  const usage = (prompt_tokens: number, completion_tokens: number) => ({
    ...text("A "),
    usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens },
  });
  await using double = await ServiceDouble.start(
    events([usage(9, 1), usage(9, 2), usage(9, 3), finished, "[DONE]"]),
  );
  const llm = openAICompatible({ baseUrl: double.baseUrl }).llm({ model: "m" });
  const { items } = await collect(llm.generate(ask()));
  assertEquals(items.filter(({ type }) => type === "usage"), [
    { type: "usage", inputTokens: 9, outputTokens: 3 },
  ]);
  const { inputTokens, outputTokens } = llm.metrics!();
  assertEquals([inputTokens, outputTokens], [9, 3]);
});

Deno.test("OpenAIChat tells an error inside a stream in the service's words", async () => {
  const errors: [event: unknown, text: string, code: string, retryable: boolean][] = [
    [{ error: { message: "overloaded" } }, "overloaded", "failed", true],
    [{ error: { message: "no such model", code: 404 } }, "no such model", "refused", false],
    [{ error: { message: "slow", code: "429" } }, "slow", "rate-limited", true],
    [{ error: "out of memory" }, "out of memory", "failed", true],
    [{ object: "error", message: "too long", code: 400 }, "too long", "refused", false],
    [{ detail: "worker died" }, "worker died", "failed", true],
    [[{ error: { message: "quota", status: "RESOURCE_EXHAUSTED" } }], "quota", "failed", true],
    [{ error: { message: "failed", metadata: { raw: "GPU lost" } } }, "GPU lost", "failed", true],
    [{ error: { type: "odd" } }, '{"type":"odd"}', "failed", true],
    ["Internal Server Error", "Internal Server Error", "malformed", false],
    [chunk({}, "error" as Reason), "no reason given", "failed", true],
  ];
  for (const [event, message, code, retryable] of errors) {
    const { items, error } = await read(text("A"), event);
    assertEquals(items, [{ type: "text", text: "A" }]);
    assertInstanceOf(error, InferenceError);
    assertStringIncludes(error.message, message);
    assertEquals([error.code, error.retryable], [code, retryable], message);
  }
});

Deno.test("OpenAIChat returns what a service wants back with its calls", async () => {
  // Gemini 3's signature by its OpenAI interface, DeepSeek's and OpenRouter's reasoning.
  const extra_content = { google: { thought_signature: "c2ln" } };
  const signed = {
    choices: [{
      index: 0,
      delta: {
        tool_calls: [{
          index: 0,
          id: "x",
          type: "function",
          function: { name: "look", arguments: "{}" },
          extra_content,
        }],
      },
    }],
  };
  const thinking = (delta: object) => ({ choices: [{ index: 0, delta }] });
  const detail = (text: string, more: object = {}) =>
    thinking({ reasoning_details: [{ type: "reasoning.text", index: 0, text, ...more }] });
  const { calls } = await read(
    thinking({ reasoning_content: "Where " }),
    thinking({ reasoning_content: "is it?" }),
    detail("Per"),
    detail("haps", { signature: "s" }),
    signed,
    piece({ index: 1, id: "y", name: "book", args: "{}" }),
    calling,
  );
  await using double = await ServiceDouble.start(events([finished, "[DONE]"]));
  const llm = openAICompatible({ baseUrl: double.baseUrl }).llm({ model: "m" });
  await collect(llm.generate(ask({
    messages: [{ role: "assistant", text: "", toolCalls: calls }],
  })));
  assertEquals((double.requests[0]!.body as { messages: object[] }).messages, [{
    role: "assistant",
    content: "",
    reasoning_content: "Where is it?",
    reasoning_details: [
      { type: "reasoning.text", index: 0, text: "Perhaps", signature: "s" },
    ],
    tool_calls: [
      { id: "x", type: "function", function: { name: "look", arguments: "{}" }, extra_content },
      { id: "y", type: "function", function: { name: "book", arguments: "{}" } },
    ],
  }]);
  // What another adapter kept is not sent.
  const foreign = { id: "z", name: "look", input: {}, metadata: { aiSdk: { before: [] } } };
  await collect(llm.generate(ask({
    messages: [{ role: "assistant", text: "", toolCalls: [foreign] }],
  })));
  assertEquals((double.requests[1]!.body as { messages: object[] }).messages, [{
    role: "assistant",
    content: "",
    tool_calls: [{ id: "z", type: "function", function: { name: "look", arguments: "{}" } }],
  }]);
});

Deno.test("OpenAIChat sends its options, and no stream_options where they are not wanted", async () => {
  await using double = await ServiceDouble.start(events([finished, "[DONE]"]));
  const llm = openAICompatible({ baseUrl: double.baseUrl }).llm({
    model: "m",
    includeUsage: false,
    reasoningEffort: "low",
    providerOptions: { temperature: 0.5, max_completion_tokens: 300 },
  });
  await collect(llm.generate(ask()));
  const body = double.requests[0]!.body as ChatCompletionCreateParamsStreaming;
  const sent: ChatCompletionCreateParamsStreaming = {
    model: "m",
    stream: true,
    messages: [{ role: "user", content: "Hello" }],
    reasoning_effort: "low",
    temperature: 0.5,
    max_completion_tokens: 300,
  };
  assertEquals(body, sent);
});

Deno.test("OpenAIChat takes a reply as complete that breaks off after its reason", async () => {
  await using double = await ServiceDouble.start(
    events([text("Here."), finished], { cut: true }),
  );
  const llm = openAICompatible({ baseUrl: double.baseUrl }).llm({ model: "m" });
  const { items, error } = await collect(llm.generate(ask()));
  assertEquals(error, undefined);
  assertEquals(items.at(-1), { type: "finish", reason: "stop" });
});

Deno.test("OpenAIChat takes a reply without a reason for incomplete, unless it calls tools", async () => {
  // The server of llama-cpp-python ends a reply so when the next request comes.
  const { items, error } = await read(chunk({ content: "Half an " }));
  assertEquals(error, undefined);
  assertEquals(items, [
    { type: "text", text: "Half an " },
    { type: "finish", reason: "other", detail: "the service gave no reason" },
  ]);
  const calls = await read(piece({ index: 0, id: "x", name: "look", args: "{}" }));
  assertEquals(calls.items.at(-1), { type: "finish", reason: "tool-calls" });
});

Deno.test("OpenAIChat says where to look when a service accepts a request and ends without a word", async () => {
  await using double = await ServiceDouble.start(events([]));
  const { error } = await collect(
    openAICompatible({ baseUrl: double.baseUrl }).llm({ model: "m" }).generate(ask()),
  );
  assertInstanceOf(error, InferenceError);
  assertEquals([error.code, error.retryable], ["cut-off", true]);
  assertStringIncludes(error.message, "before it began: the service's own log may say why");
});

Deno.test("OpenAIChat sends no half of a character, with which a text that was cut may end", async () => {
  await using double = await ServiceDouble.start(events([finished, "[DONE]"]));
  const half = "So \ud83d";
  const llm = openAICompatible({ baseUrl: double.baseUrl }).llm({
    model: "m",
    providerOptions: { user: half },
  });
  await collect(llm.generate(ask({
    messages: [
      { role: "user", text: half },
      { role: "assistant", text: half, toolCalls: [{ id: "c", name: "look", input: { half } }] },
      { role: "tool", callId: "c", name: "look", text: half, isError: false },
      { role: "user", text: "Whole: \u{1f642}" },
    ],
  })));
  const body = JSON.stringify(double.requests[0]?.body);
  assert(body.isWellFormed());
  assertEquals(body.match(/\\ud83d/i), null);
  assertEquals(body.split("So \ufffd").length - 1, 5);
  assertStringIncludes(body, "Whole: \u{1f642}");
});

Deno.test("a response that is no stream is read all the same, or its reason is told", async () => {
  const reply = {
    choices: [{
      index: 0,
      finish_reason: "stop",
      message: { role: "assistant", content: "Hello." },
    }],
    usage: { prompt_tokens: 3, completion_tokens: 1 },
  };
  const bodies: [string | object, LLMPart[], string?][] = [
    [reply, [
      { type: "text", text: "Hello." },
      { type: "usage", inputTokens: 3, outputTokens: 1 },
      { type: "finish", reason: "stop" },
    ]],
    [{ error: { message: "Insufficient credits", code: 402 } }, [], "failed: Insufficient credits"],
    [{ base_resp: { status_msg: "login fail" } }, [], 'no stream of events: {"base_resp"'],
    ["<html>Sign in</html>", [], "no stream of events: <html>Sign in</html>"],
    ["", [], "cut off before it began"],
  ];
  for (const [body, expected, message] of bodies) {
    const response = () =>
      typeof body === "string" ? new Response(body) : Response.json(body, { status: 200 });
    await using double = await ServiceDouble.start(response);
    const llm = openAICompatible({ baseUrl: double.baseUrl, maxTries: 1 }).llm({ model: "m" });
    const { items, error } = await collect(llm.generate(ask()));
    assertEquals(items, expected);
    if (message === undefined) assertEquals(error, undefined);
    else assertStringIncludes(error!.message, message);
  }
});

Deno.test("arguments as an object, numbers as texts and another count of tokens cost no reply", async () => {
  const odd = {
    index: "0",
    id: 7,
    type: "function",
    function: { name: "look", arguments: { far: true } },
  };
  const { calls, error } = await read(
    chunk({ tool_calls: [odd as unknown as CallPiece] }),
    { ...calling, usage: { prompt_tokens: "3" } },
  );
  assertEquals(error, undefined);
  assertEquals(calls.map(({ id, name, input }) => [id, name, input]), [["7", "look", {
    far: true,
  }]]);
});
