/**
 * A realtime model's options, and the settings of a session that follow from them.
 *
 * @module
 */
import type { RealtimeSessionOptions } from "../../inference/contracts/realtime_llm.ts";
import { OPENAI_MODELS } from "./models.ts";
import { REALTIME_FORMAT } from "./realtime_protocol.ts";

/** Options for `openAIRealtime`. */
export interface OpenAIRealtimeOptions {
  /** Sent as a bearer token. A local service often needs none. */
  apiKey?: string;
  /** Default `"gpt-realtime-2.1"`. */
  model?: string;
  /** Default: the service's. */
  voice?: string;
  /**
   * Where the service is, as for its HTTP interface. Default `"https://api.openai.com/v1"`; the
   * session is at `/realtime` below it.
   */
  baseUrl?: string;
  /** The address of the session itself, where it is another one than `baseUrl` says. */
  url?: string;
  /** How the service decides that a turn is over, as it takes it. Default: server VAD. */
  turnDetection?: Readonly<Record<string, unknown>>;
  /** What transcribes what people say. Default `"gpt-transcribe"`. */
  transcriptionModel?: string;
  /** How long beginning a session may take. Default 10,000. */
  connectTimeoutMs?: number;
}

/** Returns the settings of a session that takes part in a conversation. */
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
