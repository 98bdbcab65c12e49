import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import type {
  RealtimeEvent,
  RealtimeSession,
  RealtimeSessionOptions,
} from "../../src/inference/contracts/realtime_llm.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { systemClock } from "../../src/events/clock.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { OPENAI_MODELS, openAIRealtime } from "../../src/adapters/openai/realtime.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import { sessionOptions } from "../../src/testing/conformance/models/realtime_fixture.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { LossyProxy } from "./_lossy_proxy.ts";
import { RealtimeDouble } from "./_realtime_double.ts";

function connect(
  { baseUrl }: { baseUrl: string },
  change: Partial<RealtimeSessionOptions> & { connectTimeoutMs?: number } = {},
): Promise<RealtimeSession> {
  const { signal = new AbortController().signal, connectTimeoutMs, ...rest } = change;
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
    ...rest,
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

Deno.test("openAIRealtime begins a session with its settings, its key and what was said before", async () => {
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

Deno.test("openAIRealtime sends sound to the model, and receives its reply as words and sound", async () => {
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
  const got = await next(events, 10);
  assertEquals(got.slice(0, 7), [
    { type: "speech-started" },
    { type: "speech-stopped" },
    { type: "user-transcript", id: "u", text: "How ", final: false },
    { type: "user-transcript", id: "u", text: "How are", final: false },
    { type: "user-transcript", id: "u", text: "How are you?", final: true, error: undefined },
    { type: "reply-started", replyId: "r", requestId: undefined },
    { type: "text", replyId: "r", text: "Fine." },
  ]);
  assertEquals(
    got.slice(7, 9).flatMap((one) => one.type === "audio" ? [...one.pcm.samples] : []),
    [5, 6, 7],
  );
  assertEquals(got[9], {
    type: "reply-ended",
    replyId: "r",
    status: "completed",
    reason: undefined,
    error: undefined,
  });
});

/** Sends so much of the audio of an item. */
function sendAudio(double: RealtimeDouble, item: string, ms: number, response = "r"): void {
  const delta = new Uint8Array(48 * ms).toBase64();
  const part = { response_id: response, item_id: item, output_index: 0, content_index: 0 };
  double.send({ type: "response.output_audio.delta", ...part, delta });
}

Deno.test("openAIRealtime cancels an interrupted response, and cuts what is remembered", async () => {
  await using double = new RealtimeDouble();
  await using session = await connect(double);
  const events = session[Symbol.asyncIterator]();
  double.send({ type: "response.created", response: { id: "r" } });
  sendAudio(double, "first", 1000);
  sendAudio(double, "second", 1000);
  sendAudio(double, "third", 1000);
  await next(events, 4);
  session.interrupt("r", 1234.5);
  assertEquals((await double.message("response.cancel")).response_id, "r");
  const { event_id: _, ...truncate } = await double.message("conversation.item.truncate");
  const type = "conversation.item.truncate";
  assertEquals(truncate, { type, item_id: "second", content_index: 0, audio_end_ms: 234 });
  assertEquals((await double.message("conversation.item.delete")).item_id, "third");
  // It had ended by itself: that is no failure.
  double.send({ type: "error", error: { code: "response_cancel_not_active", message: "none" } });
  double.send({ type: "response.done", response: { id: "r", status: "cancelled" } });
  const [ended] = await next(events);
  assert(ended?.type === "reply-ended");
  assertEquals([ended.replyId, ended.status], ["r", "cancelled"]);
});

Deno.test("openAIRealtime truncates nothing to 0 ms, nor to more than there is", async () => {
  await using double = new RealtimeDouble();
  await using session = await connect(double);
  const events = session[Symbol.asyncIterator]();
  double.send({ type: "response.created", response: { id: "r" } });
  await next(events);
  // Before any audio there is nothing to cut: the service would refuse it.
  session.interrupt("r", 0);
  await double.message("response.cancel");
  sendAudio(double, "unheard", 500);
  await next(events);
  double.send({ type: "response.done", response: { id: "r", status: "completed" } });
  await next(events);
  session.interrupt("r", 0);
  assertEquals((await double.message("conversation.item.delete")).item_id, "unheard");
  session.interrupt("r", 9999);
  session.interrupt("never", 5);
  session.sendText("Hello", {});
  await double.message("conversation.item.create", 3);
  const types = double.received.map(({ type }) => type);
  assertEquals(types.filter((type) => type === "conversation.item.truncate"), []);
  assertEquals(types.filter((type) => type === "response.cancel").length, 1);
  // An item that the service does not know is gone already.
  const { event_id } = await double.message("conversation.item.delete");
  double.send({ type: "error", error: { code: "item_delete_invalid_item_id", event_id } });
  double.send({ type: "input_audio_buffer.speech_started" });
  assertEquals(await next(events), [{ type: "speech-started" }]);
});

/** The end of an item that calls a tool. */
function callItem(call_id: string, rest: object = {}): object {
  const item = { type: "function_call", name: "look", call_id, arguments: '{"n":1}', ...rest };
  return { type: "response.output_item.done", response_id: "r", item };
}

Deno.test("openAIRealtime passes calls on, and tells of the reply only when it is asked to", async () => {
  await using double = new RealtimeDouble();
  await using session = await connect(double);
  const events = session[Symbol.asyncIterator]();
  double.send({ type: "response.created", response: { id: "r" } });
  for (const id of ["c1", "c2"]) double.send(callItem(id, { status: "completed" }));
  double.send({ type: "response.done", response: { id: "r", status: "completed" } });
  const call = { name: "look", input: { n: 1 } };
  assertEquals((await next(events, 4)).slice(1, 3), [
    { type: "tool-call", replyId: "r", call: { id: "c1", ...call }, fault: undefined },
    { type: "tool-call", replyId: "r", call: { id: "c2", ...call }, fault: undefined },
  ]);
  session.sendToolResult("c1", { text: "one", isError: false });
  session.sendToolResult("c2", { text: "two", isError: false });
  await double.message("conversation.item.create", 4);
  assertEquals(double.received.some(({ type }) => type === "response.create"), false);
  const outputs = double.received.filter(({ item }) => item?.type === "function_call_output");
  assertEquals(outputs.map(({ item }) => item.output), ["one", "two"]);
  session.requestReply({ id: "q" });
  assertEquals((await double.message("response.create")).response, { metadata: { request: "q" } });
});

Deno.test("openAIRealtime runs no call that was cut off, and shows those of the response only", async () => {
  await using double = new RealtimeDouble();
  await using session = await connect(double);
  const events = session[Symbol.asyncIterator]();
  double.send({ type: "response.created", response: { id: "r" } });
  const cut = callItem("cut", { status: "incomplete", arguments: '{"n":' });
  double.send(cut);
  // Cancelled before it had any arguments.
  double.send(callItem("empty", { status: "incomplete", arguments: "" }));
  // Said to be complete, and is not.
  double.send(callItem("broken", { status: "completed", arguments: '{"n":' }));
  double.send(callItem("whole", { status: "completed" }));
  const { item } = cut as { item: object };
  const late = { ...item, call_id: "late", status: "completed", arguments: "" };
  const output = [item, late, { type: "message", role: "assistant", content: [] }];
  const status_details = { type: "incomplete", reason: "max_output_tokens" };
  double.send({
    type: "response.done",
    response: { id: "r", status: "incomplete", status_details, output },
  });
  const got = await next(events, 7);
  assertEquals(
    got.flatMap((one) =>
      one.type === "tool-call" ? [[one.call.id, one.call.input, one.fault]] : []
    ),
    [
      ["cut", {}, "the call was cut off"],
      ["empty", {}, "the call was cut off"],
      ["broken", {}, "the arguments are not JSON"],
      ["whole", { n: 1 }, undefined],
      ["late", {}, undefined],
    ],
  );
  const ended = got.at(-1);
  assert(ended?.type === "reply-ended");
  assertEquals([ended.status, ended.reason], ["incomplete", "max_output_tokens"]);
  // The service may not have kept it: that its output is refused is no failure.
  session.sendToolResult("cut", { text: "error: cut off", isError: true });
  const { event_id } = await double.message("conversation.item.create", 3);
  double.send({ type: "error", error: { code: "invalid_request_error", event_id } });
  double.send({ type: "input_audio_buffer.speech_started" });
  assertEquals(await next(events), [{ type: "speech-started" }]);
});

Deno.test("openAIRealtime knows which response was asked for, and which the service began", async () => {
  await using double = new RealtimeDouble();
  await using session = await connect(double);
  const events = session[Symbol.asyncIterator]();
  const starts = async (response: object) => {
    double.send({ type: "response.created", response });
    const [one] = await next(events);
    return one?.type === "reply-started" ? [one.replyId, one.requestId] : one;
  };
  session.requestReply({ id: "q1", say: "Good night." });
  const { response, event_id } = await double.message("response.create");
  assert(response.instructions.endsWith("Good night."));
  assertEquals([response.tool_choice, event_id], ["none", "q1"]);
  // A service that returns no metadata.
  assertEquals(await starts({ id: "r1" }), ["r1", "q1"]);
  session.requestReply({ id: "q2" });
  assertEquals(await starts({ id: "r2", metadata: { request: "q2" } }), ["r2", "q2"]);
  // One that does, and began a response to a turn before it was asked.
  session.requestReply({ id: "q3" });
  assertEquals(await starts({ id: "r3", metadata: null }), ["r3", undefined]);
  const code = "conversation_already_has_active_response";
  double.send({ type: "error", error: { code, message: "busy", event_id: "q3" } });
  const [refused] = await next(events);
  assert(refused?.type === "reply-refused");
  assertEquals([refused.requestId, refused.error.code, refused.error.retryable], [
    "q3",
    code,
    true,
  ]);
  session.requestReply({ id: "q4" });
  double.send({ type: "error", error: { code, message: "busy", event_id: null } });
  assertEquals((await next(events))[0]?.type, "reply-refused");
  session.requestReply({ id: "q5" });
  double.send({ type: "error", error: { code: "invalid_value", message: "no", event_id: "q5" } });
  const [wrong] = await next(events);
  assert(wrong?.type === "reply-refused");
  assertEquals(wrong.error.retryable, false);
});

Deno.test("openAIRealtime ends a turn that the service does not end, and asks for the reply", async () => {
  await using double = new RealtimeDouble();
  await using session = await connect(double);
  const events = session[Symbol.asyncIterator]();
  session.commitTurn!();
  await double.message("input_audio_buffer.commit");
  double.send({ type: "input_audio_buffer.committed", item_id: "u" });
  assertEquals(await next(events), [{ type: "speech-stopped", awaitsReply: true }]);
  // The service noticed at the same moment: it replies itself, and there is nothing to commit.
  session.commitTurn!();
  const { event_id } = await double.message("input_audio_buffer.commit", 2);
  double.send({ type: "input_audio_buffer.speech_stopped" });
  double.send({ type: "input_audio_buffer.committed", item_id: "v" });
  const code = "input_audio_buffer_commit_empty";
  double.send({ type: "error", error: { code, message: "empty", event_id } });
  double.send({ type: "input_audio_buffer.speech_started" });
  assertEquals(await next(events, 2), [{ type: "speech-stopped" }, { type: "speech-started" }]);
  // It heard nothing that it could commit.
  session.commitTurn!();
  double.send({ type: "error", error: { code, message: "empty", event_id } });
  assertEquals(await next(events), [{ type: "speech-stopped", awaitsReply: false }]);
});

Deno.test("openAIRealtime reports what failed: a response, a transcription", async () => {
  await using double = new RealtimeDouble();
  await using session = await connect(double);
  const events = session[Symbol.asyncIterator]();
  // Without an event that it was created, as services do when a quota is used up.
  const error = { type: "server_error", code: null, message: "sorry" };
  const failed = { id: "r", status: "failed", status_details: { type: "failed", error } };
  double.send({ type: "response.done", response: failed });
  const [started, ended] = await next(events, 2);
  assertEquals(started?.type, "reply-started");
  assert(ended?.type === "reply-ended");
  assertEquals([ended.status, ended.error?.message, ended.error?.retryable], [
    "failed",
    "openai-realtime: sorry",
    true,
  ]);
  const transcription = "conversation.item.input_audio_transcription";
  double.send({ type: `${transcription}.delta`, item_id: "u", delta: "Good m" });
  double.send({ type: `${transcription}.failed`, item_id: "u", error: { message: "too noisy" } });
  const [, transcript] = await next(events, 2);
  assert(transcript?.type === "user-transcript");
  assertEquals([transcript.text, transcript.final], ["Good m", true]);
  assertEquals((transcript.error as Error).message, "openai-realtime: too noisy");
});

Deno.test("openAIRealtime sends text and images", async () => {
  await using double = new RealtimeDouble();
  await using session = await connect(double);
  session.sendText("Hello", { name: "Bob" });
  const { item } = await double.message("conversation.item.create", 3);
  assertEquals(item.content, [{ type: "input_text", text: "Bob: Hello" }]);
  session.sendImage!({
    mediaType: "image/jpeg",
    data: Uint8Array.of(9),
    width: 1,
    height: 1,
  });
  const { item: image } = await double.message("conversation.item.create", 4);
  assertEquals(image.content, [{ type: "input_image", image_url: "data:image/jpeg;base64,CQ==" }]);
});

Deno.test("openAIRealtime reports malformed events and failures, and goes on", async () => {
  await using double = new RealtimeDouble();
  await using session = await connect(double);
  const events = session[Symbol.asyncIterator]();
  double.send("{broken");
  double.send({ nothing: 1 });
  double.send({ type: "response.created", response: { id: "r" } });
  double.send({ type: "response.output_audio.delta", item_id: "i", response_id: "r", delta: "*" });
  double.send({ type: "error", error: { code: "rate_limit_exceeded", message: "slow down" } });
  double.send({ type: "something.new" });
  double.send({ type: "input_audio_buffer.speech_started" });
  const got = await next(events, 6);
  const codes = got.map((one) =>
    one.type === "error" ? (one.error as InferenceError).code : one.type
  );
  assertEquals(codes, [
    "malformed",
    "malformed",
    "reply-started",
    "malformed",
    "rate_limit_exceeded",
    "speech-started",
  ]);
});

Deno.test("openAIRealtime ends a session that breaks off with an error, and one that is closed without", async () => {
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

Deno.test("openAIRealtime gives a new session the calls of the conversation, and their results", async () => {
  await using double = new RealtimeDouble();
  const call = { id: "c", name: "look", input: { n: 1 } };
  await using _session = await connect(double, {
    history: [
      { role: "system", text: "not sent" },
      { role: "assistant", text: "Wait.", toolCalls: [call] },
      { role: "tool", callId: "c", name: "look", text: "dark", isError: false },
      { role: "assistant", text: "It is dark." },
    ],
  });
  await double.message("conversation.item.create", 4);
  const items = double.received.flatMap(({ item }) => item ?? []);
  assertEquals(items.map(({ type, role }) => role ?? type), [
    "assistant",
    "function_call",
    "function_call_output",
    "assistant",
  ]);
  const sent = { type: "function_call", call_id: "c", name: "look", arguments: '{"n":1}' };
  assertEquals(items[1], sent);
  assertEquals(items[2], { type: "function_call_output", call_id: "c", output: "dark" });
});

Deno.test("openAIRealtime takes headers, a key for each session, a query, a language, and more settings", async () => {
  await using double = new RealtimeDouble();
  let keys = 0;
  const llm = openAIRealtime({
    baseUrl: `${double.baseUrl}?api-version=2026-10-01`,
    model: "mine",
    getApiKey: () => Promise.resolve(`key-${++keys}`),
    headers: { "API-Key": "azure" },
    language: "de",
    providerOptions: { tool_choice: "required" },
  });
  for (const key of ["key-1", "key-2"]) {
    await using _session = await llm.connect(sessionOptions({}));
    const { url, authorization, headers } = double.requests.at(-1)!;
    assertEquals([authorization, headers["api-key"]], [`Bearer ${key}`, "azure"]);
    const { pathname, search } = new URL(url);
    assertEquals([pathname, search], ["/v1/realtime", "?api-version=2026-10-01&model=mine"]);
  }
  const { session } = await double.message("session.update");
  assertEquals(session.audio.input.transcription.languages, ["de"]);
  assertEquals(session.tool_choice, "required");
  const own = openAIRealtime({
    apiKey: "unused",
    baseUrl: double.baseUrl,
    headers: { Authorization: "Basic own" },
  });
  await using _session = await own.connect(sessionOptions({}));
  assertEquals(double.requests.at(-1)!.authorization, "Basic own");
  const failing = openAIRealtime({
    baseUrl: double.baseUrl,
    getApiKey: () => Promise.reject(new Error("the vault is locked")),
  });
  await assertRejects(() => failing.connect(sessionOptions({})), Error, "the vault is locked");
});

Deno.test("openAIRealtime says a minute before that the session ends", async () => {
  const clock = new VirtualClock();
  const expires_at = Date.now() / 1000 + 70;
  await using double = new RealtimeDouble({ session: { expires_at } });
  await using session = await connect(double, { clock });
  const events = session[Symbol.asyncIterator]();
  const ending = next(events);
  await clock.advance(11_000);
  assertEquals(await ending, [{ type: "session-ending", timeLeftMs: 60_000 }]);
  const expired = { type: "invalid_request_error", code: "session_expired", message: "60 minutes" };
  double.send({ type: "error", error: expired });
  const error = await assertRejects(() => events.next());
  assertInstanceOf(error, InferenceError);
  assertEquals(error.retryable, true);
});

Deno.test("openAIRealtime notices a dead connection on which nothing is said", async () => {
  const clock = new VirtualClock();
  await using double = new RealtimeDouble();
  await using proxy = new LossyProxy(double);
  const session = await connect(proxy, { clock });
  const events = session[Symbol.asyncIterator]();
  await double.message("conversation.item.create", 2);
  await clock.advance(15_000);
  // This changes nothing, and is answered.
  const { session: settings } = await double.message("session.update", 2);
  assertEquals(settings, { type: "realtime" });
  double.send({ type: "input_audio_buffer.speech_started" });
  await next(events);
  const { swallowed } = proxy.lose();
  const ended = assertRejects(() => events.next(), InferenceError, "the socket is silent");
  await clock.advance(35_000);
  await swallowed;
  await ended;
  const closing = session[Symbol.asyncDispose]();
  await clock.advance(1000);
  await closing;
});

Deno.test("openAIRealtime begins no session with a service that refuses, fails or is silent", async () => {
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
