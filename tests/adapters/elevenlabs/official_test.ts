/**
 * The double of ElevenLabs' recogniser is first used by ElevenLabs' own client, then by our adapter:
 * what both send is compared. That package has no client for voices over a socket, only the schemas by
 * which the double reads what it is sent.
 */
import { assert, assertEquals } from "@std/assert";
import {
  AudioFormat,
  RealtimeEvents,
  ScribeRealtime,
} from "npm:@elevenlabs/elevenlabs-js@2.73.0/wrapper/realtime/index.js";
import { elevenLabsSTT, elevenLabsTTS } from "../../../src/adapters/elevenlabs/mod.ts";
import { SpeechCodec } from "../../../src/adapters/elevenlabs/speech.ts";
import { PcmChunk } from "../../../src/audio/pcm_chunk.ts";
import { systemClock } from "../../../src/events/clock.ts";
import { silentLogger } from "../../../src/events/logger.ts";
import type { SttEvent, SttSession } from "../../../src/inference/contracts/stt.ts";
import { until } from "../../fixtures/until.ts";
import { startElevenLabs } from "./_double.ts";

const TEXT = "Good day. How are you?";
const options = { clock: systemClock, logger: silentLogger };
const SESSION = { ...options, speakerId: "ann", sampleRate: 16_000, continuous: false };

/** Reads what a session tells until its end. */
function readAll(session: SttSession): { events: SttEvent[]; reading: Promise<void> } {
  const events: SttEvent[] = [];
  const reading = (async () => {
    for await (const event of session) events.push(event);
  })();
  return { events, reading };
}

Deno.test({
  name: "Scribe by ElevenLabs' client and by elevenLabsSTT: the same is sent and understood",
  // The package leaves a timer.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using service = await startElevenLabs([{ text: TEXT }]);
    const { baseUrl } = service;
    const client = new ScribeRealtime({ apiKey: "key", baseUrl } as never);
    const connection = await client.connect({
      modelId: "scribe_v2_realtime",
      audioFormat: AudioFormat.PCM_16000,
      sampleRate: 16_000,
      commitStrategy: "manual" as never,
      languageCode: "en",
    });
    const heard: string[] = [];
    for (const type of ["SESSION_STARTED", "PARTIAL_TRANSCRIPT", "COMMITTED_TRANSCRIPT"] as const) {
      // deno-lint-ignore no-explicit-any
      connection.on(RealtimeEvents[type], (one: any) => heard.push(`${type} ${one.text ?? ""}`));
    }
    await until("the socket", () => service.connections.size === 1);
    const [theirs] = [...service.connections];
    await until("the session", () => heard.length === 1);
    connection.send({ audioBase64: new Uint8Array(16_000).toBase64(), sampleRate: 16_000 });
    connection.commit();
    await until("the text", () => heard.length === 3);
    assertEquals(heard[2], `COMMITTED_TRANSCRIPT ${TEXT}`);
    connection.close();
    await until("the end", () => service.connections.size === 0);
    const sent = service.received.splice(0);

    const stt = elevenLabsSTT({ apiKey: "key", baseUrl, language: "en" });
    await using session = stt.open(SESSION);
    const { events, reading } = readAll(session);
    for (let n = 0; n < 25; n++) {
      session.sendAudio(new PcmChunk(new Int16Array(320), { sampleRate: 16_000 }));
    }
    session.commit();
    await until("our text", () => events.some(({ type }) => type === "committed"));
    const [ours] = [...service.connections];
    session.end();
    await reading;
    assertEquals(events.map(({ type }) => type), ["transcript", "transcript", "committed"]);
    assertEquals(ours!.headers["xi-api-key"], theirs!.headers["xi-api-key"]);
    for (const [name, value] of theirs!.url.searchParams) {
      assertEquals(ours!.url.searchParams.get(name), value, name);
    }
    const shape = (one: unknown) => Object.keys(one as object).sort().join();
    for (const one of service.received) assert(sent.map(shape).includes(shape(one)), shape(one));
  },
});

Deno.test("elevenLabsTTS takes no context before another is confirmed to be over", async () => {
  await using service = await startElevenLabs([{ audioMs: 5000, gapMs: 5 }]);
  const tts = elevenLabsTTS({ apiKey: "key", baseUrl: service.baseUrl, voice: "v" });
  await using session = tts.open(options);
  for (let n = 0; n < 30; n++) {
    const stream = session.speak();
    stream.sendText("It is interrupted very soon. ");
    stream.cancel();
  }
  const last = session.speak();
  last.sendText(TEXT);
  const first = (async () => {
    for await (const { pcm } of last) if (pcm) return true;
    return false;
  })();
  assert(await first);
  assertEquals(service.requests, 1, "the connection was never closed");
});

Deno.test("elevenLabsTTS tells by when each character was said", async () => {
  await using service = await startElevenLabs([{ audioMs: 1000 }]);
  const tts = elevenLabsTTS({ apiKey: "key", baseUrl: service.baseUrl, voice: "v" });
  await using session = tts.open(options);
  const stream = session.speak();
  stream.sendText(TEXT);
  stream.end();
  const known: { chars: number; atMs: number }[] = [];
  for await (const { alignment = [] } of stream) known.push(...alignment);
  assertEquals(known.at(-1)!.chars, TEXT.length);
  const firstSentence = known.find(({ chars }) => chars === "Good day. ".length)!;
  assert(Math.abs(firstSentence.atMs - 1000) < 50, String(firstSentence.atMs));
});

Deno.test("elevenLabsTTS knows by when a second sentence was said, whatever spaces the voice adds", async () => {
  await using service = await startElevenLabs([{ audioMs: 1000 }]);
  const tts = elevenLabsTTS({ apiKey: "key", baseUrl: service.baseUrl, voice: "v" });
  await using session = tts.open(options);
  const stream = session.speak();
  stream.sendText("Good");
  stream.flush();
  stream.sendText(" day. How are you?");
  stream.end();
  const known: { chars: number; atMs: number }[] = [];
  for await (const { alignment = [] } of stream) known.push(...alignment);
  const said = (text: string) => known.find(({ chars }) => chars === text.length)!.atMs;
  // The double spreads each sentence, with the spaces around it, over a second.
  assert(Math.abs(said("Good") - 840) < 50, String(said("Good")));
  assert(Math.abs(said("Good day.") - 1860) < 60, String(said("Good day.")));
  assertEquals(known.at(-1)!.chars, "Good day. How are you?".length);
});

Deno.test("elevenLabsTTS reads alignment by its other names, and makes up no times", () => {
  const audio = new Uint8Array(4800).toBase64();
  const chars = [..."Hi."];
  const read = (alignment: object) => {
    const all: unknown[] = [];
    const codec = new SpeechCodec("voice", {
      send: () => {},
      sound: (_id, _bytes, chars) => all.push(...chars ?? []),
      words: () => {},
      ended: () => {},
      fail: (error) => {
        throw error;
      },
    }, {});
    codec.speak("a", "Hi.", { isFirst: true });
    codec.receive(JSON.stringify({ audio, contextId: "a", alignment: { chars, ...alignment } }));
    return all;
  };
  const other = { charsStartTimesMs: [0, 30, 60], charsDurationsMs: [30, 30, 30] };
  assertEquals(read(other), chars.map((char, n) => ({ char, endMs: 30 * (n + 1) })));
  assertEquals(read({}), []);
});

Deno.test("a failure of a context that was cancelled costs no other", () => {
  const ended: (string | undefined)[] = [];
  const failures: string[] = [];
  const codec = new SpeechCodec("voice", {
    send: () => {},
    sound: () => {},
    words: () => {},
    ended: (id) => ended.push(id),
    fail: ({ message }) => failures.push(message),
  }, {});
  codec.speak("a", "Hello. ", { isFirst: true });
  codec.cancel("a");
  codec.speak("b", "Well. ", { isFirst: true });
  const failure = { error: "invalid_context", message: "no such context" };
  codec.receive(JSON.stringify({ ...failure, contextId: "a" }));
  assertEquals([ended, failures], [["a"], []]);
  codec.receive(JSON.stringify({ ...failure, contextId: "b" }));
  assertEquals(failures, ["voice: invalid_context: no such context"]);
});

for (const providerOptions of [undefined, { include_language_detection: true }]) {
  const how = providerOptions ? "asked for the language" : "unasked";
  Deno.test(`elevenLabsSTT tells a text once that Scribe says twice, ${how}`, async () => {
    await using service = await startElevenLabs([{ text: TEXT }]);
    const stt = elevenLabsSTT({ apiKey: "key", baseUrl: service.baseUrl, providerOptions });
    await using session = stt.open(SESSION);
    const { events, reading } = readAll(session);
    const said = "committed_transcript_with_timestamps";
    const types = () => service.sent.map((one) => (one as { message_type?: string }).message_type);
    for (const count of [1, 2]) {
      session.sendAudio(new PcmChunk(new Int16Array(8000), { sampleRate: 16_000 }));
      session.commit();
      await until("the text", () => {
        return events.filter(({ type }) => type === "committed").length === count &&
          types().filter((type) => type === said).length === count;
      });
    }
    session.end();
    await reading;
    const finals = events.filter((one) => one.type === "transcript" && one.final);
    const language = providerOptions ? { language: "en" } : {};
    const final = { type: "transcript", text: TEXT, final: true, words: [], ...language };
    assertEquals(finals, [final, final] as SttEvent[]);
  });
}
