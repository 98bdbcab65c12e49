import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import type { LLM } from "../../src/inference/contracts/llm.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import type { Transcription } from "npm:openai@7.57.0/resources/audio/transcriptions";
import {
  OPENAI_MODELS,
  openAICompatible,
  type OpenAICompatibleOptions,
} from "../../src/adapters/openai/mod.ts";
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
import { collect, events, refusal, ServiceDouble, stream } from "./_double.ts";
import { transcribed } from "./_stt.ts";
import { synthesize } from "./_voice.ts";

function chat({ baseUrl, apiKey, getApiKey, headers, maxTries }: OpenAICompatibleOptions): LLM {
  return openAICompatible({ baseUrl, apiKey, getApiKey, headers, maxTries }).llm({ model: "m" });
}

function expectFailure(error: unknown, code: string, retryable: boolean): void {
  assertInstanceOf(error, InferenceError);
  assertEquals([error.code, error.retryable], [code, retryable]);
}

async function* audio(...lengthsMs: number[]): AsyncGenerator<PcmChunk, void, void> {
  for (const ms of lengthsMs) {
    yield new PcmChunk(new Int16Array(16 * ms).fill(7), { sampleRate: 16_000 });
  }
}

Deno.test("openAICompatible's llm streams text and usage, and sends the whole conversation", async () => {
  await using double = await ServiceDouble.start(events([
    text("Good "),
    text("day."),
    finished,
    { choices: [], usage: { prompt_tokens: 12, completion_tokens: 3 } },
    "[DONE]",
  ]));
  const llm = openAICompatible({
    baseUrl: `${double.baseUrl}/`,
    apiKey: "key",
    headers: { "x-a": "b" },
  })
    .llm({ model: "m", acceptsImages: true, providerOptions: { temperature: 0 } });
  const { items, error } = await collect(llm.generate(askEverything()));
  assertEquals(error, undefined);
  assertEquals(items, [
    { type: "text", text: "Good " },
    { type: "text", text: "day." },
    { type: "usage", inputTokens: 12, outputTokens: 3 },
    { type: "finish", reason: "stop" },
  ]);
  const [request] = double.requests;
  assertEquals(request?.path, "/v1/chat/completions");
  assertEquals(request?.headers.get("authorization"), "Bearer key");
  assertEquals(request?.headers.get("x-a"), "b");
  assertEquals(request?.body, {
    model: "m",
    stream: true,
    stream_options: { include_usage: true },
    temperature: 0,
    messages: sentMessages(""),
    tools: [{
      type: "function",
      function: {
        name: "look",
        description: "Looks", // OpenAI refuses one without properties.
        parameters: { type: "object", properties: {} },
      },
    }],
  });
  assertEquals(llm.metrics?.(), {
    requests: 1,
    retries: 0,
    failures: 0,
    inputTokens: 12,
    outputTokens: 3,
  });
});

Deno.test("openAICompatible's llm joins tool calls that come in fragments", async () => {
  const call = (index: number, id: string | undefined, name: string | undefined, args: string) =>
    piece({ tool_calls: [{ index, id, function: { name, arguments: args } }] });
  await using double = await ServiceDouble.start(events([
    call(0, "a", "first", ""),
    call(0, undefined, undefined, '{"n":'),
    call(1, "b", "second", "{}"),
    call(0, undefined, undefined, "1}"),
    piece({}, "tool_calls"),
    "[DONE]",
  ]));
  const { items } = await collect(chat(double).generate(ask()));
  assertEquals(items, [
    { type: "tool-call", call: { id: "a", name: "first", input: { n: 1 } } },
    { type: "tool-call", call: { id: "b", name: "second", input: {} } },
    { type: "finish", reason: "tool-calls" },
  ]);
});

Deno.test("openAICompatible retries a busy service after the wait that it names", async () => {
  await using double = await ServiceDouble.start(
    refusal(429, "slow down", { "retry-after-ms": "30" }),
    refusal(503, "starting"),
    events([text("Here."), finished, "[DONE]"]),
  );
  const llm = chat(double);
  const { items } = await collect(llm.generate(ask()));
  assertEquals(items[0], { type: "text", text: "Here." });
  assertEquals(llm.metrics?.().retries, 2);
});

Deno.test("openAICompatible throws a retryable error for a service that stays busy", async () => {
  await using busy = await ServiceDouble.start(
    refusal(429, "slow down", { "retry-after-ms": "1" }),
  );
  const first = await collect(chat(busy).generate(ask()));
  expectFailure(first.error, "rate-limited", true);
  assertEquals(first.error?.message, "openai-llm: responded with 429: slow down");
  assertEquals(busy.requests.length, 3);
  await using long = await ServiceDouble.start(refusal(429, "tomorrow", { "retry-after": "3600" }));
  const second = await collect(chat(long).generate(ask()));
  expectFailure(second.error, "rate-limited", true);
  assertEquals(long.requests.length, 1);
});

Deno.test("openAICompatible names a wrong key and a missing service in its errors", async () => {
  await using double = await ServiceDouble.start(refusal(401, "no such key"));
  const { error } = await collect(chat(double).generate(ask()));
  expectFailure(error, "unauthorized", false);
  assertEquals(double.requests.length, 1);
  const gone = chat({ baseUrl: "http://127.0.0.1:1/v1", maxTries: 1 });
  expectFailure((await collect(gone.generate(ask()))).error, "unreachable", true);
});

Deno.test("openAICompatible's llm yields the text of a reply that is cut off, then throws", async () => {
  for (const cut of [true, false]) {
    await using double = await ServiceDouble.start(events([text("Half an ")], { cut }));
    const result = await collect(chat(double).generate(ask()));
    assertEquals(result.items, [{ type: "text", text: "Half an " }]);
    expectFailure(result.error, "cut-off", true);
  }
});

Deno.test("openAICompatible's llm rejects events that are no reply, and says so", async () => {
  for (
    const [event, code] of [
      ["{broken", "malformed"],
      ["null", "malformed"],
      [{ error: { message: "overloaded" } }, "failed"],
    ] as const
  ) {
    await using double = await ServiceDouble.start(events([text("A"), event, "[DONE]"]));
    const result = await collect(chat(double).generate(ask()));
    assertEquals(result.items.length, 1);
    assertInstanceOf(result.error, InferenceError);
    assertEquals(result.error.code, code);
  }
});

Deno.test("openAICompatible's llm aborts a reply whose first word is slow, and its request", () =>
  abortSlowReply(chat));

Deno.test("openAICompatible's stt sends a segment as a WAV file and returns its text", async () => {
  await using double = await ServiceDouble.start(() => Response.json({ text: " Hello there. " }));
  const stt = openAICompatible({ baseUrl: double.baseUrl }).stt({
    model: "w",
    language: "en",
    prompt: "Ringline",
  });
  const { items } = await transcribed(stt, audio(20, 30));
  assertEquals(items, [{ text: " Hello there. ", final: true, language: "en" }]);
  const form = double.requests[0]!.body as FormData;
  assertEquals([form.get("model"), form.get("language"), form.get("prompt")], [
    "w",
    "en",
    "Ringline",
  ]);
  const bytes = await (form.get("file") as File).arrayBuffer();
  const view = new DataView(bytes);
  assertEquals(new TextDecoder().decode(bytes.slice(0, 4)), "RIFF");
  assertEquals(view.getUint32(24, true), 16_000);
  assertEquals([view.getUint32(40, true), bytes.byteLength], [1600, 1644]);
  assertEquals(view.getInt16(44, true), 7);
});

Deno.test("openAICompatible's stt tells the language that the service has detected", async () => {
  const answer: Transcription = { text: "Guten Tag.", languages: [{ code: "de" }] };
  await using double = await ServiceDouble.start(() => Response.json(answer));
  const stt = openAICompatible({ baseUrl: double.baseUrl }).stt({
    model: OPENAI_MODELS.transcription,
  });
  const { items } = await transcribed(stt, audio(20));
  assertEquals(items, [{ text: "Guten Tag.", final: true, language: "de" }]);
});

Deno.test("openAICompatible's stt names a service's faults, and sends no request for silence", async () => {
  await using double = await ServiceDouble.start(
    () => new Response("<html>", { headers: { "content-type": "text/html" } }),
    () => Response.json({ message: "?" }),
    refusal(413, "too long"),
  );
  const stt = openAICompatible({ baseUrl: double.baseUrl }).stt({ model: "w" });
  expectFailure((await transcribed(stt, audio(20))).error, "malformed", false);
  expectFailure((await transcribed(stt, audio(20))).error, "malformed", false);
  expectFailure((await transcribed(stt, audio(20))).error, "refused", false);
  assertEquals((await transcribed(stt, audio())).items, []);
  assertEquals(double.requests.length, 3);
});

Deno.test("openAICompatible's tts yields PCM as it is sent, wherever it is cut", async () => {
  const sent = Uint8Array.of(1, 0, 2, 0, 3, 0, 4, 0);
  await using double = await ServiceDouble.start(() =>
    stream([sent.slice(0, 3), sent.slice(3, 4), sent.slice(4, 7), sent.slice(7)])
  );
  const tts = openAICompatible({ baseUrl: double.baseUrl }).tts({
    model: "t",
    voice: "v",
    sampleRate: 16_000,
  });
  const { signal } = new AbortController();
  const { items } = await collect(synthesize(tts, "Hi.", { signal }));
  assertEquals(items.flatMap(({ pcm }) => [...pcm.samples]), [1, 2, 3, 4]);
  assert(items.every(({ pcm }) => pcm.sampleRate === 16_000));
  assertEquals(double.requests[0]?.body, {
    model: "t",
    voice: "v",
    input: "Hi.",
    response_format: "pcm",
  });
});

Deno.test("openAICompatible's tts throws when the voice breaks off or sends no PCM", async () => {
  const { signal } = new AbortController();
  await using double = await ServiceDouble.start(
    () => stream([Uint8Array.of(1, 0)], { cut: true }),
    () => Response.json({ ok: true }),
  );
  const tts = openAICompatible({ baseUrl: double.baseUrl }).tts({ model: "t", voice: "v" });
  const first = await collect(synthesize(tts, "Hi.", { signal }));
  assertEquals(first.items.length, 1);
  expectFailure(first.error, "cut-off", true);
  expectFailure((await collect(synthesize(tts, "Hi.", { signal }))).error, "malformed", false);
});
