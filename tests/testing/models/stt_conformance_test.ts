import { openAICompatible } from "../../../src/adapters/openai/mod.ts";
import { FallbackSTT } from "../../../src/inference/fallback/fallback_stt.ts";
import { FakeSTT, sttConformance, sttOverHttp, VirtualClock } from "../../../src/testing/mod.ts";

const recogniser = (baseUrl: string) => openAICompatible({ baseUrl }).stt({ model: "w" });

sttConformance(sttOverHttp({ create: recogniser }), { name: "OpenAITranscription" });

sttConformance(sttOverHttp({ create: (baseUrl) => new FallbackSTT([recogniser(baseUrl)]) }), {
  name: "FallbackSTT",
});

sttConformance((acts) => {
  const clock = new VirtualClock();
  const last = acts.at(-1)!;
  const script = [...acts, ...Array(10).fill(last)].map(({ text = "", beforeMs = 0 }) => {
    return { text, delayMs: beforeMs };
  });
  return { stt: new FakeSTT(clock, script), clock, async [Symbol.asyncDispose]() {} };
}, { name: "FakeSTT", network: false });
