/**
 * Realtime models of the AI SDK: the official provider of OpenAI in front of the kit's double and of the
 * service that speaks OpenAI's protocol.
 */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { createGoogle } from "npm:@ai-sdk/google@4.0.121";
import { createOpenAI } from "npm:@ai-sdk/openai@4.0.118";
import { aiSdkRealtime, type AiSdkRealtimeOptions } from "../../src/adapters/ai_sdk/mod.ts";
import { OPENAI_MODELS } from "../../src/adapters/openai/models.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import { defineTool } from "../../src/inference/contracts/tool.ts";
import { realtimeConformanceTests, type RealtimeConnectAct } from "../../src/testing/mod.ts";
import { sessionOptions } from "../../src/testing/conformance/models/realtime_fixture.ts";
import { registerTests } from "../../src/testing/conformance/models/model_test.ts";
import { until } from "../fixtures/until.ts";
import { openAIRealtimeUnderTest } from "../testing/models/_realtime_openai.ts";
import { RealtimeService } from "./_realtime_service.ts";
import { converses } from "../../scripts/verify/rounds.ts";

const model = (baseURL: string, options?: AiSdkRealtimeOptions) =>
  aiSdkRealtime(
    createOpenAI({ apiKey: "key", baseURL }).experimental_realtime(OPENAI_MODELS.realtime),
    options,
  );

// The SDK has items for what people say and for results alone: the conversation so far goes into the
// instructions.
const cannot = "a new session gets the conversation, calls and results included";
registerTests(
  "aiSdkRealtime",
  realtimeConformanceTests(
    (act: RealtimeConnectAct) => openAIRealtimeUnderTest(act, (baseUrl) => model(baseUrl)),
    { name: "aiSdkRealtime", text: false },
  ).map((one) => ({ ...one, ignore: one.ignore || one.name === cannot })),
);

Deno.test("aiSdkRealtime speaks, hears a person, and replies", async () => {
  const sentence = "The quick brown fox jumps.";
  await using service = new RealtimeService({
    script: [{ text: sentence }, { text: "Nice." }],
    heard: [sentence],
  });
  const { signal } = new AbortController();
  const llm = model(service.baseUrl, { voice: "marin", language: "en" });
  const seen = await converses(llm, { signal, speech: undefined });
  assertStringIncludes(seen, `understood "${sentence}"`);
  assertEquals(service.errors, []);
  assertEquals(service.session.audio?.output?.voice, "marin");
  assertEquals(service.session.audio?.input?.transcription?.language, "en");
});

Deno.test("aiSdkRealtime tells a new session the conversation so far", async () => {
  await using service = new RealtimeService();
  await using _session = await model(service.baseUrl).connect(sessionOptions({
    instructions: "Be brief.",
    history: [
      { role: "user", text: "Book it.", name: "Ann" },
      { role: "assistant", text: "Wait.", toolCalls: [{ id: "c", name: "book", input: { n: 2 } }] },
      { role: "tool", callId: "c", name: "book", text: "booked", isError: false },
    ],
  }));
  const { instructions = "" } = service.session;
  const [rules, conversation] = instructions.split("\n\n");
  assertEquals(rules, "Be brief.");
  assertEquals(conversation!.split("\n").slice(1), [
    "Ann: Book it.",
    "You: Wait.",
    'You called book({"n":2})',
    "book returned: booked",
  ]);
});

Deno.test("aiSdkRealtime takes all tools from a session", async () => {
  await using service = new RealtimeService();
  const execute = () => "done";
  const book = defineTool({ name: "book", description: "Books a table", execute });
  await using session = await model(service.baseUrl).connect(sessionOptions({ tools: [book] }));
  const names = () => service.session.tools?.map((one) => "name" in one && one.name);
  assertEquals(names(), ["book"]);
  await session.update!({ instructions: "Be brief.", tools: [] });
  assertEquals([names(), service.session.instructions], [[], "Be brief."]);
  await session.update!({ instructions: "Be brief.", tools: [book] });
  assertEquals(names(), ["book"]);
  assertEquals(service.errors, []);
});

Deno.test("aiSdkRealtime cuts what was not heard off the service's memory", async () => {
  await using service = new RealtimeService({
    script: [{ text: "A long sentence.", isHeld: true }],
  });
  await using session = await model(service.baseUrl).connect(sessionOptions({}));
  session.requestReply({ id: "one" });
  let replyId = "";
  let audioMs = 0;
  for await (const event of session) {
    if (event.type === "reply-started") replyId = event.replyId;
    if (event.type !== "audio") continue;
    audioMs += event.pcm.durationMs;
    if (audioMs >= 800) break;
  }
  session.interrupt(replyId, 300.6);
  await until(
    "the truncation",
    () => service.received.some(({ type }) => type === "conversation.item.truncate"),
  );
  const cut = service.received.find(({ type }) => type === "conversation.item.truncate");
  assert(cut?.type === "conversation.item.truncate" && cut.audio_end_ms === 300);
  assert(service.received.some(({ type }) => type === "response.cancel"));
  assertEquals(service.errors, []);
});

Deno.test("aiSdkRealtime says a minute before that the service ends a session", async () => {
  await using service = new RealtimeService();
  const expires_at = Math.floor(Date.now() / 1000) + 50;
  Object.assign(service.session, { expires_at });
  await using session = await model(service.baseUrl).connect(sessionOptions({}));
  for await (const event of session) {
    assert(event.type === "session-ending");
    assert(event.timeLeftMs > 0 && event.timeLeftMs <= 50_000, `${event.timeLeftMs} ms`);
    break;
  }
});

Deno.test("aiSdkRealtime names what is no such model, and one that cannot be asked", async () => {
  assertThrows(() => aiSdkRealtime({} as never), TypeError, "openai.experimental_realtime(name)");
  const google = createGoogle({ apiKey: "key" }).experimental_realtime("gemini-live");
  await assertRejects(
    () => aiSdkRealtime(google).connect(sessionOptions({})),
    InferenceError,
    "geminiLive",
  );
});
