/**
 * The options of a realtime model, and the settings of a session that follow from them.
 *
 * @module
 */
import type { RealtimeSessionOptions } from "../../inference/contracts/realtime_llm.ts";
import { OPENAI_MODELS, spokenLanguage } from "./models.ts";
import { toolParameters } from "./tool_parameters.ts";
import { REALTIME_FORMAT } from "./realtime_protocol.ts";

/** Options for `openAIRealtime`. */
export interface OpenAIRealtimeOptions {
  /** The bearer token. A local service often needs none. */
  apiKey?: string;
  /** Returns the bearer token for each session, for one that expires. Instead of `apiKey`. */
  getApiKey?: () => string | Promise<string>;
  /** Headers of each connection, e.g. Azure's `api-key`; they replace those of the adapter. */
  headers?: Readonly<Record<string, string>>;
  /** The model's name. Default `"gpt-realtime-2.1"`. */
  model?: string;
  /** The voice's name. Default: the service's default voice. */
  voice?: string;
  /**
   * The address of the service's HTTP interface; the session is at `/realtime` below it, and a query
   * stays a query. Default `"https://api.openai.com/v1"`.
   */
  baseUrl?: string;
  /** The address of the session itself, instead of the one below `baseUrl`. */
  url?: string;
  /** The service's settings of turn detection. Default: server VAD. */
  turnDetection?: Readonly<Record<string, unknown>>;
  /** The model that transcribes the participants' speech. Default `"gpt-transcribe"`. */
  transcriptionModel?: string;
  /** The language of the transcripts, e.g. `"de"`. Default: any. */
  language?: string;
  /** More of the session's settings, which replace the adapter's, e.g. `{ tool_choice: "auto" }`. */
  providerOptions?: Readonly<Record<string, unknown>>;
  /** Time limit for the beginning of a session, in milliseconds. Default 10,000. */
  connectTimeoutMs?: number;
}

/** The names of {@linkcode OpenAIRealtimeOptions}. */
export const OPENAI_REALTIME_OPTIONS: Readonly<Record<keyof OpenAIRealtimeOptions, true>> = {
  apiKey: true,
  getApiKey: true,
  headers: true,
  model: true,
  voice: true,
  baseUrl: true,
  url: true,
  turnDetection: true,
  transcriptionModel: true,
  language: true,
  providerOptions: true,
  connectTimeoutMs: true,
};

/** Returns the settings of a session for a conversation. */
export function conversingSession(
  options: OpenAIRealtimeOptions,
  { instructions, tools, output = "audio" }: Pick<
    RealtimeSessionOptions,
    "instructions" | "tools" | "output"
  >,
) {
  const { voice, turnDetection, language } = options;
  const { transcriptionModel = OPENAI_MODELS.transcription } = options;
  return {
    ...instructedSession({ instructions, tools }),
    output_modalities: [output],
    audio: {
      input: {
        format: REALTIME_FORMAT,
        transcription: {
          model: transcriptionModel,
          ...spokenLanguage(transcriptionModel, language),
        },
        turn_detection: turnDetection ?? { type: "server_vad" as const },
      },
      ...output === "audio"
        ? { output: { format: REALTIME_FORMAT, ...voice ? { voice } : {} } }
        : {},
    },
    ...options.providerOptions,
  };
}

/** Returns the settings of a session that say what the model is to do, and with which tools. */
export function instructedSession(
  { instructions, tools }: Pick<RealtimeSessionOptions, "instructions" | "tools">,
) {
  return {
    type: "realtime" as const,
    instructions,
    tools: tools.map((tool) => ({
      type: "function" as const,
      name: tool.name,
      description: tool.description,
      parameters: toolParameters(tool),
    })),
  };
}
