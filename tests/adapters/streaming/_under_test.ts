/** What the conformance kits are given of a vendor that streams over WebSockets. */
import type { STT } from "../../../src/inference/contracts/stt.ts";
import type { TTS } from "../../../src/inference/contracts/tts.ts";
import type { ServiceAct } from "../../../src/testing/conformance/models/service_act.ts";
import type { STTAct, STTFactory, TTSAct, TTSFactory } from "../../../src/testing/mod.ts";
import type { SocketService } from "./_service.ts";

/** For machines that are busy: fifty seconds of speech are sent and read here. */
export const LIMIT_MS = 30_000;

type Options = { apiKey: string; baseUrl: string };
type Start<Act, Served extends ServiceAct> = (
  acts: readonly Act[],
) => Promise<SocketService<Served>>;

/** Recognisers in front of a double of their service. */
export function sttOn<Served extends ServiceAct>(
  start: Start<STTAct, Served>,
  create: (options: Options) => STT,
): STTFactory {
  return async (acts) => {
    const service = await start(acts);
    return {
      stt: create({ apiKey: "key", baseUrl: service.baseUrl }),
      requests: () => service.requests,
      openRequests: () => service.connections.size,
      [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
    };
  };
}

/** Voices in front of a double of their service; `inWork` counts the texts that it still speaks. */
export function ttsOn<Served extends ServiceAct>(
  start: Start<TTSAct, Served>,
  create: (options: Options) => TTS,
  inWork: (service: SocketService<Served>) => number,
): TTSFactory {
  return async (acts) => {
    const service = await start(acts);
    return {
      tts: create({ apiKey: "key", baseUrl: service.baseUrl }),
      requests: () => service.requests,
      openRequests: () => inWork(service),
      [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
    };
  };
}
