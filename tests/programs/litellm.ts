/**
 * `deno task adapters:programs`: a LiteLLM proxy takes the requests of our adapters, by itself and in
 * front of our doubles, to which OpenAI's own Python package passes them on.
 */
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { openAICompatible } from "../../src/adapters/openai/mod.ts";
import { openAIRealtime } from "../../src/adapters/openai/realtime.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { writeWav } from "../../src/audio/wav.ts";
import { systemClock } from "../../src/events/clock.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import type { RealtimeEvent } from "../../src/inference/contracts/realtime_llm.ts";
import type { LLMPart } from "../../src/inference/contracts/llm.ts";
import { tone } from "../../src/testing/sounds.ts";
import { ask, askEverything, piece, sentMessages } from "../adapters/_chat.ts";
import { type Answer, collect, events, refusal, ServiceDouble } from "../adapters/_double.ts";
import { RealtimeService } from "../adapters/_realtime_service.ts";
import { transcribed } from "../adapters/_stt.ts";
import { synthesize } from "../adapters/_voice.ts";
import { KEY, type LiteLLM, startLiteLLM } from "./_litellm.ts";
import { textOf } from "../../src/testing/conformance/models/llm_fixture.ts";

const call = (index: number, id: string, name: string, args: string) =>
  piece({ tool_calls: [{ index, id, type: "function", function: { name, arguments: args } }] });

/** A model that calls two tools together, its arguments in pieces. */
const twoCalls = events([
  call(0, "c1", "look", ""),
  piece({ tool_calls: [{ index: 0, function: { arguments: '{"far"' } }] }),
  piece({ tool_calls: [{ index: 0, function: { arguments: ":true}" } }] }),
  call(1, "c2", "look", '{"far":false}'),
  piece({}, "tool_calls"),
  { id: "1", choices: [], usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 } },
  "[DONE]",
]);

/** The services behind the proxy: what each path is answered with. */
const behind: Answer = (body, path) => {
  if (path.endsWith("/chat/completions")) {
    const isLocked = (body as { model: string }).model === "locked";
    return (isLocked ? refusal(401, "Incorrect API key provided") : twoCalls)(body, path);
  }
  if (path.endsWith("/audio/transcriptions")) return Response.json({ text: "Good day." });
  if (path.endsWith("/audio/speech")) {
    const { samples, sampleRate } = tone(400, { sampleRate: 24_000 });
    const { response_format } = body as { response_format?: string };
    const pcm = new Uint8Array(samples.slice().buffer as ArrayBuffer);
    if (response_format === "pcm") {
      return new Response(pcm, { headers: { "content-type": "audio/pcm" } });
    }
    const wav = writeWav(new PcmChunk(samples, { sampleRate })).slice();
    return new Response(wav, { headers: { "content-type": "audio/wav" } });
  }
  return Response.json({ error: { message: `no such path: ${path}` } }, { status: 404 });
};

const chat = ({ baseUrl }: LiteLLM, model: string, apiKey = KEY) =>
  openAICompatible({ baseUrl, apiKey, maxTries: 1 }).llm({ model, acceptsImages: true });

function expectFailure(error: unknown, code: string, status: number): void {
  assertInstanceOf(error, InferenceError);
  assertEquals([error.code, error.status], [code, status], error.message);
}

Deno.test("a LiteLLM proxy takes what the adapters of OpenAI's interface send", async (t) => {
  await using double = await ServiceDouble.start(behind);
  await using realtime = new RealtimeService({ script: [{ text: "It is noon." }] });
  const openai = (api_base: string, model: string) => ({
    model: `openai/${model}`,
    api_base,
    api_key: "none",
  });
  await using proxy = await startLiteLLM({
    talks: { model: "openai/any", mock_response: "Good day to all of you." },
    busy: { model: "openai/any", mock_response: "litellm.RateLimitError" },
    full: { model: "openai/any", mock_response: "litellm.ContextWindowExceededError" },
    calls: openai(double.baseUrl, "some-chat-model"),
    locked: openai(double.baseUrl, "locked"),
    hears: openai(double.baseUrl, "some-recogniser"),
    speaks: openai(double.baseUrl, "some-voice"),
    converses: openai(realtime.baseUrl, "some-realtime-model"),
  });

  await t.step("its key is checked when an agent starts", async () => {
    const lines: string[] = [];
    const logger = { ...silentLogger, debug: (line: string) => void lines.push(line) };
    const signal = AbortSignal.timeout(60_000);
    const check = (key: string) =>
      chat(proxy, "talks", key).start!({ clock: systemClock, logger, signal });
    await check(KEY);
    assertEquals(lines, []);
    // Of a wrong one it says, without a database, only that it has none.
    await check("sk-wrong");
    assertEquals(lines.length, 1);
    assertStringIncludes(lines[0]!, "No connected db.");
  });

  await t.step("a reply is streamed, with its end", async () => {
    const { items, error } = await collect(chat(proxy, "talks").generate(ask()));
    assertEquals(error, undefined);
    assertEquals(textOf(items), "Good day to all of you.");
    assert(items.filter(({ type }) => type === "text").length > 1, "in pieces");
    assertEquals(items.at(-1), { type: "finish", reason: "stop" });
  });

  await t.step("an image, calls and their results come to the service behind it", async () => {
    const { items, error } = await collect(chat(proxy, "calls").generate(askEverything()));
    assertEquals(error, undefined);
    // The id that is in use already becomes another one.
    const [{ call: { id } }] = items as [Extract<LLMPart, { type: "tool-call" }>];
    assert(id !== "c1");
    assertEquals(items, [
      { type: "tool-call", call: { id, name: "look", input: { far: true } } },
      { type: "tool-call", call: { id: "c2", name: "look", input: { far: false } } },
      { type: "usage", inputTokens: 12, outputTokens: 3 },
      { type: "finish", reason: "tool-calls" },
    ]);
    const { body } = double.requests.at(-1)!;
    const { messages, tools } = body as { messages: unknown; tools: unknown };
    assertEquals(messages, sentMessages(""));
    assertEquals(tools, [{
      type: "function",
      function: { name: "look", description: "Looks", parameters: { type: "object" } },
    }]);
  });

  await t.step("errors have their codes", async () => {
    const failure = async (model: string) =>
      (await collect(chat(proxy, model).generate(ask()))).error;
    expectFailure(await failure("locked"), "unauthorized", 401);
    expectFailure(await failure("nothing"), "refused", 400);
    expectFailure(await failure("full"), "refused", 400);
    expectFailure(await failure("busy"), "rate-limited", 429);
  });

  await t.step("speech is recognised", async () => {
    const stt = openAICompatible({ ...proxy, apiKey: KEY }).stt({ model: "hears", language: "en" });
    const speech = async function* () {
      yield tone(500);
    };
    const { items, error } = await transcribed(stt, speech());
    assertEquals([items.at(-1)?.text, error], ["Good day.", undefined]);
    const form = double.requests.at(-1)!.body as FormData;
    assertEquals([form.get("model"), form.get("language")], ["some-recogniser", "en"]);
  });

  await t.step("a text is spoken", async () => {
    const tts = openAICompatible({ ...proxy, apiKey: KEY }).tts({
      model: "speaks",
      voice: "alloy",
    });
    const { signal } = new AbortController();
    const { items, error } = await collect(synthesize(tts, "Good day.", { signal }));
    assertEquals(error, undefined);
    assertEquals(Math.round(items.reduce((ms, { pcm }) => ms + pcm.durationMs, 0)), 400);
    const { input, voice } = double.requests.at(-1)!.body as { input: string; voice: string };
    assertEquals([input, voice], ["Good day.", "alloy"]);
  });

  await t.step("a realtime model replies through it", async () => {
    const llm = openAIRealtime({ ...proxy, apiKey: KEY, model: "converses" });
    await using session = await llm.connect({
      clock: systemClock,
      logger: silentLogger,
      signal: AbortSignal.timeout(60_000),
      instructions: "Be brief.",
      tools: [],
      history: [],
    });
    session.requestReply({ id: "r1" });
    const got: RealtimeEvent[] = [];
    for await (const event of session) {
      got.push(event);
      if (event.type === "reply-ended" || event.type === "error") break;
    }
    const words = got.map((one) => one.type === "text" ? one.text : "").join("");
    assertEquals([words, got.at(-1)?.type], ["It is noon.", "reply-ended"], JSON.stringify(got));
    assertEquals(realtime.errors, []);
  });
});
