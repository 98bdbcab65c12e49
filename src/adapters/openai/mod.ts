/**
 * Models behind OpenAI's HTTP interface, which many services and local servers offer: chat,
 * transcription and speech. Needs `--allow-net` for the service.
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
import { sttFromTranscriber } from "../../inference/contracts/transcriber.ts";
import type { TTS } from "../../inference/contracts/tts.ts";
import { ttsFromSentences } from "../../inference/contracts/tts_from_sentences.ts";
import { type ChatModelOptions, OpenAIChat } from "./chat.ts";
import { OpenAIRealtimeSpeech } from "./realtime_speech.ts";
import { OpenAIRealtimeTranscription } from "./realtime_transcription.ts";
import { OpenAISpeech, type SpeechModelOptions } from "./speech.ts";
import { OpenAITranscription, type TranscriptionModelOptions } from "./transcription.ts";
import { OPENAI_MODELS, OPENAI_URL } from "./models.ts";
import { checkBaseUrl } from "../service/endpoint.ts";
import { checkDuration } from "../../events/waiting.ts";
import { checkOptions, shown } from "../../events/checks.ts";

export { OPENAI_MODELS };
export type { ChatModelOptions, SpeechModelOptions, TranscriptionModelOptions };

/** Options for {@linkcode openAICompatible}. */
export interface OpenAICompatibleOptions {
  /**
   * The address of the service; a query, e.g. `?api-version=...`, is part of each request. Default
   * `"https://api.openai.com/v1"`.
   */
  baseUrl?: string;
  /** The bearer token. A local service often needs none. */
  apiKey?: string;
  /** Returns the bearer token for each request, for one that expires. Instead of `apiKey`. */
  getApiKey?: () => string | Promise<string>;
  /** Headers of every request, e.g. `{ "api-key": key }`; they replace those of the adapter. */
  headers?: Readonly<Record<string, string>>;
  /** The most tries of a request while the service is too busy. Default 3. */
  maxTries?: number;
  /**
   * The longest wait before other tries, all together, in milliseconds. A service that asks for a
   * longer one is given up for this request. Default 4,000.
   */
  maxWaitMs?: number;
  /**
   * How long opening a socket may take, in milliseconds, for the models at `/realtime`. Default 10,000.
   * What waits for a reply over HTTP has its own limits, e.g. the agent's `llmTimeoutMs`.
   */
  connectTimeoutMs?: number;
}

const OPTIONS = {
  baseUrl: true,
  apiKey: true,
  getApiKey: true,
  headers: true,
  maxTries: true,
  maxWaitMs: true,
  connectTimeoutMs: true,
} as const;
const CHAT_OPTIONS = {
  model: true,
  acceptsImages: true,
  reasoningEffort: true,
  includeUsage: true,
  providerOptions: true,
} as const;
const STT_OPTIONS = {
  model: true,
  language: true,
  prompt: true,
  api: true,
  turnDetection: true,
  providerOptions: true,
} as const;
const TTS_OPTIONS = {
  model: true,
  voice: true,
  api: true,
  instructions: true,
  sampleRate: true,
  providerOptions: true,
} as const;

/** The models of one service. */
export interface OpenAICompatible {
  /** Returns a language model. */
  llm(options: ChatModelOptions): LLM;
  /**
   * Returns a speech-to-text model. It receives each segment of speech as a whole, or as it is spoken:
   * see `api`.
   *
   * @throws {TypeError} there is a `turnDetection`, which only the realtime interface has.
   */
  stt(options: TranscriptionModelOptions): STT;
  /** Returns a text-to-speech model. */
  tts(options: SpeechModelOptions): TTS;
}

/** Returns the models of a service with OpenAI's HTTP interface. */
export function openAICompatible(options: OpenAICompatibleOptions = {}): OpenAICompatible {
  checkOptions(options, "options", OPTIONS, "an object like { apiKey }, or nothing");
  const { baseUrl = OPENAI_URL, ...rest } = options;
  checkBaseUrl(baseUrl, ["http"], `"${OPENAI_URL}"`);
  if (options.connectTimeoutMs !== undefined) {
    checkDuration("connectTimeoutMs", options.connectTimeoutMs);
  }
  const service = { ...rest, baseUrl: baseUrl.replace(/\/+$/, "") };
  return {
    llm: (model) => {
      checkOptions(model, "options", CHAT_OPTIONS, "an object like { model }");
      checkModel(model);
      return new OpenAIChat({ ...service, name: "openai-llm" }, model);
    },
    stt: (model) => {
      checkOptions(model, "options", STT_OPTIONS, "an object like { model, language }");
      checkModel(model);
      const { api = /realtime|live/.test(model.model) ? "realtime" : "transcriptions" } = model;
      if (api === "realtime") return new OpenAIRealtimeTranscription(service, model);
      if (model.turnDetection !== undefined) {
        throw new TypeError(`${model.model}: only api: "realtime" has a turnDetection`);
      }
      return sttFromTranscriber(new OpenAITranscription({ ...service, name: "openai-stt" }, model));
    },
    tts: (model) => {
      checkOptions(model, "options", TTS_OPTIONS, "an object like { model, voice }");
      checkModel(model);
      const { api = /realtime/.test(model.model) ? "realtime" : "speech" } = model;
      const Voice = api === "realtime" ? OpenAIRealtimeSpeech : OpenAISpeech;
      return ttsFromSentences(new Voice({ ...service, name: "openai-tts" }, model));
    },
  };
}

function checkModel({ model }: { readonly model: string }): void {
  if (typeof model === "string" && model !== "") return;
  throw new TypeError(
    `model: expected the name of one of the service's models, got ${shown(model)}`,
  );
}
