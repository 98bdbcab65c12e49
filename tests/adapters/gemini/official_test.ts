/**
 * The double of Gemini Live is first used by Google's own client, then by our adapter, in a call. What we
 * send compiles as the package's types.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  GoogleGenAI,
  type LiveClientMessage,
  type LiveServerMessage,
  Modality,
} from "npm:@google/genai@3.3.0";
import { geminiLive } from "../../../src/adapters/gemini/mod.ts";
import { PcmChunk } from "../../../src/audio/pcm_chunk.ts";
import { systemClock } from "../../../src/events/clock.ts";
import { silentLogger } from "../../../src/events/logger.ts";
import { InferenceError } from "../../../src/inference/contracts/errors.ts";
import type {
  RealtimeEvent,
  RealtimeSession,
} from "../../../src/inference/contracts/realtime_llm.ts";
import { tone } from "../../../src/testing/sounds.ts";
import { until } from "../../fixtures/until.ts";
import { compiles, samples } from "../_compiles.ts";
import { send, startGemini } from "./_double.ts";

const MODEL = "gemini-3.1-flash-live-preview";
const look = { name: "look", description: "Looks", parameters: { type: "object" as const } };
const ann = { original: undefined, id: "ann", userId: "ann", name: "Ann", kind: "person" as const };

/** The turns of a service that is asked something, calls a tool, and is interrupted. */
const TURNS: Parameters<typeof send>[1][][] = [
  [
    { serverContent: { inputTranscription: { text: "Is it " } } },
    { serverContent: { inputTranscription: { text: "dark?" } } },
    { toolCall: { functionCalls: [{ id: "c1", name: "look", args: { far: true } }] } },
  ],
  [
    {
      serverContent: {
        modelTurn: {
          role: "model",
          parts: [{
            inlineData: {
              mimeType: "audio/pcm;rate=24000",
              data: new Uint8Array(tone(100, { sampleRate: 24_000 }).samples.buffer).toBase64(),
            },
          }],
        },
      },
    },
    { serverContent: { outputTranscription: { text: "It is dark." } } },
    { serverContent: { interrupted: true } },
    { serverContent: { turnComplete: true } },
    { goAway: { timeLeft: "9.5s" } },
  ],
];

function options(change: { history?: []; tools?: [typeof look] } = {}) {
  const { signal } = new AbortController();
  const shared = { clock: systemClock, logger: silentLogger, signal, tools: [look], history: [] };
  return { ...shared, instructions: "Be brief.", ...change };
}

/** Reads the events of a session. */
function read(session: RealtimeSession): RealtimeEvent[] {
  const events: RealtimeEvent[] = [];
  (async () => {
    for await (const event of session) events.push(event);
  })().catch(() => {});
  return events;
}

Deno.test({
  name: "Gemini Live by Google's client and by geminiLive: the same is sent and understood",
  // The package's socket ends its timers later.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using service = await startGemini();
    const play = (turn: number) => {
      const connection = [...service.connections].at(-1)!;
      for (const message of TURNS[turn]!) send(connection, message);
    };
    const client = new GoogleGenAI({
      apiKey: "key",
      httpOptions: { baseUrl: service.baseUrl, apiVersion: "v1beta" },
    });
    const got: LiveServerMessage[] = [];
    const theirs = await client.live.connect({
      model: MODEL,
      config: {
        responseModalities: [Modality.AUDIO],
        systemInstruction: { parts: [{ text: "Be brief." }] },
        tools: [{
          functionDeclarations: [{
            name: "look",
            description: "Looks",
            parametersJsonSchema: look.parameters,
          }],
        }],
        speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: "Kore" } } },
        inputAudioTranscription: {},
        outputAudioTranscription: {},
        contextWindowCompression: { slidingWindow: {} },
      },
      callbacks: { onmessage: (message) => void got.push(message), onerror: () => {} },
    });
    const [their] = [...service.connections];
    const { samples: audio } = tone(20, { sampleRate: 16_000 });
    const data = new Uint8Array(audio.buffer, audio.byteOffset, audio.byteLength).toBase64();
    theirs.sendRealtimeInput({ audio: { data, mimeType: "audio/pcm;rate=16000" } });
    await until("the audio", () => service.received.length === 2);
    play(0);
    await until("the call", () => got.some(({ toolCall }) => toolCall));
    theirs.sendToolResponse({
      functionResponses: [{ id: "c1", name: "look", response: { output: "dark" } }],
    });
    await until("the result", () => service.received.length === 3);
    play(1);
    await until("the reply", () => got.some(({ goAway }) => goAway));
    const heard = got.flatMap(({ serverContent }) =>
      serverContent?.outputTranscription?.text ?? []
    );
    assertEquals(heard, ["It is dark."]);
    theirs.sendClientContent({
      turns: [{ role: "user", parts: [{ text: "Ann: And now?" }] }],
      turnComplete: false,
    });
    theirs.sendClientContent({ turnComplete: true });
    theirs.sendRealtimeInput({ audioStreamEnd: true });
    await until("the text and the end", () => service.received.length === 6);
    theirs.close();
    await until("the end", () => service.connections.size === 0);
    const sent = service.received.splice(0) as LiveClientMessage[];

    const llm = geminiLive({
      apiKey: "key",
      baseUrl: service.baseUrl,
      model: MODEL,
      voice: "Kore",
    });
    await using session = await llm.connect(options());
    const events = read(session);
    const has = (type: string) => until(type, () => events.some((one) => one.type === type));
    const [our] = [...service.connections];
    session.sendAudio(new PcmChunk(audio, { sampleRate: 16_000 }), ann);
    await until("the audio", () => service.received.length === 2);
    play(0);
    await has("tool-call");
    session.sendToolResult("c1", { text: "dark", isError: false });
    session.requestReply({ id: "after the call" });
    await until("the result", () => service.received.length === 3);
    play(1);
    await has("session-ending");
    session.sendText("And now?", { name: "Ann" });
    session.requestReply({ id: "now" });
    const before = events.length;
    session.commitTurn!();
    await until("the text and the end", () => service.received.length === 6);
    assertEquals(events.splice(before), [{ type: "speech-stopped" }]);
    const ours = service.received as LiveClientMessage[];
    assertEquals(plain(ours), plain(sent));
    // The package writes two slashes after the host.
    const path = (one: typeof our) => one!.url.pathname.split("/").at(-1);
    assertEquals(path(our), path(their));
    const key = (one: typeof our) =>
      one!.url.searchParams.get("key") ?? one!.headers["x-goog-api-key"];
    assertEquals([key(our), key(their)], ["key", "key"]);
    const said = events.map((one) => {
      if (one.type === "user-transcript") return `${one.type} ${one.text} ${one.final}`;
      if (one.type === "reply-started") return `${one.type} ${one.requestId}`;
      return one.type === "reply-ended" ? `${one.type} ${one.status}` : one.type;
    });
    assertEquals(said, [
      "speech-started",
      "user-transcript Is it  false",
      "user-transcript Is it dark? false",
      "user-transcript Is it dark? true",
      "speech-stopped",
      "reply-started undefined",
      "tool-call",
      "reply-ended completed",
      "reply-started after the call",
      "audio",
      "text",
      "reply-ended cancelled",
      "session-ending",
    ]);
    const kindOf = (one: object) => Object.keys(one)[0]!;
    const lists = { LiveClientMessage: samples(ours, kindOf) };
    assertEquals(await compiles("npm:@google/genai@3.3.0", lists, { enums: true }), "");
  },
});

/** What was sent, without what one side leaves out because it is the default. */
function plain(messages: readonly LiveClientMessage[]): unknown {
  return JSON.parse(JSON.stringify(messages, (_key, value) => {
    if (Array.isArray(value) && value.length === 0) return undefined;
    return value === false ? undefined : value;
  }));
}

Deno.test("geminiLive goes on with the conversation in another session, and replies to none of it", async () => {
  await using service = await startGemini();
  const llm = geminiLive({ apiKey: "key", baseUrl: service.baseUrl, model: MODEL });
  const history = [
    { role: "user" as const, text: "Book it.", name: "Ann" },
    { role: "assistant" as const, text: "It is booked." },
  ];
  await using _session = await llm.connect({ ...options(), history });
  await until("the history", () => service.received.length === 2);
  const [{ setup }, { clientContent }] = service.received as LiveClientMessage[] as [
    LiveClientMessage,
    LiveClientMessage,
  ];
  assertEquals(setup!.historyConfig, { initialHistoryInClientContent: true });
  assertEquals(clientContent, {
    turns: [
      { role: "user", parts: [{ text: "Ann: Book it." }] },
      { role: "model", parts: [{ text: "It is booked." }] },
    ],
    turnComplete: true,
  });
});

Deno.test("geminiLive is told of a model that does not exist, and does not try again", async () => {
  await using service = await startGemini();
  const llm = geminiLive({ apiKey: "key", baseUrl: service.baseUrl, model: "none" });
  const error = await assertRejects(() => llm.connect(options()), InferenceError, "is not found");
  assertEquals([error.retryable, service.requests], [false, 1]);
  assert(!JSON.stringify(llm.metrics!()).includes("key"));
});

/** A session with the service, and what it tells. */
async function connected() {
  await using undo = new AsyncDisposableStack();
  const service = undo.use(await startGemini());
  const llm = geminiLive({ apiKey: "key", baseUrl: service.baseUrl, model: MODEL });
  const session = undo.use(await llm.connect(options()));
  const events = read(session);
  const connection = [...service.connections][0]!;
  const stack = undo.move();
  return {
    service,
    session,
    events,
    connection,
    /** The service calls the tool `look` as `c1`. */
    async callTool(): Promise<void> {
      send(connection, { toolCall: { functionCalls: [{ id: "c1", name: "look", args: {} }] } });
      await until("the call", () => events.some(({ type }) => type === "tool-call"));
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("geminiLive tells the result of a call that the service has given up, and is replied to", async () => {
  await using gemini = await connected();
  const { service, session, events, connection } = gemini;
  await gemini.callTool();
  send(connection, { toolCallCancellation: { ids: ["c1"] } });
  send(connection, { serverContent: { inputTranscription: { text: "Wait.", finished: true } } });
  await until("the words", () => events.some(({ type }) => type === "user-transcript"));
  service.received.length = 0;
  session.sendToolResult("c1", { text: "dark", isError: false });
  session.requestReply({ id: "r1" });
  await until("both", () => service.received.length === 2);
  const text = "[look, which you no longer waited for, returned: dark]";
  assertEquals(service.received, [
    { clientContent: { turns: [{ role: "user", parts: [{ text }] }], turnComplete: false } },
    { clientContent: { turns: [], turnComplete: true } },
  ]);
});

Deno.test("geminiLive asks again where the model does not go on with a tool's result", async () => {
  await using gemini = await connected();
  const { service, session, events, connection } = gemini;
  await gemini.callTool();
  session.sendToolResult("c1", { text: "dark", isError: false });
  session.requestReply({ id: "r1" });
  await until("the result", () => service.received.length === 2);
  send(connection, { serverContent: { turnComplete: true } });
  await until("the refusal", () => events.some(({ type }) => type === "reply-refused"));
  session.requestReply({ id: "r2" });
  await until("the request", () => service.received.length === 3);
  assertEquals(service.received.at(-1), { clientContent: { turns: [], turnComplete: true } });
});

Deno.test("geminiLive plays sound at the rate that the service says", async () => {
  await using gemini = await connected();
  const { events, connection } = gemini;
  const data = new Uint8Array(3200).toBase64();
  for (const mimeType of ["audio/pcm;rate=16000", "audio/pcm"]) {
    const parts = [{ inlineData: { mimeType, data } }];
    send(connection, { serverContent: { modelTurn: { role: "model", parts } } });
  }
  const rates = () => events.map((one) => one.type === "audio" ? one.pcm.sampleRate : 0);
  await until("the sound", () => rates().filter(Boolean).length === 2);
  assertEquals(rates().filter(Boolean), [16_000, 24_000]);
});
