/**
 * The double of OpenAI's transcription sessions is first used by OpenAI's own client, then by our
 * adapter. All messages, of both sides, compile against the package's types.
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import OpenAI from "npm:openai@7.57.0";
import type { RealtimeServerEvent } from "npm:openai@7.57.0/resources/realtime/realtime";
import { OpenAIRealtimeWS } from "npm:openai@7.57.0/realtime/ws";
import {
  openAICompatible,
  type OpenAICompatibleOptions,
} from "../../../src/adapters/openai/mod.ts";
import { OPENAI_MODELS, type TranscriptionModelOptions } from "../../../src/adapters/openai/mod.ts";
import { PcmChunk } from "../../../src/audio/pcm_chunk.ts";
import { systemClock } from "../../../src/events/clock.ts";
import { silentLogger } from "../../../src/events/logger.ts";
import { InferenceError } from "../../../src/inference/contracts/errors.ts";
import type { SttEvent, SttSession } from "../../../src/inference/contracts/stt.ts";
import { tone } from "../../../src/testing/sounds.ts";
import { until } from "../../fixtures/until.ts";
import { compiles, samples } from "../_compiles.ts";
import { TlsFront } from "../streaming/_tls.ts";
import { startTranscription } from "./_double.ts";

const TEXT = "Good day. How are you?";
const MODEL = "gpt-live-transcribe";
const TYPES = "npm:openai@7.57.0/resources/realtime/realtime";

/** Speech, and a pause after it. */
function say(session: SttSession, ms: number, quietMs = 0): void {
  const { samples } = tone(ms, { sampleRate: 16_000 });
  const all = new Int16Array(16 * (ms + quietMs));
  all.set(samples);
  for (let at = 0; at < all.length; at += 320) {
    session.sendAudio(new PcmChunk(all.subarray(at, at + 320), { sampleRate: 16_000 }));
  }
}

/** A session of our adapter, and what it says. */
function listen(options: OpenAICompatibleOptions, model: TranscriptionModelOptions) {
  const session = openAICompatible(options).stt(model).open({
    speakerId: "ann",
    sampleRate: 16_000,
    continuous: true,
    clock: systemClock,
    logger: silentLogger,
  });
  const events: SttEvent[] = [];
  const ended = (async () => {
    for await (const event of session) events.push(event);
  })();
  const types = () => events.map(({ type }) => type);
  return { session, events, types, ended };
}

Deno.test({
  name:
    "a transcription session by OpenAI's client and by our adapter: the same is sent and understood",
  // Node's `ws` ends its timers later.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using service = await startTranscription([{ text: TEXT }]);
    await using tls = await TlsFront.start(service.baseUrl);
    const client = new OpenAI({ baseURL: `${tls.baseUrl}/v1`, apiKey: "key" });
    const options = { rejectUnauthorized: false };
    const socket = new OpenAIRealtimeWS({ intent: "transcription", options }, client);
    const got: RealtimeServerEvent[] = [];
    socket.on("event", (event) => void got.push(event));
    socket.on("error", () => {});
    const has = (type: string) => until(type, () => got.some((one) => one.type === type));
    await has("session.created");
    const [theirs] = [...service.connections];
    socket.send({
      type: "session.update",
      session: {
        type: "transcription",
        audio: {
          input: {
            format: { type: "audio/pcm", rate: 24_000 },
            transcription: { model: MODEL, languages: ["en"], keywords: ["Ringline"] },
            turn_detection: { type: "server_vad" },
          },
        },
      },
    });
    await has("session.updated");
    socket.send({ type: "input_audio_buffer.commit", event_id: "early" });
    await has("error");
    for (const loudMs of [500, 0]) {
      const audio = new Int16Array(24 * 500);
      audio.set(tone(loudMs, { sampleRate: 24_000 }).samples);
      socket.send({
        type: "input_audio_buffer.append",
        audio: new Uint8Array(audio.buffer).toBase64(),
      });
    }
    await has("conversation.item.input_audio_transcription.completed");
    socket.send({ type: "input_audio_buffer.clear" });
    await has("input_audio_buffer.cleared");
    assertEquals(got.map(({ type }) => type), [
      "session.created",
      "session.updated",
      "error",
      "input_audio_buffer.speech_started",
      "input_audio_buffer.speech_stopped",
      "input_audio_buffer.committed",
      "conversation.item.input_audio_transcription.delta",
      "conversation.item.input_audio_transcription.completed",
      "input_audio_buffer.cleared",
    ]);
    socket.close();
    await until("the end", () => service.connections.size === 0);
    const known = new Set(service.received.splice(0).map((one) => (one as { type: string }).type));

    const ours = listen({ apiKey: "key", baseUrl: `${service.baseUrl}/v1` }, {
      model: MODEL,
      language: "en",
      turnDetection: { type: "server_vad" },
      providerOptions: { keywords: ["Ringline"] },
    });
    say(ours.session, 500, 500);
    await until("the end of a turn", () => ours.types().includes("turn-ended"));
    const [connection] = [...service.connections];
    // A mute in the middle of speech, and one while nothing is said.
    say(ours.session, 300);
    await until("the next turn", () => ours.types().at(-1) === "speech-started");
    ours.session.commit();
    ours.session.commit();
    await until("both", () => ours.types().filter((type) => type === "committed").length === 2);
    ours.session.end();
    await ours.ended;
    assertEquals(ours.types(), [
      ...["speech-started", "transcript", "transcript", "turn-ended"],
      ...["speech-started", "transcript", "transcript", "turn-ended", "committed", "committed"],
    ]);
    const final = { type: "transcript", text: TEXT, final: true, language: "en" } as const;
    assertEquals(ours.events[2], final);
    assertEquals(connection!.headers.authorization, theirs!.headers.authorization);
    assertEquals(connection!.url.search, theirs!.url.search);
    const kindOf = (one: object) => (one as { type: string }).type;
    for (const one of service.received) {
      assert(known.has(kindOf(one as object)), kindOf(one as object));
    }
    const lists = {
      RealtimeClientEvent: samples(service.received as object[], kindOf, 3),
      RealtimeServerEvent: samples(service.sent as object[], kindOf, 3),
    };
    assertEquals(await compiles(TYPES, lists), "");
  },
});

Deno.test("a transcription session reports what the service could not transcribe, and goes on", async () => {
  await using service = await startTranscription([{ text: "x", fails: "no words" }, {
    text: TEXT,
  }]);
  const options = { apiKey: "key", baseUrl: `${service.baseUrl}/v1` };
  const { session, events, types, ended } = listen(options, { model: "m", api: "realtime" });
  for (const count of [1, 2, 3]) {
    say(session, 300);
    session.commit();
    await until("the commit", () => types().filter((one) => one === "committed").length === count);
    if (count !== 2) continue;
    // It has lasted its longest: what is said later is heard by another.
    const [connection] = [...service.connections];
    const error = { type: "invalid_request_error", code: "session_expired", message: "60 minutes" };
    connection!.send({ type: "error", event_id: "event", error });
    connection!.socket.close(1001);
    await until("the end of the connection", () => service.connections.size === 0);
  }
  session.end();
  await ended;
  const finals = events.flatMap((one) =>
    one.type === "error"
      ? String(one.error)
      : one.type === "transcript" && one.final
      ? one.text
      : []
  );
  assertEquals(finals, ["InferenceError: openai-stt: no words", TEXT, TEXT]);
  assertEquals(service.requests, 2);
});

Deno.test("stt of OpenAI's interface names what only the realtime interface has", async () => {
  const { stt } = openAICompatible({ apiKey: "key" });
  const turnDetection = { type: "server_vad" };
  assertThrows(
    () => stt({ model: OPENAI_MODELS.transcription, turnDetection }),
    TypeError,
    "turnDetection",
  );
  assertEquals(stt({ model: MODEL, turnDetection }).detectsTurns, true);
  assertEquals(stt({ model: MODEL }).detectsTurns, false);
  const { signal } = new AbortController();
  const context = { clock: systemClock, logger: silentLogger, signal };
  try {
    await openAICompatible().stt({ model: MODEL }).start!(context);
    throw new Error("it has started without a key");
  } catch (error) {
    assert(error instanceof InferenceError && error.code === "no-key", String(error));
  }
});

for (const expires of [false, true]) {
  const what = expires ? "that expires in silence goes on" : "that is lost with its audio says so";
  Deno.test(`a transcription session ${what}`, async () => {
    await using service = await startTranscription([{ text: TEXT }]);
    const baseUrl = `${service.baseUrl}/v1`;
    const turnDetection = { type: "server_vad" };
    const { session, events, ended } = listen({ baseUrl }, { model: MODEL, turnDetection });
    await using _session = session;
    ended.catch(() => {});
    await until("the session", () => service.received.length > 0);
    say(session, 0, 20);
    const { socket } = [...service.connections][0]!;
    if (!expires) {
      socket.terminate();
      return void await assertRejects(() => ended, InferenceError, "the socket was closed");
    }
    const error = { type: "invalid_request_error", code: "session_expired", message: "60 min" };
    socket.send(JSON.stringify({ type: "error", event_id: "event_9", error }));
    socket.close(1001);
    await until("another connection", () => {
      say(session, 0, 20);
      return service.requests === 2;
    });
    assertEquals(events, []);
  });
}
