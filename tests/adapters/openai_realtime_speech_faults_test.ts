/** A voice over a realtime model, where the network, the service or the program is not ideal. */
import { assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { systemClock } from "../../src/events/clock.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { openAICompatible } from "../../src/adapters/openai/mod.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { LossyProxy } from "./_lossy_proxy.ts";
import { type Message, RealtimeDouble } from "./_realtime_double.ts";
import { heard, model, reads, synthesize, voice } from "./_voice.ts";

const { signal } = new AbortController();
const context = { clock: systemClock, logger: silentLogger, signal };

Deno.test("the realtime voice replaces a connection that is dead without a word within the same sentence", async () => {
  await using double = new RealtimeDouble();
  await using proxy = new LossyProxy(double);
  const clock = new VirtualClock();
  const tts = voice(proxy);
  await tts.start!({ ...context, clock });
  const first = heard(synthesize(tts, "One.", { signal }));
  reads(double, await double.message("response.create"), "a", [[1, 0]]);
  assertEquals(await first, { samples: [1], error: undefined });
  const { swallowed } = proxy.lose();
  const second = heard(synthesize(tts, "Two.", { signal }));
  await swallowed;
  await clock.advance(5250);
  reads(double, await double.message("response.create", 2), "b", [[2, 0]]);
  assertEquals(await second, { samples: [2], error: undefined });
  assertEquals(tts.metrics!(), { requests: 2, retries: 1, failures: 0, sessions: 2 });
  await tts.close!();
  await clock.advance(1000);
});

Deno.test("the realtime voice fails for a sentence given up on a dead connection, and the next one is heard", async () => {
  await using double = new RealtimeDouble();
  await using proxy = new LossyProxy(double);
  const clock = new VirtualClock();
  const tts = voice(proxy);
  await tts.start!({ ...context, clock });
  await double.message("session.update");
  const first = heard(synthesize(tts, "One.", { signal }));
  reads(double, await double.message("response.create"), "a", [[1, 0]]);
  await first;
  const { swallowed } = proxy.lose();
  const limit = new AbortController();
  const second = heard(synthesize(tts, "Two.", { signal: limit.signal }));
  await swallowed;
  limit.abort(new DOMException("no sound", "TimeoutError"));
  assertEquals((await second).error?.message, "no sound");
  await clock.advance(5000);
  const third = heard(synthesize(tts, "Three.", { signal }));
  reads(double, await double.message("response.create", 2), "c", [[3, 0]]);
  assertEquals(await third, { samples: [3], error: undefined });
  assertEquals(tts.metrics!(), { requests: 3, retries: 0, failures: 1, sessions: 2 });
  await tts.close!();
  await clock.advance(1000);
});

Deno.test("the realtime voice of several agents is closed by the last, and can be started again", async () => {
  await using double = new RealtimeDouble();
  const tts = voice(double);
  let count = 0;
  const read = async () => {
    const reading = heard(synthesize(tts, "Hm.", { signal }));
    reads(double, await double.message("response.create", ++count), `r${count}`, [[1, 0]]);
    assertEquals(await reading, { samples: [1], error: undefined });
  };
  await tts.start!(context);
  await tts.start!(context);
  await read();
  await tts.close!();
  await read();
  assertEquals(tts.metrics!().sessions, 1);
  await tts.close!();
  await tts.start!(context);
  await read();
  assertEquals(tts.metrics!().sessions, 2);
  await tts.close!();
});

Deno.test("the realtime voice ends what it reads when it is closed, and does not retry it", async () => {
  await using double = new RealtimeDouble();
  const tts = voice(double);
  await tts.start!(context);
  const reading = heard(synthesize(tts, "Hm.", { signal }));
  await double.message("response.create");
  await tts.close!();
  assertEquals((await reading).error?.message, "openai-tts: it is closed");
  assertEquals(tts.metrics!().sessions, 1);
});

Deno.test("the realtime voice goes on reading through errors that belong to no request", async () => {
  await using double = new RealtimeDouble();
  const tts = voice(double);
  await tts.start!(context);
  const reading = heard(synthesize(tts, "Hm.", { signal }));
  const request = await double.message("response.create");
  // Of a sentence before, which had ended when it was cancelled.
  const late = { code: "response_cancel_not_active", message: "none", event_id: null };
  double.send({ type: "error", error: late });
  const { response: { metadata } } = request;
  double.send({ type: "response.created", response: { id: "r", metadata } });
  const delta = Uint8Array.of(1, 0).toBase64();
  double.send({ type: "response.output_audio.delta", response_id: "r", delta });
  double.send({ type: "error", error: { code: "odd", message: "something", event_id: null } });
  double.send({ type: "response.output_audio.delta", response_id: "r", delta });
  double.send({ type: "response.done", response: { id: "r", status: "completed" } });
  assertEquals(await reading, { samples: [1, 1], error: undefined });
  await tts.close!();
});

Deno.test("the realtime voice retries errors that pass, by code or type, of a request or a response", async () => {
  const failures: [failure: object, sessions: number][] = [
    [{ type: "invalid_request_error", code: "session_expired", message: "60 minutes" }, 2],
    [{ type: "server_error", code: null, message: "sorry", event_id: null }, 1],
    [{ type: "server_error", message: "sorry" }, 1],
  ];
  for (const [error, sessions] of failures) {
    await using double = new RealtimeDouble();
    const tts = voice(double);
    await tts.start!(context);
    const reading = heard(synthesize(tts, "Hm.", { signal }));
    const request = await double.message("response.create");
    double.send({ type: "error", error });
    if (sessions === 2) double.socket.close(1001);
    reads(double, await double.message("response.create", 2), "r", [[1, 0]]);
    assertEquals(await reading, { samples: [1], error: undefined });
    const failed = heard(synthesize(tts, "Hm.", { signal }));
    const end = { status: "failed", status_details: { error: { type: "server_error" } } };
    reads(double, await double.message("response.create", 3), "f", [], end);
    reads(double, await double.message("response.create", 4), "g", [[2, 0]]);
    assertEquals(await failed, { samples: [2], error: undefined });
    assertEquals(tts.metrics!(), { requests: 2, retries: 2, failures: 0, sessions });
    assertEquals(typeof request.event_id, "string");
    await tts.close!();
  }
});

Deno.test("the realtime voice understands a service without metadata by the order of its responses", async () => {
  await using double = new RealtimeDouble();
  const tts = voice(double);
  await tts.start!(context);
  const anonymous = ({ response: { metadata: _, ...response }, ...request }: Message) => ({
    ...request,
    response,
  });
  const gone = new AbortController();
  const first = heard(synthesize(tts, "One.", { signal: gone.signal }));
  const one = anonymous(await double.message("response.create"));
  gone.abort(new Error("interrupted"));
  await first;
  const second = heard(synthesize(tts, "Two.", { signal }));
  const two = anonymous(await double.message("response.create", 2));
  reads(double, one, "a", [[1, 0]]);
  reads(double, two, "b", [[2, 0]]);
  assertEquals(await second, { samples: [2], error: undefined });
  assertEquals((await double.message("response.cancel")).response_id, "a");
  await tts.close!();
});

Deno.test("the realtime voice names the option for a model that is only named like a realtime one", async () => {
  await using double = new RealtimeDouble({ refuse: 404 });
  const tts = openAICompatible({ baseUrl: double.baseUrl })
    .tts({ model: "kokoro-realtime", voice: "af_heart" });
  const { error } = await heard(synthesize(tts, "Hm.", { signal }));
  assertInstanceOf(error, InferenceError);
  assertEquals(error.status, 404);
  assertMatch(
    error.message,
    /responded with 404 at \/realtime, .* the name "kokoro-realtime": pass api: "speech"/,
  );
  await tts.close!();
});

Deno.test("the realtime voice waits ten seconds in all for a session that never begins", async () => {
  await using double = new RealtimeDouble({ onUpdate: () => {} });
  const clock = new VirtualClock();
  const tts = voice(double);
  await tts.start!({ ...context, clock });
  const reading = heard(synthesize(tts, "Hm.", { signal }));
  await double.message("session.update");
  await clock.advance(10_000);
  assertEquals((await reading).error?.message, "openai-tts: no session has begun within 10000 ms");
  assertEquals(tts.metrics!(), { requests: 1, retries: 0, failures: 1, sessions: 1 });
  await tts.close!();
});

Deno.test("the realtime voice gives up a session that does not begin within connectTimeoutMs", async () => {
  await using silent = new RealtimeDouble({ onOpen: () => {} });
  const clock = new VirtualClock();
  const service = { baseUrl: silent.baseUrl, apiKey: "key", maxTries: 1, connectTimeoutMs: 700 };
  const tts = openAICompatible(service).tts({ model, voice: "marin" });
  await tts.start!({ ...context, clock });
  const reading = heard(synthesize(tts, "Hm.", { signal }));
  const { error } = await clock.until(reading, 20_000);
  assertInstanceOf(error, InferenceError);
  assertEquals(error.message, "openai-tts: no session was begun within 700 ms");
  assertEquals([error.code, error.retryable], ["timeout", true]);
  await tts.close!();
});
