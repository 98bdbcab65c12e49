import { elevenLabsSTT, elevenLabsTTS } from "../../../src/adapters/elevenlabs/mod.ts";
import {
  sttConformance,
  type STTFactory,
  ttsConformance,
  type TTSFactory,
} from "../../../src/testing/mod.ts";
import { startElevenLabs, textsInWork } from "./_double.ts";

const stt: STTFactory = async (acts) => {
  const service = await startElevenLabs(acts);
  return {
    stt: elevenLabsSTT({ apiKey: "key", baseUrl: service.baseUrl }),
    requests: () => service.requests,
    openRequests: () => service.connections.size,
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
};

const tts: TTSFactory = async (acts) => {
  const service = await startElevenLabs(acts);
  return {
    tts: elevenLabsTTS({ apiKey: "key", baseUrl: service.baseUrl, voice: "v" }),
    requests: () => service.requests,
    openRequests: () => textsInWork(service),
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
};

sttConformance(stt, { name: "ElevenLabs Scribe" });
ttsConformance(tts, { name: "ElevenLabs voice" });
