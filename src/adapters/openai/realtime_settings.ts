/**
 * The options of a realtime model, and the settings of a session that follow from them.
 *
 * @module
 */
import type { RealtimeSessionOptions } from "../../inference/contracts/realtime_llm.ts";
import { OPENAI_MODELS } from "./models.ts";
import { REALTIME_FORMAT } from "./realtime_protocol.ts";

/** Options for `openAIRealtime`. */
export interface OpenAIRealtimeOptions {
  /** The bearer token. A local service often needs none. */
  apiKey?: string;
  /** The model's name. Default `"gpt-realtime-2.1"`. */
  model?: string;
  /** The voice's name. Default: the service's default voice. */
  voice?: string;
  /**
   * The address of the service's HTTP interface; the session is at `/realtime` below it. Default
   * `"https://api.openai.com/v1"`.
   */
  baseUrl?: string;
  /** The address of the session itself, instead of the one below `baseUrl`. */
  url?: string;
  /** The service's settings of turn detection. Default: server VAD. */
  turnDetection?: Readonly<Record<string, unknown>>;
  /** The model that transcribes the participants' speech. Default `"gpt-transcribe"`. */
  transcriptionModel?: string;
  /** Time limit for the beginning of a session, in milliseconds. Default 10,000. */
  connectTimeoutMs?: number;
}

/** Returns the settings of a session for a conversation. */
export function conversingSession(
  { voice, turnDetection, transcriptionModel = OPENAI_MODELS.transcription }: OpenAIRealtimeOptions,
  { instructions, tools }: Pick<RealtimeSessionOptions, "instructions" | "tools">,
) {
  return {
    type: "realtime" as const,
    instructions,
    output_modalities: ["audio" as const],
    audio: {
      input: {
        format: REALTIME_FORMAT,
        transcription: { model: transcriptionModel },
        turn_detection: turnDetection ?? { type: "server_vad" as const },
      },
      output: { format: REALTIME_FORMAT, ...voice ? { voice } : {} },
    },
    tools: tools.map(({ name, description, parameters }) => ({
      type: "function" as const,
      name,
      description,
      parameters,
    })),
  };
}
