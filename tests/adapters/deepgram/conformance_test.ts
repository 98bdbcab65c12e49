import { deepgramSTT, deepgramTTS } from "../../../src/adapters/deepgram/mod.ts";
import { sttConformance, ttsConformance } from "../../../src/testing/mod.ts";
import { LIMIT_MS, sttOn, ttsOn } from "../streaming/_under_test.ts";
import { startDeepgram, textsInWork } from "./_double.ts";

const stt = (model: string) =>
  sttOn(startDeepgram, (options) => deepgramSTT({ ...options, model }));

sttConformance(stt("nova-3"), { name: "Deepgram Nova", limitMs: LIMIT_MS });
sttConformance(stt("flux-general-en"), { name: "Deepgram Flux", limitMs: LIMIT_MS });
ttsConformance(ttsOn(startDeepgram, deepgramTTS, textsInWork), {
  name: "Deepgram Aura",
  limitMs: LIMIT_MS,
});

const flux = (options: { apiKey: string; baseUrl: string }) =>
  deepgramTTS({ ...options, model: "flux-alexis-en" });
ttsConformance(ttsOn(startDeepgram, flux, textsInWork), {
  name: "Deepgram Flux voice",
  limitMs: LIMIT_MS,
});
