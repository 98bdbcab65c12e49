import { delay } from "@std/async/delay";
import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { silentLogger } from "../../src/events/logger.ts";
import { retryAfterMs } from "../../src/events/retry.ts";
import { systemClock } from "../../src/events/clock.ts";
import { deepgramSTT } from "../../src/adapters/deepgram/mod.ts";
import { geminiLive } from "../../src/adapters/gemini/mod.ts";
import { openAIRealtime } from "../../src/adapters/openai/realtime.ts";
import { openAICompatible, type OpenAICompatibleOptions } from "../../src/adapters/openai/mod.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { ask, finished, text } from "./_chat.ts";
import { type Answer, collect, events, refusal, ServiceDouble, stream } from "./_double.ts";
import { synthesize } from "./_voice.ts";

const { signal } = new AbortController();
const context = { clock: systemClock, logger: silentLogger, signal };
const models: Answer = () => Response.json({ data: [] });
const reply = events([text("Here."), finished, "[DONE]"]);

function chat({ baseUrl, apiKey, getApiKey, headers, maxTries }: OpenAICompatibleOptions) {
  return openAICompatible({ baseUrl, apiKey, getApiKey, headers, maxTries }).llm({ model: "m" });
}

Deno.test("the OpenAI client keeps the query of the base URL", async () => {
  await using double = await ServiceDouble.start(reply);
  const baseUrl = `${double.baseUrl}/deployments/d/?api-version=2026-01-01`;
  await collect(chat({ baseUrl }).generate(ask()));
  assertEquals(double.requests[0]?.path, "/v1/deployments/d/chat/completions");
  assertEquals(double.requests[0]?.query, "?api-version=2026-01-01");
});

Deno.test("the OpenAI client lets headers replace its own, whatever their case", async () => {
  await using double = await ServiceDouble.start(reply);
  const headers = {
    Authorization: "Basic abc",
    "Content-Type": "application/json; charset=utf-8",
    "api-key": "azure",
  };
  await collect(
    chat({ baseUrl: double.baseUrl, apiKey: "key", headers }).generate(ask()),
  );
  const sent = double.requests[0]!.headers;
  assertEquals(
    ["authorization", "content-type", "api-key"].map((name) => sent.get(name)),
    ["Basic abc", "application/json; charset=utf-8", "azure"],
  );
});

Deno.test("the OpenAI client calls getApiKey for each request", async () => {
  await using double = await ServiceDouble.start(reply);
  let count = 0;
  const llm = chat({ baseUrl: double.baseUrl, getApiKey: () => Promise.resolve(`key-${++count}`) });
  await collect(llm.generate(ask()));
  await collect(llm.generate(ask()));
  assertEquals(double.requests.map(({ headers }) => headers.get("authorization")), [
    "Bearer key-1",
    "Bearer key-2",
  ]);
});

Deno.test("the OpenAI client honours retry-after in all its forms, up to what the turn allows", async () => {
  const at = (headers: HeadersInit) => retryAfterMs(new Headers(headers));
  assertEquals(at({}), undefined);
  assertEquals(at({ "retry-after": "2" }), 2000);
  assertEquals(at({ "retry-after": "2", "retry-after-ms": "30" }), 30);
  assertEquals(at({ "retry-after": "soon" }), undefined);
  assertEquals(at({ "retry-after": "-1" }), 0);
  const date = "Thu, 26 Nov 2026 12:00:00 GMT", later = "Thu, 26 Nov 2026 12:00:03 GMT";
  assertEquals(at({ date, "retry-after": later }), 3000);

  // All waits together: 2 s and 1.5 s fit into 4 s, another second does not.
  await using double = await ServiceDouble.start(
    refusal(429, "slow down", { "retry-after": "2" }),
    refusal(503, "starting", { "retry-after-ms": "1500" }),
    refusal(503, "starting", { "retry-after": "1" }),
    reply,
  );
  const clock = new VirtualClock();
  const llm = chat({ baseUrl: double.baseUrl, maxTries: 10 });
  await double.answering(models, () => llm.start!({ ...context, clock }));
  const waiting = collect(llm.generate(ask()));
  let isSettled = false;
  waiting.then(() => isSettled = true);
  const startMs = clock.now();
  while (!isSettled) {
    await clock.advance(50);
    await delay(1);
  }
  const { error } = await waiting;
  assertInstanceOf(error, InferenceError);
  assertEquals([error.code, error.retryable, error.status], ["refused", true, 503]);
  assertEquals(double.requests.filter(({ path }) => path.endsWith("completions")).length, 3);
  const waitedMs = clock.now() - startMs;
  assertEquals(waitedMs >= 3500, true, `${waitedMs} ms`);
});

Deno.test("the OpenAI client finds a rejected or missing key at the start", async () => {
  for (const kind of ["llm", "stt", "tts"] as const) {
    await using double = await ServiceDouble.start(refusal(401, "no such key"));
    const service = openAICompatible({ baseUrl: double.baseUrl });
    const part = kind === "llm"
      ? service.llm({ model: "m" })
      : kind === "stt"
      ? service.stt({ model: "w" })
      : service.tts({ model: "t", voice: "v" });
    const error = await assertRejects(() => part.start!(context) as Promise<void>, InferenceError);
    assertEquals([error.code, error.status], ["unauthorized", 401]);
    assertEquals(error.message, `openai-${kind}: responded with 401: no such key`);
  }
});

Deno.test("a component of OpenAI's own service does not start without a key", async () => {
  const service = openAICompatible();
  const components = {
    "openai-llm": service.llm({ model: "m" }),
    "openai-stt": service.stt({ model: "w" }),
    "openai-tts": service.tts({ model: "t", voice: "v" }),
    "openai-realtime": openAIRealtime(),
  };
  const realtimeVoice = service.tts({ model: "m", voice: "v", api: "realtime" });
  for (
    const [name, component] of [...Object.entries(components), [
      "openai-tts",
      realtimeVoice,
    ]] as const
  ) {
    const start = () => component.start!(context) as Promise<void>;
    const error = await assertRejects(start, InferenceError);
    assertEquals(error.code, "no-key");
    assertEquals(error.message, `${name}: there is no key for api.openai.com: pass apiKey`);
  }
});

Deno.test("Gemini Live does not start without a key", async () => {
  const start = () => geminiLive({ model: "m" }).start!(context) as Promise<void>;
  const error = await assertRejects(start, InferenceError);
  assertEquals([error.code, error.message], [
    "no-key",
    "gemini-live: there is no key: pass apiKey",
  ]);
  await geminiLive({ model: "m", getApiKey: () => "key" }).start!(context);
});

Deno.test("the address of a service and the names of its models are checked", () => {
  for (const baseUrl of ["ws://127.0.0.1/v1", "localhost:8000/v1", "", 5 as unknown as string]) {
    assertThrows(
      () => openAICompatible({ baseUrl }),
      TypeError,
      "baseUrl: expected an address like",
    );
  }
  for (const baseUrl of ["localhost:8000/v1", "ftp://127.0.0.1"]) {
    assertThrows(() => openAIRealtime({ baseUrl }), TypeError, "baseUrl: expected an address like");
    assertThrows(() => deepgramSTT({ apiKey: "k", baseUrl }), TypeError, "baseUrl: expected");
  }
  openAIRealtime({ baseUrl: "wss://127.0.0.1/v1" });
  const service = openAICompatible({ apiKey: "k" });
  for (const kind of ["llm", "stt", "tts"] as const) {
    const create = service[kind] as (options: object) => unknown;
    for (const wrong of [{}, { model: "" }, { model: 5 }]) {
      assertThrows(() => create(wrong), TypeError, "model: expected the name of one");
    }
  }
});

Deno.test("the OpenAI client starts with a key that may not list models", async () => {
  const asked: string[] = [];
  const service = (status: number): Answer => (_, path) => {
    asked.push(path);
    const refused = Response.json({ error: { message: "missing scope" } }, { status: 403 });
    return path === "/v1/models" ? refused : new Response("{}", { status });
  };
  {
    await using double = await ServiceDouble.start(service(400));
    await chat(double).start!(context);
  }
  await using double = await ServiceDouble.start(service(403));
  await assertRejects(() => chat(double).start!(context) as Promise<void>, InferenceError, "403");
  assertEquals(asked, ["/v1/models", "/v1/chat/completions", "/v1/models", "/v1/chat/completions"]);
});

Deno.test("the OpenAI client starts although the service is down, silent, or has no list of models", async () => {
  for (const status of [404, 429, 500, 503]) {
    await using double = await ServiceDouble.start(refusal(status, "no"));
    await chat(double).start!(context);
  }
  await chat({ baseUrl: "http://127.0.0.1:1/v1" }).start!(context);
  await using silent = await ServiceDouble.start(() => new Promise<Response>(() => {}));
  const clock = new VirtualClock();
  const starting = chat(silent).start!({ ...context, clock }) as Promise<void>;
  await silent.asked;
  await clock.advance(3000);
  await starting;
  // Given up for another reason, it says so.
  const controller = new AbortController();
  const aborted = chat(silent).start!({ ...context, signal: controller.signal }) as Promise<void>;
  controller.abort(new Error("not needed"));
  await assertRejects(() => aborted, Error, "not needed");
});

Deno.test("the OpenAI client passes a provider's options to transcription and speech", async () => {
  await using double = await ServiceDouble.start(
    () => stream([Uint8Array.of(1, 0)]),
  );
  const tts = openAICompatible({ baseUrl: double.baseUrl }).tts({
    model: "t",
    voice: "v",
    providerOptions: { speed: 1.5 },
  });
  await collect(synthesize(tts, "Hi.", { signal }));
  assertEquals((double.requests[0]!.body as { speed: number }).speed, 1.5);
});
