/**
 * Models behind the HTTP interface of OpenAI, which many services and local servers speak: chat,
 * transcription and speech. Needs `--allow-net` for the service, and nothing else.
 *
 * @example
 * ```ts
 * import { Agent } from "@ringline/edge";
 * import { MemoryEdge } from "@ringline/edge/testing";
 * import { openAICompatible } from "@ringline/edge/openai";
 *
 * const service = openAICompatible({ baseUrl: "http://127.0.0.1:11434/v1" });
 * const agent = new Agent({
 *   edge: new MemoryEdge(),
 *   agentUser: { id: "helper", name: "Helper" },
 *   llm: service.llm({ model: "llama3.2" }),
 *   stt: service.stt({ model: "faster-whisper-small" }),
 *   tts: service.tts({ model: "kokoro", voice: "af_heart" }),
 * });
 * console.log(agent.user.name); // Helper
 * ```
 *
 * @module
 */
import type { LLM } from "../../inference/contracts/llm.ts";
import type { STT } from "../../inference/contracts/stt.ts";
import type { TTS } from "../../inference/contracts/tts.ts";
import { type ChatModelOptions, OpenAIChat } from "./chat.ts";
import { OpenAIRealtimeSpeech } from "./realtime_speech.ts";
import { OpenAISpeech, type SpeechModelOptions } from "./speech.ts";
import { OpenAITranscription, type TranscriptionModelOptions } from "./transcription.ts";
import { checkObject } from "../../events/checks.ts";

export { OPENAI_MODELS } from "./models.ts";
export type { ChatModelOptions, SpeechModelOptions, TranscriptionModelOptions };

/** Where a service is and who asks. */
export interface OpenAICompatibleOptions {
  /** Default `"https://api.openai.com/v1"`. */
  baseUrl?: string;
  /** Sent as a bearer token. A local service often needs none. */
  apiKey?: string;
  /** Sent with every request. */
  headers?: Readonly<Record<string, string>>;
  /** How often a request is tried that the service was too busy for. Default 3. */
  maxTries?: number;
}

/** The models of one service. */
export interface OpenAICompatible {
  /** A language model. */
  llm(options: ChatModelOptions): LLM;
  /** A recogniser: it gets each stretch of speech as a whole. */
  stt(options: TranscriptionModelOptions): STT;
  /** A voice. */
  tts(options: SpeechModelOptions): TTS;
}

/** The models of a service that speaks OpenAI's HTTP interface. */
export function openAICompatible(options: OpenAICompatibleOptions = {}): OpenAICompatible {
  checkObject(options, "options", "an object like { apiKey }, or nothing");
  const { baseUrl = "https://api.openai.com/v1", ...rest } = options;
  const service = { ...rest, baseUrl: baseUrl.replace(/\/+$/, "") };
  return {
    llm: (model) => new OpenAIChat({ ...service, name: "openai-llm" }, model),
    stt: (model) => new OpenAITranscription({ ...service, name: "openai-stt" }, model),
    tts: (model) => {
      const { api = /realtime/.test(model.model) ? "realtime" : "speech" } = model;
      const Voice = api === "realtime" ? OpenAIRealtimeSpeech : OpenAISpeech;
      return new Voice({ ...service, name: "openai-tts" }, model);
    },
  };
}
