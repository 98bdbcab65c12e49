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
import { PcmChunk } from "../../../src/audio/pcm_chunk.ts";
import { systemClock } from "../../../src/events/clock.ts";
import { silentLogger } from "../../../src/events/logger.ts";
import type { SttEvent } from "../../../src/inference/contracts/stt.ts";
import { until } from "../../fixtures/until.ts";
import { startElevenLabs } from "./_double.ts";

const TEXT = "Good day. How are you?";
const options = { clock: systemClock, logger: silentLogger };

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
    await using session = stt.open({
      ...options,
      speakerId: "ann",
      sampleRate: 16_000,
      continuous: false,
    });
    const events: SttEvent[] = [];
    const reading = (async () => {
      for await (const event of session) events.push(event);
    })();
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
