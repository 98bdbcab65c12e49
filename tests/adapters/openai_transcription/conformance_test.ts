import { openAICompatible } from "../../../src/adapters/openai/mod.ts";
import { sttConformance } from "../../../src/testing/mod.ts";
import { LIMIT_MS, sttOn } from "../streaming/_under_test.ts";
import { startTranscription } from "./_double.ts";

const stt = sttOn(
  startTranscription,
  ({ apiKey, baseUrl }) =>
    openAICompatible({ apiKey, baseUrl: `${baseUrl}/v1` }).stt({ model: "gpt-live-transcribe" }),
);
sttConformance(stt, { name: "OpenAI realtime transcription", limitMs: LIMIT_MS });
