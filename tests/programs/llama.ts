/**
 * `deno task adapters:programs`: a real model behind the server of `llama-cpp-python` takes the requests of our
 * adapter of OpenAI's interface, and an agent replies by it.
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { metrics } from "npm:@opentelemetry/api@1.10.0";
import { Agent, IncompleteReplyEvent, ModelResponseEvent } from "@ringline/edge";
import { recordTelemetry } from "@ringline/edge/telemetry";
import { FakeSTT, FakeTTS, FakeVAD, MemoryEdge } from "@ringline/edge/testing";
import { type ChatModelOptions, openAICompatible } from "../../src/adapters/openai/mod.ts";
import { systemClock } from "../../src/events/clock.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import type { LLM, LLMPart } from "../../src/inference/contracts/llm.ts";
import type { ToolDescription } from "../../src/inference/contracts/tool.ts";
import { ask } from "../adapters/_chat.ts";
import { collect } from "../adapters/_double.ts";
import { until } from "../fixtures/until.ts";
import { KEY, type Llama, startLlama } from "./_llama.ts";
import { assertGivesUp } from "./_unwanted.ts";
import { textOf } from "../../src/testing/conformance/models/llm_fixture.ts";

const tools: ToolDescription[] = [{
  name: "get_time",
  description: "The time of day in a city",
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
  },
}];
const QUESTION = "What time is it in Paris?";
/** The server's words for a reply that does not end by itself. */
const ENDLESS = { min_tokens: 1900, max_tokens: 1900 };

/** A model that always says the same, within 40 tokens unless there is more in `providerOptions`. */
function chat(
  { baseUrl }: Llama,
  providerOptions: ChatModelOptions["providerOptions"] = {},
  service: { apiKey?: string; maxTries?: number } = {},
): LLM {
  return openAICompatible({ baseUrl, apiKey: KEY, maxTries: 1, ...service }).llm({
    model: "smollm2",
    providerOptions: { temperature: 0, max_tokens: 40, ...providerOptions },
  });
}

const user = (text: string) => ({ messages: [{ role: "user" as const, text }] });

async function reply(llm: LLM, request: Parameters<typeof ask>[0]): Promise<LLMPart[]> {
  const { items, error } = await collect(llm.generate(ask(request)));
  assertEquals(error, undefined);
  return items;
}

async function failure(llm: LLM, request: Parameters<typeof ask>[0]): Promise<InferenceError> {
  const { items, error } = await collect(llm.generate(ask(request)));
  assertEquals(items, []);
  assertInstanceOf(error, InferenceError);
  return error;
}

Deno.test("a llama-cpp-python server takes what the adapter of OpenAI's interface sends", async (t) => {
  await using server = await startLlama({ api_key: KEY });

  await t.step("its key is checked when an agent starts", async () => {
    const lines: string[] = [];
    const logger = { ...silentLogger, debug: (line: string) => void lines.push(line) };
    const context = { clock: systemClock, logger, signal: AbortSignal.timeout(60_000) };
    await chat(server).start!(context);
    assertEquals(lines, []);
    const wrong = chat(server, {}, { apiKey: "sk-wrong" });
    const error = await assertRejects(() => wrong.start!(context) as Promise<void>, InferenceError);
    assertEquals([error.code, error.status], ["unauthorized", 401]);
    assertStringIncludes(error.message, "Invalid API key");
  });

  await t.step("a reply comes as it is written, with its end and without usage", async () => {
    const llm = chat(server, { max_tokens: 100 });
    const began = performance.now();
    let firstMs: number | undefined;
    const parts: LLMPart[] = [];
    for await (const part of llm.generate(ask(user("Write a story about a dog.")))) {
      firstMs ??= performance.now() - began;
      parts.push(part);
    }
    assertLess(firstMs!, 0.8 * (performance.now() - began));
    assert(parts.length > 10, "in pieces");
    assertMatch(textOf(parts), /dog/);
    assert(parts.every(({ type }) => type !== "usage"), JSON.stringify(parts));
    assertEquals(llm.metrics!(), {
      requests: 1,
      retries: 0,
      failures: 0,
      inputTokens: 0,
      outputTokens: 0,
    });
  });

  await t.step("the model ends a reply by itself, or at the limit of tokens", async () => {
    const whole = await reply(chat(server, { max_tokens: 200 }), user("Say hello."));
    assertEquals(whole.at(-1), { type: "finish", reason: "stop" });
    const cut = await reply(chat(server, { max_tokens: 5 }), user("Write a story."));
    assertEquals(cut.at(-1), { type: "finish", reason: "length" });
  });

  await t.step("it is given what was said before", async () => {
    const repeated = ["blue", "green", "red"].flatMap((text) => [
      { role: "user" as const, text: `Repeat: ${text}` },
      { role: "assistant" as const, text },
    ]);
    const messages = [
      { role: "system" as const, text: "Repeat the word." },
      ...repeated,
      { role: "user" as const, text: "Repeat: yellow" },
    ];
    assertEquals(textOf(await reply(chat(server), { messages })).trim().toLowerCase(), "yellow");
  });

  await t.step("it calls a tool that is demanded, and is given the result", async () => {
    const choice = { tool_choice: { type: "function", function: { name: "get_time" } } };
    const parts = await reply(chat(server, choice), { ...user(QUESTION), tools });
    assertEquals(parts.map(({ type }) => type), ["tool-call", "finish"]);
    const [{ call }] = parts as [Extract<LLMPart, { type: "tool-call" }>];
    assertEquals([call.name, Object.keys(call.input as object)], ["get_time", ["city"]]);
    assertEquals(parts.at(-1), { type: "finish", reason: "tool-calls" });
    const messages = [
      ...user(QUESTION).messages,
      { role: "assistant" as const, text: "", toolCalls: [call] },
      { role: "tool" as const, callId: call.id, name: call.name, text: "Noon.", isError: false },
    ];
    assertMatch(textOf(await reply(chat(server), { messages, tools })), /noon/i);
  });

  await t.step("it does not read tools without tool_choice", async () => {
    const parts = await reply(chat(server), { ...user(QUESTION), tools });
    assert(parts.every(({ type }) => type !== "tool-call"));
    assert(textOf(parts) !== "");
  });

  await t.step(
    "characters of all kinds, half ones too, and no text at all are replied to",
    async () => {
      for (const text of ["Grüße, 你好, 🙂‍↔️, \u0000, \u{10ffff}", "A half: \ud83d", ""]) {
        assertEquals((await reply(chat(server), user(text))).at(-1)?.type, "finish");
      }
      assertEquals((await reply(chat(server), { messages: [] })).at(-1)?.type, "finish");
    },
  );

  await t.step(
    "a conversation longer than its context is cut off, and the next one is not",
    async () => {
      // The server begins its response before it reads the conversation, and keeps the reason to itself.
      const error = await failure(chat(server), user("word ".repeat(20_000)));
      assertEquals([error.code, error.retryable], ["cut-off", true]);
      assertStringIncludes(error.message, "longer than the model's context");
      await until("its log says why", () => server.log().includes("exceed context window of 2048"));
      await reply(chat(server), user("Say hello."));
    },
  );

  await t.step("what it refuses has its words, after the tries of a server error", async () => {
    const llm = chat(server, { temperature: "hot" }, { maxTries: 2 });
    const error = await failure(llm, user("Hello."));
    assertEquals([error.code, error.status], ["refused", 500]);
    assertStringIncludes(error.message, "'temperature'), 'msg': 'Input should be a valid number");
    assertEquals(llm.metrics!().retries, 1);
    const missing = await failure(
      chat({ ...server, baseUrl: `${server.baseUrl}/none` }),
      user("Hello."),
    );
    assertEquals([missing.code, missing.status], ["refused", 404]);
    assertStringIncludes(missing.message, "Not Found");
  });

  await t.step(
    "it ends a reply when it is asked again, and that is not taken as complete",
    async () => {
      const parts: LLMPart[] = [];
      let second: Promise<LLMPart[]> | undefined;
      for await (const part of chat(server, ENDLESS).generate(ask(user("Write a long story.")))) {
        parts.push(part);
        if (parts.length === 5) second = reply(chat(server), user("Say hello."));
      }
      assertLess(parts.length, 1900);
      const detail = "the service gave no reason";
      assertEquals(parts.at(-1), { type: "finish", reason: "other", detail });
      assertEquals((await second)?.at(-1)?.type, "finish");
    },
  );
});

Deno.test("a llama-cpp-python server stops writing a reply that is not wanted any more", async () => {
  // By default each request ends the one before, wanted or not.
  await using server = await startLlama({ api_key: KEY, interrupt_requests: "false" });
  const hello = () => reply(chat(server, { max_tokens: 1 }), user("Say hello."));
  await hello();
  await assertGivesUp(chat(server, ENDLESS), { text: "Write a long story.", next: hello });
});

Deno.test("an agent replies by a model that tells no usage, and knows when it was cut short", async () => {
  await using server = await startLlama({ api_key: KEY });
  const records: [name: string, value: number][] = [];
  const add = (name: string) => {
    const record = (value: number) => void records.push([name, value]);
    return { add: record, record };
  };
  metrics.setGlobalMeterProvider({
    getMeter: () => ({
      createCounter: add,
      createUpDownCounter: add,
      createHistogram: add,
      createGauge: add,
    } as never),
  });
  using _disable = { [Symbol.dispose]: () => metrics.disable() };
  await using edge = new MemoryEdge();
  const agent = new Agent({
    edge,
    agentUser: { id: "robin", name: "Robin" },
    instructions: "Be brief.",
    llm: chat(server, { max_tokens: 8 }),
    stt: new FakeSTT(systemClock),
    tts: new FakeTTS(systemClock),
    vad: new FakeVAD(),
  });
  using _recording = recordTelemetry(agent, { prices: { inputTokens: 1, outputTokens: 1 } });
  const responses: ModelResponseEvent[] = [];
  const incomplete: IncompleteReplyEvent[] = [];
  agent.events.subscribe(ModelResponseEvent, (event) => void responses.push(event));
  agent.events.subscribe(IncompleteReplyEvent, (event) => void incomplete.push(event));
  const call = await agent.createCall("default", "story");
  edge.enter(call, { userId: "ann" });
  await agent.join(call);
  const { text } = await agent.generateReply("Write a long story.");
  assert(text !== "");
  assertEquals(incomplete.map(({ reason }) => reason), ["length"]);
  assertEquals(
    responses.map((one) => [one.outcome, one.finishReason, one.inputTokens, one.outputTokens]),
    [["complete", "length", undefined, undefined]],
  );
  await agent.close();
  assert(records.length > 0, "there is telemetry");
  assertEquals(records.filter(([, value]) => !Number.isFinite(value)), []);
  assertEquals(records.filter(([name]) => /token|cost/.test(name)), []);
});
