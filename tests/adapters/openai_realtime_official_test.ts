/**
 * OpenAI's realtime protocol by its official clients: the `openai` package and `@openai/agents-realtime`
 * drive the service that our tests use, then our adapter does, in a call. All messages, of both sides,
 * compile against the package's types.
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import OpenAI from "npm:openai@7.57.0";
import type {
  RealtimeClientEvent,
  RealtimeServerEvent,
} from "npm:openai@7.57.0/resources/realtime/realtime";
import { OpenAIRealtimeWS } from "npm:openai@7.57.0/realtime/ws";
import { RealtimeAgent, RealtimeSession, tool } from "npm:@openai/agents-realtime@0.20.0";
import { Agent } from "../../src/agent/agent.ts";
import type { AgentOptions } from "../../src/agent/agent_options.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { openAIRealtime } from "../../src/adapters/openai/realtime.ts";
import { ErrorEvent } from "../../src/edge/events.ts";
import { selfSignedCertificate } from "../../src/edges/local/certificate.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { sleep } from "../../src/events/waiting.ts";
import { systemClock } from "../../src/events/clock.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import { handoffTool } from "../../src/agent/handoff_tool.ts";
import { defineTool } from "../../src/inference/contracts/tool.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { compiles, samples } from "./_compiles.ts";
import { RealtimeService } from "./_realtime_service.ts";
import { sound } from "../inference/_fixture.ts";

/** Waits for a condition, on the machine's clock. */
async function eventually(condition: () => boolean, what: string): Promise<void> {
  for (let waited = 0; !condition(); waited += 20) {
    if (waited > 8000) throw new Error(`did not happen: ${what}`);
    await sleep(20);
  }
}

/** What was said, as a client sends it. */
function audio(ms: number, isLoud: boolean): string {
  const { samples } = sound(ms * 24 / 16, isLoud ? 6000 : 0);
  return new Uint8Array(samples.buffer, 0, 48 * ms).toBase64();
}

Deno.test({
  name: "the official openai client talks with the service that the tests use",
  // Node's `ws` ends its timers later.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const { cert, key } = await selfSignedCertificate(["127.0.0.1"]);
    await using service = new RealtimeService({
      script: [
        { text: "Well, thank you.", isHeld: true },
        { text: "It is noon." },
        { call: { name: "look", arguments: '{"n":1}' } },
        { text: "Never heard.", isHeld: true },
      ],
      heard: ["How are you?", "Stop."],
      tls: { cert, key },
    });
    const client = new OpenAI({ baseURL: service.baseUrl, apiKey: "key" });
    const options = { rejectUnauthorized: false };
    const socket = new OpenAIRealtimeWS({ model: "gpt-realtime-2.1", options }, client);
    const events: RealtimeServerEvent[] = [];
    const errors: string[] = [];
    const failures: unknown[] = [];
    socket.on("event", (event) => void events.push(event));
    socket.on(
      "error",
      (error) => void (error.error ? errors.push(error.error.message) : failures.push(error)),
    );
    const types = () => events.map(({ type }) => type);
    const once = (type: RealtimeServerEvent["type"], count = 1) =>
      eventually(() => types().filter((one) => one === type).length >= count, `${type} ${count}`);
    try {
      await once("session.created");
      socket.send({
        type: "session.update",
        session: {
          type: "realtime",
          audio: { input: { transcription: { model: "gpt-transcribe" } } },
        },
      });
      await once("session.updated");
      assert(service.session.audio?.input?.turn_detection, "what is not sent stays as it was");
      for (const one of [audio(400, true), audio(500, false)]) {
        socket.send({ type: "input_audio_buffer.append", audio: one });
      }
      await once("response.created");
      socket.send({ type: "response.create", event_id: "busy" });
      await once("error");
      assertMatch(errors[0]!, /already has an active response/);
      service.release();
      await once("response.done");
      const order = [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "response.created",
        "response.output_item.added",
        "response.output_audio.delta",
        "response.output_item.done",
        "response.done",
      ] as const;
      const places = order.map((type) => types().indexOf(type));
      assertEquals(places, places.toSorted((a, b) => a - b), types().join("\n"));
      socket.send({ type: "response.create", response: { metadata: { request: "one" } } });
      await once("response.done", 2);
      const done = events.findLast((one) => one.type === "response.done")!;
      assertEquals(done.response.metadata, { request: "one" });
      const [item] = done.response.output!;
      const truncate = { type: "conversation.item.truncate", content_index: 0 } as const;
      socket.send({ ...truncate, item_id: item!.id!, audio_end_ms: 300 });
      await once("conversation.item.truncated");
      socket.send({ ...truncate, item_id: item!.id!, audio_end_ms: 0 });
      socket.send({ ...truncate, item_id: item!.id!, audio_end_ms: 99_999 });
      socket.send({ type: "conversation.item.delete", item_id: "unknown" });
      socket.send({ type: "response.cancel" });
      socket.send({ type: "input_audio_buffer.commit" });
      await once("error", 6);
      socket.send({ type: "response.create" });
      await once("response.done", 3);
      const called = events.findLast((one) => one.type === "response.done")!.response.output![0]!;
      assert(called.type === "function_call" && called.status === "completed");
      const output = {
        type: "function_call_output",
        call_id: called.call_id!,
        output: "dark",
      } as const;
      socket.send({ type: "conversation.item.create", item: output });
      socket.send({ type: "conversation.item.create", item: { ...output, call_id: "unknown" } });
      await once("error", 7);
      socket.send({ type: "response.create" });
      await once("response.created", 4);
      socket.send({ type: "input_audio_buffer.append", audio: audio(200, true) });
      await once("response.done", 4);
      const { response } = events.findLast((one) => one.type === "response.done")!;
      assertEquals([response.status, response.status_details?.reason], [
        "cancelled",
        "turn_detected",
      ]);
      assertEquals(failures, []);
    } finally {
      socket.close();
      await eventually(() => socket.socket.readyState === 3, "the socket is closed");
    }
  },
});

Deno.test({
  name: "the official openai client is replied to in text, and replaces what was not heard of it",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const { cert, key } = await selfSignedCertificate(["127.0.0.1"]);
    await using service = new RealtimeService({
      script: [{ text: "Once upon a time." }],
      tls: { cert, key },
    });
    const client = new OpenAI({ baseURL: service.baseUrl, apiKey: "key" });
    const options = { rejectUnauthorized: false };
    const socket = new OpenAIRealtimeWS({ model: "gpt-realtime-2.1", options }, client);
    const events: RealtimeServerEvent[] = [];
    const errors: string[] = [];
    socket.on("event", (event) => void events.push(event));
    socket.on("error", (error) => void errors.push(error.error?.message ?? error.message));
    const once = (type: RealtimeServerEvent["type"]) =>
      eventually(() => events.some((one) => one.type === type), type);
    try {
      await once("session.created");
      socket.send({
        type: "session.update",
        session: { type: "realtime", output_modalities: ["text"] },
      });
      await once("session.updated");
      socket.send({ type: "response.create" });
      await once("response.done");
      const texts = events.flatMap((one) =>
        one.type === "response.output_text.delta" ? one.delta : []
      );
      assertEquals(texts.join(""), "Once upon a time.");
      assert(!events.some(({ type }) => type === "response.output_audio.delta"));
      const id = service.items[0]!.id!;
      const ask = { type: "message", role: "user" } as const;
      socket.send({
        type: "conversation.item.create",
        item: { ...ask, content: [{ type: "input_text", text: "And?" }] },
      });
      const content = [{ type: "output_text", text: "Once" } as const];
      const heard = { type: "message", role: "assistant", content } as const;
      const create = { type: "conversation.item.create", item: heard } as const;
      socket.send({ ...create, previous_item_id: id });
      socket.send({ type: "conversation.item.delete", item_id: id });
      await once("conversation.item.deleted");
      assertEquals(said(service), ["assistant: Once", "user: And?"]);
      socket.send({ ...create, previous_item_id: "unknown" });
      socket.send({
        type: "conversation.item.truncate",
        item_id: service.items[0]!.id!,
        content_index: 0,
        audio_end_ms: 100,
      });
      await eventually(() => errors.length === 2, "what cannot be is refused");
    } finally {
      socket.close();
      await eventually(() => socket.socket.readyState === 3, "the socket is closed");
    }
  },
});

/** The texts of the service's conversation. */
function said({ items }: RealtimeService): string[] {
  return items.flatMap((item) =>
    item.type !== "message" ? [] : item.content.map((part) => {
      const text = "text" in part ? part.text : "transcript" in part ? part.transcript : "";
      return `${item.role}: ${text}`;
    })
  );
}

Deno.test({
  name: "the official agents' client has a conversation with the service that the tests use",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    await using service = new RealtimeService({
      script: [
        { call: { name: "look", arguments: "{}" } },
        { text: "It is dark." },
        { text: "A long story without an end.", isHeld: true },
        { text: "Fine." },
      ],
      heard: ["Is it dark?", "Stop."],
    });
    let looks = 0;
    const look = tool({
      name: "look",
      description: "Looks",
      parameters: { type: "object", properties: {}, required: [], additionalProperties: false },
      strict: true,
      execute: () => `dark ${++looks}`,
    });
    const agent = new RealtimeAgent({ name: "Agent", instructions: "Be brief.", tools: [look] });
    const session = new RealtimeSession(agent, { transport: "websocket" });
    const failures: unknown[] = [];
    session.on("error", (error) => void failures.push(error));
    let interruptions = 0;
    session.on("audio_interrupted", () => void interruptions++);
    let audioBytes = 0;
    session.on("audio", ({ data }) => void (audioBytes += data.byteLength));
    try {
      const url = `${service.baseUrl.replace("http", "ws")}/realtime?model=gpt-realtime-2.1`;
      await session.connect({ apiKey: "key", url });
      const say = async (ms: number) => {
        for (const one of [audio(ms, true), audio(500, false)]) {
          session.sendAudio(Uint8Array.fromBase64(one).buffer);
        }
        await sleep(0);
      };
      await say(400);
      await eventually(() => audioBytes >= 48 * 50 * "It is dark.".length, "the reply is heard");
      assertEquals(looks, 1);
      const output = service.items.find((one) => one.type === "function_call_output");
      assertEquals(output?.type === "function_call_output" && output.output, "dark 1");
      session.sendMessage("Tell me a story.");
      await eventually(() => audioBytes > 48 * 1000, "the story begins");
      await say(400);
      await eventually(() => interruptions === 1, "the interruption");
      await eventually(
        () => service.sent.filter(({ type }) => type === "response.done").length === 4,
        "the last reply",
      );
      const texts = session.history.flatMap((one) =>
        one.type === "message" && one.role === "assistant"
          ? one.content.map((part) => "transcript" in part ? part.transcript : "")
          : []
      );
      assertEquals(texts.at(-1), "Fine.");
      // This client cancels what the service has cancelled itself.
      const late = service.errors.every((one) => one === "no active response found");
      assertEquals([late, failures.length], [true, service.errors.length]);
    } finally {
      session.close();
    }
  },
});

/** A call with an agent of our own adapter, on the machine's clock. */
async function call(
  service: RealtimeService,
  run: (call: {
    agent: Agent;
    edge: MemoryEdge;
    say: (ms: number, thenMs: number) => Promise<void>;
    mute: () => void;
    heardMs: () => number;
  }) => Promise<void>,
  more: Partial<AgentOptions> = {},
): Promise<string[]> {
  const edge = new MemoryEdge({ logger: silentLogger });
  const errors: string[] = [];
  edge.events.subscribe(
    ErrorEvent,
    ({ error, context }) => void errors.push(`${context}: ${error}`),
  );
  const agent = new Agent({
    edge,
    agentUser: { id: "agent", name: "Agent" },
    instructions: "Be brief.",
    llm: openAIRealtime({ apiKey: "key", baseUrl: service.baseUrl, voice: "marin" }),
    tools: [defineTool({ name: "look", description: "Looks", execute: () => "dark" })],
    ...more,
  });
  try {
    const call = await agent.createCall("default", "official");
    const ann = edge.enter(call, { userId: "ann", name: "Ann", id: "ann" });
    await agent.join(call);
    await run({
      agent,
      edge,
      say: async (ms, thenMs) => {
        await ann.speak(sound(ms));
        if (thenMs > 0) {
          await ann.speak(new PcmChunk(new Int16Array(16 * thenMs), { sampleRate: 16_000 }));
        }
      },
      mute: () => ann.mute(),
      heardMs: () => ann.heardMs,
    });
  } finally {
    await agent.close();
    await edge.close();
  }
  return errors;
}

/** The messages of both sides of a call that our adapter had, of each kind. */
async function ourCall(): Promise<{ service: RealtimeService; errors: string[]; said: string[] }> {
  const service = new RealtimeService({
    script: [
      { text: "Good morning." },
      { text: "One more." },
      { text: "I am very well, thank you, and I could talk of it for a long, long time." },
      { call: { name: "look", arguments: "{}" } },
      { text: "It is dark." },
      { call: { name: "look", arguments: '{"cut' }, end: "max_output_tokens" },
      { text: "Sorry." },
      { text: "Good night." },
    ],
    heard: ["How are you?", "Is it dark?", "Look again.", "Bye."],
  });
  const said: string[] = [];
  const errors = await call(service, async ({ agent, say, mute, heardMs }) => {
    // While the first is generated and played.
    await Promise.all([agent.say("Good morning."), agent.generateReply("One more?")]);
    await say(600, 1500);
    // Over the reply.
    assert(heardMs() > 1000);
    await say(600, 2500);
    await say(600, 2500);
    await say(600, 0);
    mute();
    await sleep(3000);
    const { messages } = agent.conversation!;
    said.push(...messages.flatMap(({ role, text }) => role === "tool" ? [] : text));
  });
  return { service, errors, said };
}

let ran: ReturnType<typeof ourCall> | undefined;
const once = () => ran ??= ourCall();

Deno.test("our adapter has a conversation with that service, which refuses nothing", async () => {
  const { service, errors, said } = await once();
  await service[Symbol.asyncDispose]();
  assertEquals(service.errors, []);
  const cut = "openai-realtime: the reply is incomplete: max_output_tokens";
  assertEquals(errors, [`openai-realtime: InferenceError: ${cut}`]);
  assertEquals(said.length, 11, said.join("\n"));
  assert(said[4]!.startsWith("I am very well") && !said[4]!.endsWith("time."), said[4]);
  assertEquals(said.slice(5), [
    "Is it dark?",
    "It is dark.",
    "Look again.",
    "Sorry.",
    "Bye.",
    "Good night.",
  ]);
  const types = new Set(service.received.map(({ type }) => type));
  assertEquals([...types].sort(), [
    "conversation.item.create",
    "conversation.item.truncate",
    "input_audio_buffer.append",
    "response.create",
    "session.update",
  ]);
});

/** The messages of both sides of a call with a voice of our own, an update and a handoff. */
async function ourTextCall(): Promise<{ service: RealtimeService; errors: string[] }> {
  const service = new RealtimeService({
    script: [
      { text: "Once upon a time there was a king who had no crown, and wanted none." },
      { text: "Fine." },
      { call: { name: "hand_over_to_billing", arguments: "{}" } },
      { text: "This is billing." },
    ],
    heard: ["A story.", "Stop.", "An invoice."],
    maxInstructions: 1000,
  });
  const tts = new FakeTTS(systemClock);
  const billing = { name: "Billing", instructions: "You are billing." };
  const errors = await call(service, async ({ agent, say }) => {
    await agent.say("Recorded.");
    await say(600, 1500);
    await say(600, 1500);
    const tooLong = agent.update({ instructions: "Be brief. ".repeat(101) });
    await assertRejects(() => tooLong, InferenceError, "string too long");
    assertEquals([agent.instructions, service.session.instructions], ["Be brief.", "Be brief."]);
    await agent.update({ tools: [handoffTool({ to: billing })] });
    await say(600, 2000);
  }, { tts });
  return { service, errors };
}

let ranInText: ReturnType<typeof ourTextCall> | undefined;
const onceInText = () => ranInText ??= ourTextCall();

Deno.test("our adapter replies in text there, with a voice of its own, and hands over", async () => {
  const { service, errors } = await onceInText();
  await service[Symbol.asyncDispose]();
  // The change that the caller was told of.
  const message = "Invalid 'session.instructions': string too long.";
  const request = `a request to the agent: InferenceError: openai-realtime: ${message}`;
  assertEquals([service.errors, errors], [[message], [request]]);
  const texts = said(service);
  assertMatch(texts[2]!, /^assistant: Once upon [^,]*$/);
  assertEquals(texts.toSpliced(2, 1), [
    "assistant: Recorded.",
    "user: A story.",
    "user: Stop.",
    "assistant: Fine.",
    "user: An invoice.",
    "assistant: This is billing.",
  ]);
  const { instructions, tools, output_modalities } = service.session;
  assertEquals([instructions, tools, output_modalities], ["You are billing.", [], ["text"]]);
  const types = new Set(service.received.map(({ type }) => type));
  assertEquals([...types].sort(), [
    "conversation.item.create",
    "conversation.item.delete",
    "input_audio_buffer.append",
    "response.create",
    "session.update",
  ]);
});

/** The module of the types. */
const TYPES = "npm:openai@7.57.0/resources/realtime/realtime";
const kindOf = ({ type }: { type: string }) => type;

Deno.test("all messages of these conversations compile against the openai package's types", async () => {
  const services = (await Promise.all([once(), onceInText()])).map(({ service }) => service);
  const sent = services.flatMap(({ received }) => samples<RealtimeClientEvent>(received, kindOf));
  const got = services.flatMap((service) => samples<RealtimeServerEvent>(service.sent, kindOf));
  assert(sent.length > 15 && got.length > 40, `${sent.length} and ${got.length} messages`);
  const lists = { RealtimeClientEvent: sent, RealtimeServerEvent: got };
  assertEquals(await compiles(TYPES, lists), "");
  const wrong = { type: "response.create", response: { tool_choice: 5 } };
  assertMatch(await compiles(TYPES, { RealtimeClientEvent: [wrong] }), /TS2322/);
});
