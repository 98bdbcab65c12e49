/**
 * Recognisers and voices of the AI SDK: the official provider of OpenAI in front of doubles, those of
 * the kits and that of OpenAI's transcription sessions.
 */
import { registerTests } from "../../src/testing/conformance/models/model_test.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createOpenAI } from "npm:@ai-sdk/openai@4.0.118";
import {
  aiSdkSTT,
  type AiSdkSTTOptions,
  aiSdkTTS,
  type AiSdkTTSOptions,
} from "../../src/adapters/ai_sdk/mod.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { writeWav } from "../../src/audio/wav.ts";
import { systemClock } from "../../src/events/clock.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import {
  sttConformance,
  sttOverHttp,
  ttsConformanceTests,
  ttsOverHttp,
} from "../../src/testing/mod.ts";
import { speechLike, tone } from "../../src/testing/sounds.ts";
import { collect, ServiceDouble } from "./_double.ts";
import { transcribed } from "./_stt.ts";
import { synthesize } from "./_voice.ts";
import { startTranscription } from "./openai_transcription/_double.ts";

const provider = (baseURL: string) => createOpenAI({ apiKey: "key", baseURL });
const stt = (baseUrl: string, options?: AiSdkSTTOptions, model = "gpt-transcribe") =>
  aiSdkSTT(provider(baseUrl).transcription(model), options);
const tts = (baseUrl: string, options?: AiSdkTTSOptions) =>
  aiSdkTTS(provider(baseUrl).speech("a-voice"), options);

sttConformance(sttOverHttp({ create: (baseUrl) => stt(baseUrl) }), { name: "AI SDK recogniser" });
const voices = ttsOverHttp({ create: (baseUrl) => tts(baseUrl, { outputFormat: "pcm" }) });
// The SDK returns the sound of a text as a whole: of one that breaks off nothing is heard.
const cannot = "a voice that breaks off is an error to try again";
registerTests(
  "AI SDK voice",
  ttsConformanceTests(voices, { name: "AI SDK voice" })
    .map((one) => ({ ...one, ignore: one.ignore || one.name === cannot })),
);

async function* speech(ms: number): AsyncGenerator<PcmChunk, void, void> {
  const { samples } = speechLike(ms, { sampleRate: 16_000 });
  for (let at = 0; at < samples.length; at += 320) {
    yield new PcmChunk(samples.slice(at, at + 320), { sampleRate: 16_000 });
  }
}

Deno.test("aiSdkSTT sends a WAV file and the provider's options", async () => {
  await using double = await ServiceDouble.start(() => Response.json({ text: "Good day." }));
  const options = { providerOptions: { openai: { languages: ["de"] } }, headers: { "x-one": "1" } };
  const { items, error } = await transcribed(stt(double.baseUrl, options), speech(300));
  assertEquals([items, error], [[{ text: "Good day.", final: true }], undefined]);
  const [{ path, headers, body }] = double.requests as [typeof double.requests[0]];
  assert(body instanceof FormData);
  const file = body.get("file");
  assert(file instanceof File);
  assertEquals([path, headers.get("x-one"), file.size], [
    "/v1/audio/transcriptions",
    "1",
    44 + 9600,
  ]);
  assertEquals(body.getAll("languages[]"), ["de"]);
});

Deno.test("aiSdkSTT streams what is said, and shows it as it is understood", async () => {
  await using service = await startTranscription([{ text: "Good day to you." }]);
  const model = stt(`${service.baseUrl}/v1`, { streaming: true }, "gpt-live-transcribe");
  const { items, error } = await transcribed(model, speech(400));
  assertEquals(error, undefined);
  assertEquals(items.map(({ text, final }) => `${text} ${final}`), [
    "Good day false",
    "Good day to you. false",
    "Good day to you. true",
  ]);
  const sent = service.received as { type: string; audio?: string }[];
  const bytes = sent.map(({ audio = "" }) => Uint8Array.fromBase64(audio).length);
  const ms = bytes.reduce((sum, one) => sum + one, 0) / 48;
  assert(ms > 390 && ms <= 400, `${ms} ms of audio at 24 kHz`);
});

Deno.test("aiSdkTTS plays WAV at its own rate, and says what cannot be played", async () => {
  const wav = writeWav(tone(200, { sampleRate: 22_050 }));
  await using double = await ServiceDouble.start(
    () => new Response(wav, { headers: { "content-type": "audio/wav" } }),
    () => new Response(Uint8Array.of(0x49, 0x44, 0x33, 4, 0, 0, 0, 0, 0, 0, 0, 0)),
  );
  const voice = tts(double.baseUrl, { voice: "marin", speed: 1.1, instructions: "Calmly." });
  const { signal } = new AbortController();
  const { items } = await collect(synthesize(voice, "Good day.", { signal }));
  assertEquals(items.map(({ pcm }) => [pcm.sampleRate, pcm.durationMs]), [[22_050, 200]]);
  const { model: _, ...body } = double.requests[0]!.body as Record<string, unknown>;
  assertEquals(body, {
    input: "Good day.",
    voice: "marin",
    response_format: "wav",
    speed: 1.1,
    instructions: "Calmly.",
  });
  const { error } = await collect(synthesize(voice, "Good day.", { signal }));
  assert(error instanceof InferenceError && error.message.includes("outputFormat"), String(error));
});

Deno.test("aiSdkSTT and aiSdkTTS name a model that is none, and a key that is missing", async () => {
  assertThrows(() => aiSdkSTT({} as never), TypeError, "openai.transcription(name)");
  assertThrows(() => aiSdkTTS(5 as never), TypeError, "model");
  const before = Deno.env.get("OPENAI_API_KEY");
  Deno.env.delete("OPENAI_API_KEY");
  try {
    const model = aiSdkTTS(createOpenAI().speech("m"));
    const { signal } = new AbortController();
    const start = async () =>
      await model.start!({ clock: systemClock, logger: silentLogger, signal });
    await assertRejects(start, InferenceError, "API key is missing");
  } finally {
    if (before !== undefined) Deno.env.set("OPENAI_API_KEY", before);
  }
});
