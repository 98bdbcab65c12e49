import { openAICompatible } from "../../../src/adapters/openai/mod.ts";
import { FallbackTTS } from "../../../src/inference/fallback/fallback_tts.ts";
import { FakeTTS, ttsConformance, ttsOverHttp, VirtualClock } from "../../../src/testing/mod.ts";

const voice = (baseUrl: string) => openAICompatible({ baseUrl }).tts({ model: "t", voice: "v" });

ttsConformance(ttsOverHttp({ create: voice }), { name: "OpenAISpeech" });

ttsConformance(ttsOverHttp({ create: (baseUrl) => new FallbackTTS([voice(baseUrl)]) }), {
  name: "FallbackTTS",
});

for (const alignment of [false, true]) {
  ttsConformance((acts) => {
    const clock = new VirtualClock();
    const { beforeMs, gapMs } = acts[0] ?? {};
    const speed = gapMs === undefined ? Infinity : 1;
    const tts = new FakeTTS(clock, { firstByteMs: beforeMs, speed, alignment });
    return { tts, clock, async [Symbol.asyncDispose]() {} };
  }, { name: alignment ? "FakeTTS with alignment" : "FakeTTS", network: false });
}
