/**
 * `deno task adapters:programs`: `transformers serve` takes the requests of our adapters of OpenAI's interface, and
 * those of the AI SDK at `/responses`. Its tiny models say what `tiny_models.py` has written into them.
 */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { createOpenAI } from "npm:@ai-sdk/openai@4.0.118";
import { aiSdkLLM } from "../../src/adapters/ai_sdk/mod.ts";
import {
  type ChatModelOptions,
  openAICompatible,
  type TranscriptionModelOptions,
} from "../../src/adapters/openai/mod.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { systemClock } from "../../src/events/clock.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import type { LLM, LLMPart } from "../../src/inference/contracts/llm.ts";
import type { ToolDescription } from "../../src/inference/contracts/tool.ts";
import { tone } from "../../src/testing/sounds.ts";
import { ask } from "../adapters/_chat.ts";
import { collect } from "../adapters/_double.ts";
import { transcribed } from "../adapters/_stt.ts";
import { startTransformers, type Transformers } from "./_transformers.ts";
import { assertGivesUp } from "./_unwanted.ts";

const tools: ToolDescription[] = [{
  name: "get_time",
  description: "The time of day in a city",
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
  },
}];
type Asked = Parameters<typeof ask>[0];

const user = (text: string) => ({ messages: [{ role: "user" as const, text }] });

function chat(
  { baseUrl, chat: model }: Pick<Transformers, "baseUrl" | "chat">,
  options: Partial<ChatModelOptions> = {},
): LLM {
  return openAICompatible({ baseUrl, maxTries: 1 }).llm({ model, ...options });
}

function responses(
  { baseUrl, chat: model }: Pick<Transformers, "baseUrl" | "chat">,
  options: Parameters<typeof aiSdkLLM>[1] = { providerOptions: { openai: { store: false } } },
): LLM {
  const provider = createOpenAI({ baseURL: baseUrl, apiKey: "none" });
  return aiSdkLLM(provider.responses(model), { maxRetries: 0, ...options });
}

/** The texts of a reply, and how it ended. */
async function reply(llm: LLM, request: Asked): Promise<{ texts: string[]; parts: LLMPart[] }> {
  const { items: parts, error } = await collect(llm.generate(ask(request)));
  assertEquals(error, undefined);
  return { texts: parts.flatMap((one) => one.type === "text" ? one.text : []), parts };
}

async function failure(llm: LLM, request: Asked = user("Hello.")): Promise<unknown[]> {
  const { items, error } = await collect(llm.generate(ask(request)));
  assertEquals(items, []);
  assertInstanceOf(error, InferenceError);
  return [error.code, error.status, error.message];
}

/** What both interfaces are asked, with the same replies. */
async function converse(llm: (limit?: number) => LLM): Promise<void> {
  const greeting = await reply(llm(), user("Hello."));
  assertEquals(greeting.texts, ["Good", " day", " to", " all", " of", " you", "."]);
  const [usage] = greeting.parts.filter(({ type }) => type === "usage");
  assert(usage?.type === "usage");
  assertEquals(usage.outputTokens, 8);
  // Each byte of the request is a token.
  const longer = (await reply(llm(), user("Hello house.")))
    .parts.find(({ type }) => type === "usage") as typeof usage;
  assertEquals(longer.inputTokens - usage.inputTokens, " house".length);
  assertEquals((await reply(llm(), user("Please think."))).texts, ["Certainly"]);

  const instructed = await reply(llm(), {
    messages: [
      { role: "system", text: "You are 🙂." },
      { role: "user", text: "Grüße \ud83d" },
      { role: "assistant", text: "你好" },
      { role: "user", text: "And?" },
    ],
  });
  assertEquals(instructed.texts, [" Grüße", ", 你好", " 🙂"]);
  assertEquals((await reply(llm(), user(""))).texts[0], "Good");
  assertEquals((await reply(llm(), user("word ".repeat(2000)))).texts[0], "Good");

  const { parts } = await reply(llm(), { ...user("What time is it?"), tools });
  assertEquals(parts.map(({ type }) => type), ["tool-call", "usage", "finish"]);
  const [{ call }] = parts as [Extract<LLMPart, { type: "tool-call" }>];
  assertEquals([call.name, call.input], ["get_time", { city: "Paris" }]);
  const result = await reply(llm(), {
    messages: [
      ...user("What time is it?").messages,
      { role: "assistant", text: "", toolCalls: [call] },
      { role: "tool", callId: call.id, name: call.name, text: "Noon.", isError: false },
    ],
    tools,
  });
  assertEquals(result.texts.join(""), "It is noon there");
}

/** A reply that is not wanted any more keeps none waiting. */
async function stop(llm: (limit?: number) => LLM): Promise<void> {
  const next = () => reply(llm(), user("Hello."));
  await assertGivesUp(llm(30_000), { text: "Please count.", next });
}

Deno.test("transformers serve takes what the adapters of OpenAI's interface send", async (t) => {
  await using server = await startTransformers();
  const chatOf = (limit?: number) =>
    chat(server, limit ? { providerOptions: { max_tokens: limit } } : {});
  const responsesOf = (limit?: number) =>
    limit
      ? responses(server, {
        settings: { maxOutputTokens: limit },
        providerOptions: { openai: { store: false } },
      })
      : responses(server);

  await t.step("an agent starts without a key", async () => {
    const lines: string[] = [];
    const logger = { ...silentLogger, debug: (line: string) => void lines.push(line) };
    await chatOf().start!({ clock: systemClock, logger, signal: AbortSignal.timeout(60_000) });
    assertEquals(lines, []);
  });

  await t.step("a chat model replies, calls a tool, and thinks unheard", () => converse(chatOf));

  await t.step("/responses do the same by the AI SDK", () => converse(responsesOf));

  await t.step("the limit of tokens is told by the chat model alone", async () => {
    const { texts, parts } = await reply(chatOf(5), user("Please count."));
    assertEquals(texts, [" one", " two", " three", " one", " two"]);
    assertEquals(parts.at(-1), { type: "finish", reason: "length" });
    const other = await reply(responsesOf(5), user("Please count."));
    assertEquals(other.texts, texts);
    const last = other.parts.at(-1);
    assertEquals(last?.type === "finish" && last.reason, "stop", "it says that it is complete");
  });

  await t.step("a reply that is not wanted any more is not written", () => stop(chatOf));

  await t.step("nor is one of /responses", () => stop(responsesOf));

  await t.step("what the chat model refuses has its words", async () => {
    assertEquals(await failure(chat(server, { providerOptions: { grammar: "x" } })), [
      "refused",
      422,
      "openai-llm: responded with 422: Unexpected fields in the request: {'grammar'}",
    ]);
    // Of fields that it knows it ignores many, among them those that the adapter has options for.
    const options = { includeUsage: false, reasoningEffort: "low" } as const;
    assertEquals((await reply(chat(server, options), user("Hello."))).texts.length, 7);
    // Of faults of its own it says nothing.
    assertEquals(await failure(chat({ ...server, chat: "nothing" })), [
      "refused",
      500,
      "openai-llm: responded with 500: Internal Server Error",
    ]);
    assertEquals(await failure(chatOf(), { messages: [] }), [
      "refused",
      500,
      "openai-llm: responded with 500: Internal Server Error",
    ]);
    assertEquals(await failure(chat({ ...server, baseUrl: `${server.baseUrl}/none` })), [
      "refused",
      404,
      "openai-llm: responded with 404: Not Found",
    ]);
  });

  await t.step("/responses have no stored items to refer to, and say so", async () => {
    const continued = async (llm: LLM) => {
      const { texts, parts } = await reply(llm, user("Hello."));
      const last = parts.at(-1) as Extract<LLMPart, { type: "finish" }>;
      const text = texts.join("");
      const messages = [
        ...user("Hello.").messages,
        { role: "assistant" as const, text, metadata: last.metadata },
        ...user("And?").messages,
      ];
      return { messages };
    };
    const stored = responses(server, {});
    assertEquals(await failure(stored, await continued(stored)), [
      "refused",
      422,
      "ai-sdk: Unprocessable Entity: Unsupported input item type: 'item_reference'",
    ]);
    const whole = responsesOf();
    assertEquals((await reply(whole, await continued(whole))).texts.length, 7);
  });

  await t.step("speech is recognised, or refused in the server's words", async () => {
    const hear = async (
      options: Partial<TranscriptionModelOptions>,
      pcm: PcmChunk = tone(500),
    ): Promise<unknown[]> => {
      const { recogniser: model, baseUrl } = server;
      const stt = openAICompatible({ baseUrl, maxTries: 1 }).stt({ model, ...options });
      const speech = async function* () {
        yield pcm;
      };
      const { items, error } = await transcribed(stt, speech());
      return [items.at(-1)?.text, (error as Error | undefined)?.message];
    };
    const text = "Good day.";
    assertEquals(await hear({}), [text, undefined]);
    assertEquals(await hear({ language: "en", prompt: "Ringline" }), [text, undefined]);
    const long = new PcmChunk(new Int16Array(16_000 * 60), { sampleRate: 16_000 });
    assertEquals(await hear({}, long), [text, undefined]);
    assertEquals(await hear({ providerOptions: { hotwords: "x" } }), [
      undefined,
      "openai-stt: responded with 422: Unexpected fields in the request: {'hotwords'}",
    ]);
    // The chat model is no recogniser.
    for (const model of ["nothing", server.chat]) {
      assertEquals(await hear({ model }), [
        undefined,
        "openai-stt: responded with 500: Internal Server Error",
      ]);
    }
  });
});
