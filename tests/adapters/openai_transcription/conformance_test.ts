import { openAICompatible } from "../../../src/adapters/openai/mod.ts";
import { sttConformance } from "../../../src/testing/mod.ts";
import { startTranscription } from "./_double.ts";

sttConformance(async (acts) => {
  const service = await startTranscription(acts);
  const openai = openAICompatible({ apiKey: "key", baseUrl: `${service.baseUrl}/v1` });
  return {
    stt: openai.stt({ model: "gpt-live-transcribe" }),
    requests: () => service.requests,
    openRequests: () => service.connections.size,
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}, { name: "OpenAI realtime transcription" });
