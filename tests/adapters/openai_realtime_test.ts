import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import type { RealtimeEvent, RealtimeSession } from "../../src/inference/contracts/realtime_llm.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { systemClock } from "../../src/events/clock.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { OPENAI_MODELS, openAIRealtime } from "../../src/adapters/openai/realtime.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import { RealtimeDouble } from "./_realtime_double.ts";

function connect(
  { baseUrl }: { baseUrl: string },
  change: { signal?: AbortSignal; connectTimeoutMs?: number } = {},
): Promise<RealtimeSession> {
  const { signal = new AbortController().signal, connectTimeoutMs } = change;
  const llm = openAIRealtime({ apiKey: "key", baseUrl, voice: "marin", connectTimeoutMs });
  return llm.connect({
    clock: systemClock,
    logger: silentLogger,
    signal,
    instructions: "Be brief.",
    tools: [{ name: "look", description: "Looks", parameters: { type: "object" } }],
    history: [
      { role: "user", text: "Hi", name: "Ann" },
      { role: "assistant", text: "Hello Ann." },
    ],
  });
}

async function next(events: AsyncIterator<RealtimeEvent>, count = 1): Promise<RealtimeEvent[]> {
  const list: RealtimeEvent[] = [];
  while (list.length < count) list.push((await events.next()).value);
  return list;
}

const participant = {
  original: undefined,
  userId: "a",
  id: "a",
  name: "A",
  kind: "person",
} as const;

Deno.test("a realtime session is begun with its settings, its key and what was said before", async () => {
  await using double = new RealtimeDouble();
  await using _session = await connect(double);
  const [request] = double.requests;
  assertEquals(request?.authorization, "Bearer key");
  const { pathname, searchParams } = new URL(request!.url);
  assertEquals([pathname, searchParams.get("model")], ["/v1/realtime", OPENAI_MODELS.realtime]);
  const { session } = await double.message("session.update");
  assertEquals(session.instructions, "Be brief.");
  assertEquals(session.audio.input.format, { type: "audio/pcm", rate: 24_000 });
  assertEquals(session.audio.input.transcription, { model: OPENAI_MODELS.transcription });
  assertEquals(session.audio.output.voice, "marin");
  assertEquals(session.tools[0].name, "look");
  await double.message("conversation.item.create", 2);
  const items = double.received.filter((one) => one.type === "conversation.item.create");
  assertEquals(items.map(({ item }) => [item.role, item.content[0]]), [
    ["user", { type: "input_text", text: "Ann: Hi" }],
    ["assistant", { type: "output_text", text: "Hello Ann." }],
  ]);
});

Deno.test("sound goes to the model, and its answer comes as words and sound", async () => {
  await using double = new RealtimeDouble();
  await using session = await connect(double);
  const events = session[Symbol.asyncIterator]();
  session.sendAudio(new PcmChunk(Int16Array.of(1, 2, 3), { sampleRate: 24_000 }), participant);
  const { audio } = await double.message("input_audio_buffer.append");
  assertEquals(audio, Uint8Array.of(1, 0, 2, 0, 3, 0).toBase64());
  double.send({ type: "input_audio_buffer.speech_started" });
  double.send({ type: "input_audio_buffer.speech_stopped" });
  const transcription = "conversation.item.input_audio_transcription";
  double.send({ type: `${transcription}.delta`, item_id: "u", delta: "How " });
  double.send({ type: `${transcription}.delta`, item_id: "u", delta: "are" });
  double.send({ type: `${transcription}.completed`, item_id: "u", transcript: "How are you?" });
  double.send({ type: "response.created", response: { id: "r" } });
  const part = { response_id: "r", item_id: "i" };
  double.send({ type: "response.output_audio_transcript.delta", ...part, delta: "Fine." });
  // Cut in the middle of a sample.
  const sound = [Uint8Array.of(5, 0, 6), Uint8Array.of(0, 7, 0)];
  for (const piece of sound) {
    double.send({ type: "response.output_audio.delta", ...part, delta: piece.toBase64() });
  }
  double.send({ type: "response.done", response: { id: "r", status: "completed" } });
  const got = await next(events, 9);
  assertEquals(got.slice(0, 6), [
    { type: "speech-started" },
    { type: "speech-stopped" },
    { type: "user-transcript", id: "u", text: "How ", final: false },
    { type: "user-transcript", id: "u", text: "How are", final: false },
    { type: "user-transcript", id: "u", text: "How are you?", final: true },
    { type: "text", replyId: "i", text: "Fine." },
  ]);
  assertEquals(
    got.slice(6, 8).flatMap((one) => one.type === "audio" ? [...one.pcm.samples] : []),
    [5, 6, 7],
  );
  assertEquals(got[8], { type: "reply-ended", replyId: "i" });
});

Deno.test("an interruption cancels what is being answered and cuts what is remembered", async () => {
  await using double = new RealtimeDouble();
  await using session = await connect(double);
  const events = session[Symbol.asyncIterator]();
  double.send({ type: "response.created", response: { id: "r" } });
  double.send({ type: "response.output_text.delta", response_id: "r", item_id: "i", delta: "A" });
  await next(events);
  session.interrupt("i", 1234);
  assertEquals((await double.message("response.cancel")).response_id, "r");
  const truncate = await double.message("conversation.item.truncate");
  assertEquals([truncate.item_id, truncate.audio_end_ms], ["i", 1234]);
  // It had ended by itself: that is no failure.
  double.send({ type: "error", error: { code: "response_cancel_not_active", message: "none" } });
  double.send({ type: "response.done", response: { id: "r", status: "cancelled" } });
  assertEquals(await next(events), [{ type: "reply-ended", replyId: "i" }]);
});

Deno.test("the answer to tools is asked for once, when all results are there", async () => {
  await using double = new RealtimeDouble();
  await using session = await connect(double);
  const events = session[Symbol.asyncIterator]();
  double.send({ type: "response.created", response: { id: "r" } });
  for (const call_id of ["c1", "c2"]) {
    const item = { type: "function_call", name: "look", call_id, arguments: '{"n":1}' };
    double.send({ type: "response.output_item.done", response_id: "r", item });
  }
  assertEquals(
    await next(events, 2),
    ["c1", "c2"].map((id) => ({
      type: "tool-call",
      call: { id, name: "look", input: { n: 1 } },
    })),
  );
  session.sendToolResult("c1", { text: "one", isError: false });
  double.send({ type: "response.done", response: { id: "r", status: "completed" } });
  await double.message("conversation.item.create", 3);
  assertEquals(double.received.some(({ type }) => type === "response.create"), false);
  session.sendToolResult("c2", { text: "two", isError: false });
  await double.message("response.create");
  const outputs = double.received.filter(({ item }) => item?.type === "function_call_output");
  assertEquals(outputs.map(({ item }) => item.output), ["one", "two"]);
});

Deno.test("text, pictures and what is to be said are told to the model", async () => {
  await using double = new RealtimeDouble();
  await using session = await connect(double);
  session.sendText("Hello", { name: "Bob", generateReply: true });
  const { item } = await double.message("conversation.item.create", 3);
  assertEquals(item.content, [{ type: "input_text", text: "Bob: Hello" }]);
  await double.message("response.create");
  session.sendImage!({
    mediaType: "image/jpeg",
    data: Uint8Array.of(9),
    width: 1,
    height: 1,
  });
  const { item: image } = await double.message("conversation.item.create", 4);
  assertEquals(image.content, [{ type: "input_image", image_url: "data:image/jpeg;base64,CQ==" }]);
  session.say("Good night.");
  const { response } = await double.message("response.create", 2);
  assert(response.instructions.endsWith("Good night."));
});

Deno.test("malformed events and failures are told, and the session goes on", async () => {
  await using double = new RealtimeDouble();
  await using session = await connect(double);
  const events = session[Symbol.asyncIterator]();
  double.send("{broken");
  double.send({ nothing: 1 });
  double.send({ type: "response.output_audio.delta", item_id: "i", response_id: "r", delta: "*" });
  double.send({ type: "error", error: { code: "rate_limit_exceeded", message: "slow down" } });
  double.send({ type: "something.new" });
  double.send({ type: "input_audio_buffer.speech_started" });
  const got = await next(events, 5);
  const codes = got.map((one) =>
    one.type === "error" ? (one.error as InferenceError).code : one.type
  );
  assertEquals(codes, [
    "malformed",
    "malformed",
    "malformed",
    "rate_limit_exceeded",
    "speech-started",
  ]);
});

Deno.test("a session that breaks off ends with an error, and one that is closed without", async () => {
  await using double = new RealtimeDouble();
  const lost = await connect(double);
  const events = lost[Symbol.asyncIterator]();
  double.socket.close(1011, "restarting");
  const error = await assertRejects(() => events.next());
  assertInstanceOf(error, InferenceError);
  assertEquals([error.code, error.retryable], ["cut-off", true]);
  await lost[Symbol.asyncDispose]();
  const closed = await connect(double);
  const ended = closed[Symbol.asyncIterator]().next();
  await closed[Symbol.asyncDispose]();
  assertEquals((await ended).done, true);
});

Deno.test("a service that refuses, fails or keeps silent begins no session", async () => {
  await using refusing = new RealtimeDouble({ refuse: 401 });
  const first = await assertRejects(() => connect(refusing));
  assertInstanceOf(first, InferenceError);
  assertEquals([first.code, first.retryable, first.status], ["unauthorized", false, 401]);
  assertEquals(first.message, "openai-realtime: responded with 401: the key is not accepted");
  const lost = await assertRejects(() => connect({ baseUrl: "http://127.0.0.1:1/v1" }));
  assertInstanceOf(lost, InferenceError);
  assertEquals(lost.retryable, true);
  assertMatch(lost.message, /closed \(.*connect/);
  await using failing = new RealtimeDouble({
    onUpdate: (double) =>
      double.send({ type: "error", error: { code: "invalid_api_key", message: "bad key" } }),
  });
  const second = await assertRejects(() => connect(failing));
  assertInstanceOf(second, InferenceError);
  assertEquals(second.code, "invalid_api_key");
  await using silent = new RealtimeDouble({ onUpdate: () => {} });
  const third = await assertRejects(() => connect(silent, { connectTimeoutMs: 50 }));
  assertInstanceOf(third, InferenceError);
  assertEquals(third.code, "unreachable");
  const controller = new AbortController();
  const joining = connect(silent, { signal: controller.signal });
  controller.abort(new Error("left"));
  await assertRejects(() => joining, Error, "left");
});
