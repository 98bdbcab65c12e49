import { elevenLabsSTT, elevenLabsTTS } from "../../../src/adapters/elevenlabs/mod.ts";
import { sttConformance, ttsConformance } from "../../../src/testing/mod.ts";
import { LIMIT_MS, sttOn, ttsOn } from "../streaming/_under_test.ts";
import { startElevenLabs, textsInWork } from "./_double.ts";

const tts = ttsOn(
  startElevenLabs,
  (options) => elevenLabsTTS({ ...options, voice: "v" }),
  textsInWork,
);
sttConformance(sttOn(startElevenLabs, elevenLabsSTT), {
  name: "ElevenLabs Scribe",
  limitMs: LIMIT_MS,
});
ttsConformance(tts, { name: "ElevenLabs voice", limitMs: LIMIT_MS });
