import { deepgramSTT, deepgramTTS } from "../../../src/adapters/deepgram/mod.ts";
import {
  sttConformance,
  type STTFactory,
  ttsConformance,
  type TTSFactory,
} from "../../../src/testing/mod.ts";
import { startDeepgram, textsInWork } from "./_double.ts";

const stt = (model: string): STTFactory => async (acts) => {
  const service = await startDeepgram(acts);
  return {
    stt: deepgramSTT({ apiKey: "key", baseUrl: service.baseUrl, model }),
    requests: () => service.requests,
    openRequests: () => service.connections.size,
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
};

const tts: TTSFactory = async (acts) => {
  const service = await startDeepgram(acts);
  return {
    tts: deepgramTTS({ apiKey: "key", baseUrl: service.baseUrl }),
    requests: () => service.requests,
    openRequests: () => textsInWork(service),
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
};

sttConformance(stt("nova-3"), { name: "Deepgram Nova" });
sttConformance(stt("flux-general-en"), { name: "Deepgram Flux" });
ttsConformance(tts, { name: "Deepgram Aura" });
