import {
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { systemClock } from "../../src/events/clock.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import { openAICompatible } from "../../src/adapters/openai/mod.ts";
import { ServiceDouble } from "./_double.ts";
import { RealtimeDouble } from "./_realtime_double.ts";
import { heard, model, reads, synthesize, voice } from "./_voice.ts";

const { signal } = new AbortController();
const context = { clock: systemClock, logger: silentLogger, signal };

Deno.test("the realtime voice reads a text aloud, outside of any conversation", async () => {
  await using double = new RealtimeDouble();
  const tts = voice(double, "Cheerfully.");
  await tts.start!(context);
  const reading = heard(synthesize(tts, "Good day.", { signal }));
  const request = await double.message("response.create");
  // Cut in the middle of a sample.
  reads(double, request, "r", [[5, 0, 6], [0, 7, 0]]);
  assertEquals(await reading, { samples: [5, 6, 7], error: undefined });
  const { session } = await double.message("session.update");
  assertEquals(session.audio.output.voice, "marin");
  assertEquals(session.audio.input.turn_detection, null);
  assertMatch(session.instructions, /exactly its words.* Cheerfully\.$/);
  assertEquals(request.response.conversation, "none");
  assertEquals(request.response.input[0].content, [{ type: "input_text", text: "Good day." }]);
  const { url, authorization } = double.requests[0]!;
  assertEquals(new URL(url).pathname, "/v1/realtime");
  assertEquals([new URL(url).searchParams.get("model"), authorization], [model, "Bearer key"]);
  await tts.close!();
  assertEquals(tts.metrics!(), { requests: 1, retries: 0, failures: 0, sessions: 1 });
});

Deno.test("the realtime voice takes more settings of the session", async () => {
  await using double = new RealtimeDouble();
  const providerOptions = { truncation: "disabled" };
  const { baseUrl } = double;
  const tts = openAICompatible({ apiKey: "key", baseUrl }).tts({
    model,
    voice: "marin",
    providerOptions,
  });
  await tts.start!(context);
  const { session } = await double.message("session.update");
  assertEquals([session.truncation, session.audio.output.voice], ["disabled", "marin"]);
  await tts.close!();
});

Deno.test("the realtime voice keeps texts apart that it reads at the same time on one socket", async () => {
  await using double = new RealtimeDouble();
  const tts = voice(double);
  const both = ["One.", "Two."].map((text) => heard(synthesize(tts, text, { signal })));
  await double.message("response.create", 2);
  const requests = double.received.filter(({ type }) => type === "response.create");
  const parts = requests.map(({ response: { metadata, input } }, n) => ({
    id: `r${n}`,
    metadata,
    value: input[0].content[0].text === "One." ? 1 : 2,
  }));
  for (const { id, metadata } of parts) {
    double.send({ type: "response.created", response: { id, metadata } });
  }
  for (const { id: response_id, value } of [...parts, ...parts.toReversed()]) {
    const delta = Uint8Array.of(value, 0).toBase64();
    double.send({ type: "response.output_audio.delta", response_id, delta });
  }
  for (const { id } of parts) {
    double.send({ type: "response.done", response: { id, status: "completed" } });
  }
  const results = await Promise.all(both);
  assertEquals(results.map(({ samples }) => samples), [[1, 1], [2, 2]]);
  assertEquals(double.requests.length, 1);
  await tts.close!();
});

Deno.test("the realtime voice stops reading when it is interrupted, begun or not", async () => {
  await using double = new RealtimeDouble();
  const tts = voice(double);
  await tts.start!(context);
  for (const [id, hasBegun] of [["begun", true], ["early", false]] as const) {
    const controller = new AbortController();
    const parts = synthesize(tts, "A long one.", { signal: controller.signal })
      [Symbol.asyncIterator]();
    const first = parts.next();
    const { response: { metadata } } = await double.message("response.create", hasBegun ? 1 : 2);
    const created = { type: "response.created", response: { id, metadata } };
    if (hasBegun) {
      double.send(created);
      const delta = Uint8Array.of(1, 0).toBase64();
      double.send({ type: "response.output_audio.delta", response_id: id, delta });
      await first;
    }
    const next = hasBegun ? parts.next() : first;
    controller.abort(new Error("interrupted"));
    await assertRejects(() => next, Error, "interrupted");
    if (!hasBegun) double.send(created);
    assertEquals((await double.message("response.cancel", hasBegun ? 1 : 2)).response_id, id);
  }
  await tts.close!();
});

Deno.test("the realtime voice says why a text failed, and reads the next one", async () => {
  await using double = new RealtimeDouble();
  const tts = voice(double);
  const failures: [end: object | undefined, expected: RegExp][] = [
    [
      { status: "failed", status_details: { error: { code: "bad", message: "no such voice" } } },
      /^openai-tts: no such voice$/,
    ],
    [
      { status: "incomplete", status_details: { reason: "max_output_tokens" } },
      /^openai-tts: max_output_tokens$/,
    ],
    [undefined, /^openai-tts: wrong text$/],
  ];
  let count = 0;
  for (const [end, expected] of failures) {
    const reading = heard(synthesize(tts, "Hm.", { signal }));
    const request = await double.message("response.create", ++count);
    if (end) reads(double, request, `r${count}`, [[1, 0]], end);
    else {
      const { event_id } = request;
      double.send({ type: "error", error: { code: "invalid", message: "wrong text", event_id } });
    }
    const { error } = await reading;
    assertInstanceOf(error, InferenceError);
    assertMatch(error.message, expected);
  }
  const reading = heard(synthesize(tts, "Well.", { signal }));
  reads(double, await double.message("response.create", ++count), "last", [[9, 0]]);
  assertEquals(await reading, { samples: [9], error: undefined });
  await tts.close!();
});

Deno.test("the realtime voice reopens a closed socket, also within a text of which nothing was heard", async () => {
  await using double = new RealtimeDouble();
  const tts = voice(double);
  await tts.start!(context);
  await double.message("session.update");
  const reading = heard(synthesize(tts, "Once more.", { signal }));
  await double.message("response.create");
  double.socket.close(1001, "an hour is over");
  reads(double, await double.message("response.create", 2), "r", [[3, 0]]);
  assertEquals(await reading, { samples: [3], error: undefined });
  assertEquals(double.requests.length, 2);

  const half = heard(synthesize(tts, "Half.", { signal }));
  const { response: { metadata } } = await double.message("response.create", 3);
  double.send({ type: "response.created", response: { id: "h", metadata } });
  const delta = Uint8Array.of(4, 0).toBase64();
  double.send({ type: "response.output_audio.delta", response_id: "h", delta });
  double.socket.close(1011, "restarting");
  const { samples, error } = await half;
  assertEquals(samples, [4]);
  assertInstanceOf(error, InferenceError);
  assertEquals([error.code, error.retryable], ["cut-off", true]);
  await tts.close!();
});

Deno.test("the realtime voice names a service that refuses or is missing, at the first text", async () => {
  await using refusing = new RealtimeDouble({ refuse: 401 });
  const tts = voice(refusing);
  await tts.start!(context);
  const { error } = await heard(synthesize(tts, "Hm.", { signal }));
  assertInstanceOf(error, InferenceError);
  assertEquals(error.message, "openai-tts: responded with 401: the key is not accepted");
  await tts.close!();

  const lost = openAICompatible({ baseUrl: "http://127.0.0.1:1/v1", maxTries: 2 })
    .tts({ model, voice: "marin" });
  const { error: unreachable } = await heard(synthesize(lost, "Hm.", { signal }));
  assertInstanceOf(unreachable, InferenceError);
  assertEquals(unreachable.retryable, true);
  assertEquals(lost.metrics!(), { requests: 1, retries: 1, failures: 1, sessions: 2 });
  await lost.close!();
});

Deno.test("the model's name, or an option, chooses the interface that speaks", async () => {
  await using service = await ServiceDouble.start(() => new Response(Uint8Array.of(1, 0)));
  const { tts } = openAICompatible({ baseUrl: service.baseUrl });
  const plain = tts({ model: "kokoro", voice: "af_heart" });
  assertEquals((await heard(synthesize(plain, "Hm.", { signal }))).samples, [1]);
  assertEquals(service.requests[0]?.path, "/v1/audio/speech");
  await using double = new RealtimeDouble();
  const own = openAICompatible({ baseUrl: double.baseUrl })
    .tts({ model: "my-own", voice: "marin", api: "realtime" });
  const reading = heard(synthesize(own, "Hm.", { signal }));
  reads(double, await double.message("response.create"), "r", [[2, 0]]);
  assertEquals((await reading).samples, [2]);
  await own.close!();
  assertThrows(
    () => tts({ model, voice: "marin", sampleRate: 16_000 }),
    RangeError,
    "sampleRate: expected 24000 for a realtime model, got 16000",
  );
});

Deno.test("the realtime voice asks for the key of each socket", async () => {
  await using double = new RealtimeDouble();
  const keys = ["first", "second"];
  const service = openAICompatible({ baseUrl: double.baseUrl, getApiKey: () => keys.shift()! });
  const tts = service.tts({ model, voice: "marin" });
  await tts.start!(context);
  await double.message("session.update");
  assertEquals(double.requests[0]!.authorization, "Bearer first");
  await tts.close!();
  await tts.start!(context);
  await double.message("session.update", 2);
  assertEquals(double.requests[1]!.authorization, "Bearer second");
  await tts.close!();
});

Deno.test("a key that cannot be had is why the realtime voice is silent", async () => {
  await using double = new RealtimeDouble();
  let fails = true;
  const getApiKey = () => fails ? Promise.reject(new Error("the vault is shut")) : "key";
  const tts = openAICompatible({ baseUrl: double.baseUrl, getApiKey, maxTries: 1 })
    .tts({ model, voice: "marin" });
  await tts.start!(context);
  const { error } = await heard(synthesize(tts, "Good day.", { signal }));
  assertInstanceOf(error, InferenceError);
  assertEquals(error.code, "unreachable");
  assertEquals((error.cause as Error).message, "the vault is shut");
  fails = false;
  const reading = heard(synthesize(tts, "Good day.", { signal }));
  reads(double, await double.message("response.create"), "r", [[5, 0]]);
  assertEquals((await reading).samples, [5]);
  await tts.close!();
});
