import { cartesiaSTT, cartesiaTTS } from "../../../src/adapters/cartesia/mod.ts";
import {
  sttConformance,
  type STTFactory,
  ttsConformance,
  type TTSFactory,
} from "../../../src/testing/mod.ts";
import { startCartesia, textsInWork } from "./_double.ts";

const stt: STTFactory = async (acts) => {
  const service = await startCartesia(acts);
  return {
    stt: cartesiaSTT({ apiKey: "key", baseUrl: service.baseUrl }),
    requests: () => service.requests,
    openRequests: () => service.connections.size,
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
};

const tts: TTSFactory = async (acts) => {
  const service = await startCartesia(acts);
  return {
    tts: cartesiaTTS({ apiKey: "key", baseUrl: service.baseUrl, voice: "v" }),
    requests: () => service.requests,
    openRequests: () => textsInWork(service),
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
};

sttConformance(stt, { name: "Cartesia Ink" });
ttsConformance(tts, { name: "Cartesia Sonic" });
