import { cartesiaSTT, cartesiaTTS } from "../../../src/adapters/cartesia/mod.ts";
import { sttConformance, ttsConformance } from "../../../src/testing/mod.ts";
import { LIMIT_MS, sttOn, ttsOn } from "../streaming/_under_test.ts";
import { startCartesia, textsInWork } from "./_double.ts";

const tts = ttsOn(
  startCartesia,
  (options) => cartesiaTTS({ ...options, voice: "v" }),
  textsInWork,
);
sttConformance(sttOn(startCartesia, cartesiaSTT), { name: "Cartesia Ink", limitMs: LIMIT_MS });
ttsConformance(tts, { name: "Cartesia Sonic", limitMs: LIMIT_MS });
