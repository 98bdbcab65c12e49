/** Google's recognisers and voices by the AI SDK: the official provider in front of doubles of Gemini. */
import { assert, assertEquals } from "@std/assert";
import { createGoogle } from "npm:@ai-sdk/google@4.0.121";
import { aiSdkSTT, aiSdkTTS } from "../../src/adapters/ai_sdk/mod.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { speechLike } from "../../src/testing/sounds.ts";
import { collect } from "./_double.ts";
import { transcribed } from "./_stt.ts";
import { synthesize } from "./_voice.ts";
import { startGemini } from "./gemini/_double.ts";
import { startGeminiHttp } from "./gemini/_http_double.ts";

const HEARS = "Größe and good day.";
const google = (baseUrl: string) => createGoogle({ apiKey: "key", baseURL: `${baseUrl}/v1beta` });
const startHttp = () =>
  startGeminiHttp({ hears: HEARS, says: "", call: { name: "none", args: {} } });

async function* speech(): AsyncGenerator<PcmChunk, void, void> {
  const { samples } = speechLike(400, { sampleRate: 16_000 });
  for (let at = 0; at < samples.length; at += 320) {
    yield new PcmChunk(samples.slice(at, at + 320), { sampleRate: 16_000 });
  }
}

Deno.test("aiSdkSTT streams to Google's live recogniser, and shows what it understands", async () => {
  await using service = await startGemini({ converses: { says: "", hears: HEARS } });
  const model = google(service.baseUrl).transcription("gemini-3.5-transcribe-live");
  const stt = aiSdkSTT(model, { streaming: true, sampleRate: 16_000 });
  const { items, error } = await transcribed(stt, speech());
  assertEquals(error, undefined);
  assertEquals(items.at(-1), { text: HEARS, final: true });
  assert(items.some(({ text, final }) => !final && HEARS.startsWith(text)), "interim texts");
  const sent = service.received as {
    realtimeInput?: { audio?: { data: string; mimeType: string } };
  }[];
  const audio = sent.flatMap(({ realtimeInput }) => realtimeInput?.audio ?? []);
  assertEquals(new Set(audio.map(({ mimeType }) => mimeType)), new Set(["audio/pcm;rate=16000"]));
  const bytes = audio.reduce((sum, { data }) => sum + Uint8Array.fromBase64(data).length, 0);
  assertEquals(bytes, 12_800, "400 ms of audio");
});

Deno.test("aiSdkSTT sends a stretch of speech to Google's recogniser as a whole", async () => {
  await using double = await startHttp();
  const model = google(double.baseUrl.replace("/v1", "")).transcription("gemini-3.5-transcribe");
  const { items, error } = await transcribed(aiSdkSTT(model), speech());
  assertEquals([items, error], [[{ text: HEARS, final: true }], undefined]);
});

Deno.test("aiSdkTTS speaks by Google's voices", async () => {
  await using double = await startHttp();
  const model = google(double.baseUrl.replace("/v1", "")).speech("gemini-3.8-flash-tts");
  const { signal } = new AbortController();
  const voice = aiSdkTTS(model, { voice: "Kore" });
  const { items, error } = await collect(synthesize(voice, "Good day.", { signal }));
  assertEquals(error, undefined);
  assertEquals(items.map(({ pcm }) => [pcm.sampleRate, pcm.durationMs]), [[24_000, 1500]]);
  assert(JSON.stringify(double.requests[0]!.body).includes("Kore"));
});
