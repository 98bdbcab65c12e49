/** What stands in for the components that an agent does without: an announcer, a transcriber. @module */
import type { LLM } from "../contracts/llm.ts";
import type { STT } from "../contracts/stt.ts";
import type { TTS } from "../contracts/tts.ts";

/** Returns the error of a request that needs a component which the agent does without. */
export function missingComponent(option: "llm" | "stt" | "tts"): TypeError {
  const what = { llm: "language model", stt: "recogniser", tts: "voice" }[option];
  return new TypeError(`this agent has no ${what}: pass ${option}`);
}

/** The language model of an agent that only announces or transcribes: it replies to nothing. */
export const noLLM: LLM = {
  name: "no-llm",
  generate() {
    throw missingComponent("llm");
  },
};

/** The recogniser of an agent that hears nothing: it is never opened. */
export const noSTT: STT = {
  name: "no-stt",
  open() {
    throw missingComponent("stt");
  },
};

/** The voice of an agent that says nothing. */
export const noTTS: TTS = {
  name: "no-tts",
  open: () => ({
    speak() {
      throw missingComponent("tts");
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }),
};
