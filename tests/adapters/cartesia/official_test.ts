/**
 * The double of Cartesia is first used by Cartesia's own client, then by our adapter: what both send is
 * compared, and what we send compiles as the package's types.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import Cartesia from "npm:@cartesia/cartesia-js@4.2.0";
import { cartesiaSTT, cartesiaTTS } from "../../../src/adapters/cartesia/mod.ts";
import { PcmChunk } from "../../../src/audio/pcm_chunk.ts";
import { systemClock } from "../../../src/events/clock.ts";
import { silentLogger } from "../../../src/events/logger.ts";
import { InferenceError } from "../../../src/inference/contracts/errors.ts";
import type { SttEvent } from "../../../src/inference/contracts/stt.ts";
import type { Alignment, TtsStream } from "../../../src/inference/contracts/tts.ts";
import { tone } from "../../../src/testing/sounds.ts";
import { until } from "../../fixtures/until.ts";
import { compiles, samples } from "../_compiles.ts";
import { startCartesia } from "./_double.ts";

const TEXT = "Good day. How are you?";
const VOICE = "a0e99841-438c-4a64-b679-ae501e7d6091";
const options = { clock: systemClock, logger: silentLogger };

/** The package speaks to services with TLS alone, by the runtime's `WebSocket` where it finds no `ws`. */
function withoutTls(): Disposable {
  const { WebSocket: original } = globalThis;
  globalThis.WebSocket = class extends original {
    constructor(url: string | URL) {
      super(String(url).replace("wss:", "ws:"));
    }
  };
  return { [Symbol.dispose]: () => void (globalThis.WebSocket = original) };
}

/** Half a second of speech, and as much of quiet. */
function audio(): Int16Array<ArrayBuffer> {
  const all = new Int16Array(16_000);
  all.set(tone(500, { sampleRate: 16_000 }).samples);
  return all;
}

/** Has our recogniser hear the same. */
async function hear(
  continuous: boolean,
  baseUrl: string,
  act: (hearing: {
    say: () => void;
    commit: () => void;
    has: (type: SttEvent["type"], count?: number) => Promise<unknown>;
  }) => Promise<void>,
): Promise<SttEvent[]> {
  const stt = cartesiaSTT({ apiKey: "key", baseUrl, language: "en", keyterms: ["Ringline"] });
  const session = stt.open({ ...options, speakerId: "ann", sampleRate: 16_000, continuous });
  const events: SttEvent[] = [];
  const reading = (async () => {
    for await (const event of session) events.push(event);
  })();
  await act({
    say: () => {
      const all = audio();
      for (let at = 0; at < all.length; at += 320) {
        session.sendAudio(new PcmChunk(all.subarray(at, at + 320), { sampleRate: 16_000 }));
      }
    },
    commit: () => session.commit(),
    has: (type, count = 1) =>
      until(`${count} ${type}`, () => events.filter((one) => one.type === type).length >= count),
  });
  session.end();
  await reading;
  return events;
}

/** What a connection asked for, with its key: a header says the same as the parameter of a query. */
function query({ url, headers }: { url: URL; headers: Record<string, unknown> }): string[] {
  const all = new URLSearchParams(url.searchParams);
  const { authorization } = headers;
  if (authorization) all.set("api_key", String(authorization).replace("Bearer ", ""));
  all.delete("cartesia_client");
  return [...all].map(String).sort();
}

Deno.test({
  name: "Ink by Cartesia's client and by cartesiaSTT: the same is sent and understood",
  async fn() {
    await using service = await startCartesia([{ text: TEXT }]);
    using _plain = withoutTls();
    const client = new Cartesia({ apiKey: "key", baseURL: service.baseUrl });
    const parameters = {
      model: "ink-2",
      encoding: "pcm_s16le",
      sample_rate: 16_000,
      language: "en",
      keyterm: ["Ringline"],
    } as const;
    const socket = client.stt.manualFinalize.websocket(
      { ...parameters, keyterm: ["Ringline"] },
    );
    let text = "";
    const got: string[] = [];
    socket.on("event", (event) => {
      got.push(event.type);
      if (event.type === "transcript" && event.is_final) text += event.text;
    });
    socket.sendRaw(audio().buffer);
    socket.send("finalize");
    await until("the text", () => got.includes("flush_done"));
    const [theirs] = [...service.connections];
    socket.send("close");
    await until("the end", () => got.includes("done") && service.connections.size === 0);
    assertEquals([text, got.length], [TEXT, 5]);
    socket.close();
    const sent = service.received.splice(0);

    let ours: typeof theirs;
    const events = await hear(false, service.baseUrl, async ({ say, commit, has }) => {
      say();
      commit();
      await has("committed");
      [ours] = [...service.connections];
      say();
    });
    const finals = events.filter((one) => one.type === "transcript" && one.final);
    assertEquals(finals.map((one) => one.type === "transcript" && one.text), [TEXT, TEXT]);
    const [first] = finals;
    assert(first?.type === "transcript");
    assertEquals([first.words?.map(({ text }) => text).join(" "), first.language], [TEXT, "en"]);
    assertEquals(query(ours!), query(theirs!));
    assertEquals(service.received, sent);
  },
});

Deno.test({
  name: "Ink's turns by Cartesia's client and by cartesiaSTT: the same is sent and understood",
  async fn() {
    await using service = await startCartesia([{ text: TEXT }]);
    using _plain = withoutTls();
    const client = new Cartesia({ apiKey: "key", baseURL: service.baseUrl });
    const socket = client.stt.autoFinalize.websocket({
      model: "ink-2",
      encoding: "pcm_s16le",
      sample_rate: 16_000,
      language: "en",
      keyterm: ["Ringline"],
    });
    const got: string[] = [];
    socket.on("event", ({ type }) => void got.push(type));
    socket.sendRaw(audio().buffer.slice(0, 16_000));
    socket.sendRaw(audio().buffer.slice(16_000));
    await until("a turn", () => got.includes("turn.end"));
    const [theirs] = [...service.connections];
    socket.send({ type: "close" });
    await until("the end", () => service.connections.size === 0);
    assertEquals(got, [
      ...["connected", "turn.start", "turn.update"],
      ...["turn.update", "turn.eager_end", "turn.resume", "turn.end"],
    ]);
    socket.close();
    const sent = service.received.splice(0);

    let ours: typeof theirs;
    const events = await hear(true, service.baseUrl, async ({ say, has }) => {
      say();
      await has("turn-ended");
      [ours] = [...service.connections];
      say();
      await has("speech-started", 2);
    });
    const once = ["speech-started", "transcript", "transcript", "transcript", "eager-turn-ended"];
    const types = [...once, "turn-resumed", "transcript", "turn-ended"];
    assertEquals(events.map(({ type }) => type), [...types, ...types]);
    assertEquals(query(ours!), query(theirs!));
    for (const one of service.received) assertEquals(one, sent[0]);
  },
});

Deno.test("cartesiaSTT ends a turn at a commit, and what is said after it is another", async () => {
  const more = "Good day. How are you? Fine.";
  await using service = await startCartesia([{ text: TEXT, end: "hang" }]);
  const events = await hear(true, service.baseUrl, async ({ say, commit, has }) => {
    say();
    await has("eager-turn-ended");
    commit();
    commit();
    await has("committed", 2);
    // The service goes on with what is one turn for it.
    const [connection] = [...service.connections];
    connection!.send({ type: "turn.resume", request_id: "request" });
    connection!.send({ type: "turn.update", request_id: "request", transcript: more });
    connection!.send({ type: "turn.end", request_id: "request", transcript: more });
    await has("turn-ended", 2);
  });
  const texts = events.flatMap((one) => one.type === "transcript" && one.final ? one.text : []);
  assertEquals(texts, [TEXT, "Fine."]);
  assertEquals(events.filter(({ type }) => type === "speech-started").length, 2);
});

/** Reads a stream to its end. */
async function read(stream: TtsStream): Promise<{ ms: number; known: Alignment[] }> {
  let ms = 0;
  const known: Alignment[] = [];
  for await (const { pcm, alignment = [] } of stream) {
    ms += pcm?.durationMs ?? 0;
    known.push(...alignment);
  }
  return { ms, known };
}

Deno.test({
  name: "Sonic by Cartesia's client and by cartesiaTTS: the same is sent and heard",
  async fn() {
    await using service = await startCartesia([{ audioMs: 400 }]);
    using _plain = withoutTls();
    const client = new Cartesia({ apiKey: "key", baseURL: service.baseUrl });
    const socket = await client.tts.websocket();
    await socket.connect();
    const [theirs] = [...service.connections];
    const request = {
      model_id: "sonic-3.5",
      voice: { mode: "id", id: VOICE },
      output_format: { container: "raw", encoding: "pcm_s16le", sample_rate: 24_000 },
      language: "en",
      add_timestamps: true,
      use_normalized_timestamps: false,
      max_buffer_delay_ms: 0,
    } as const;
    const context = socket.context({ ...request, contextId: "one" });
    await context.push({ transcript: "Good day. ", flush: true });
    await context.push({ transcript: "How are you?" });
    await context.no_more_inputs();
    let bytes = 0;
    for await (const event of context.receive()) {
      if (event.type === "chunk") bytes += event.audio!.length;
    }
    assertEquals(bytes, 2 * 400 * 48);
    const cancelled = socket.context({ ...request, contextId: "two" });
    await cancelled.push({ transcript: "Never mind. " });
    await cancelled.cancel();
    await until("the cancelling", () => service.received.length === 6);
    socket.close();
    const sent = service.received.splice(0) as object[];

    const tts = cartesiaTTS({
      apiKey: "key",
      baseUrl: service.baseUrl,
      voice: VOICE,
      language: "en",
    });
    await using session = tts.open(options);
    const stream = session.speak();
    stream.sendText("Good day. ");
    stream.flush();
    stream.sendText("How are you?");
    stream.end();
    const { ms, known } = await read(stream);
    assertEquals(ms, 800);
    const [ours] = [...service.connections].slice(-1);
    assertEquals(query(ours!), query(theirs!));
    assertEquals(known.map(({ chars }) => chars), [4, 9, 13, 17, 22]);
    assert(known.every(({ atMs }, n) => Math.abs(atMs - [200, 400, 533, 667, 800][n]!) < 1));
    const other = session.speak();
    other.sendText("Never mind. ");
    other.cancel();
    await until("the cancelling", () => service.received.length === 6);
    const unnamed = (one: object) => ({ ...one, context_id: "" });
    assertEquals((service.received as object[]).map(unnamed), sent.map(unnamed));
    const lists = {
      WebsocketClientEvent: samples(service.received as object[], () => ""),
      WebsocketResponse: samples(
        service.sent as object[],
        (one) => (one as { type: string }).type,
        3,
      ),
    };
    assertEquals(await compiles("npm:@cartesia/cartesia-js@4.2.0/resources/tts", lists), "");
  },
});

Deno.test("cartesiaTTS goes on in another context when the service has ended one", async () => {
  await using service = await startCartesia([{ audioMs: 200, expiresMs: 20 }]);
  const tts = cartesiaTTS({ apiKey: "key", baseUrl: service.baseUrl, voice: VOICE });
  await using session = tts.open(options);
  const stream = session.speak();
  const reading = read(stream);
  const ended = () =>
    service.sent.filter((one) => (one as { type: string }).type === "done").length;
  stream.sendText("Let me look. ");
  await until("the end of a context", () => ended() === 1);
  stream.sendText("It is dark. ");
  await until("the end of the next", () => ended() === 2);
  stream.end();
  const { ms, known } = await reading;
  assertEquals([ms, known.at(-1)], [400, { chars: "Let me look. It is dark.".length, atMs: 400 }]);
  assertEquals(service.requests, 1);
});

Deno.test("a session of Ink's turns that is lost with audio that has no text yet says so", async () => {
  await using service = await startCartesia([{ text: TEXT }]);
  const stt = cartesiaSTT({ apiKey: "key", baseUrl: service.baseUrl });
  const session = stt.open({ ...options, speakerId: "a", sampleRate: 16_000, continuous: true });
  await using _session = session;
  const reading = Array.fromAsync(session);
  reading.catch(() => {});
  const speech = new PcmChunk(audio().subarray(0, 320), { sampleRate: 16_000 });
  await until("the socket", () => service.connections.size === 1);
  session.sendAudio(speech);
  [...service.connections][0]!.socket.terminate();
  // The transcriber sends the audio once more, to another session.
  await assertRejects(() => reading, InferenceError, "the socket was closed");
});
