/** The options of Gemini Live, and how a session begins with them. @module */
import type { ChatMessage, ToolImage } from "../../inference/contracts/messages.ts";
import type { RealtimeSessionOptions } from "../../inference/contracts/realtime_llm.ts";
import { SERVICE_OPTIONS, type StreamingServiceOptions } from "../streaming/service.ts";

/** The rate of the audio that the service takes, in samples a second. */
export const INPUT_RATE = 16_000;

/** Options for `geminiLive`. */
export interface GeminiLiveOptions extends StreamingServiceOptions {
  /** The model's name, e.g. `"gemini-3.1-flash-live-preview"`. */
  model: string;
  /** The voice's name, e.g. `"Kore"`. Default: the service's default voice. */
  voice?: string;
  /** The language as a BCP 47 tag, for models that take one. Default: that of the conversation. */
  language?: string;
  /** The service's settings of turn detection, e.g. `{ silenceDurationMs: 500 }`. */
  turnDetection?: Readonly<Record<string, unknown>>;
  /** More of the session's settings, which replace the adapter's, in the service's words. */
  providerOptions?: Readonly<Record<string, unknown>>;
}

/** The names of {@linkcode GeminiLiveOptions}. */
export const GEMINI_OPTIONS: Readonly<Record<keyof GeminiLiveOptions, true>> = {
  ...SERVICE_OPTIONS,
  model: true,
  voice: true,
  language: true,
  turnDetection: true,
  providerOptions: true,
};

/** Returns the message that begins a session. */
export function setupMessage(
  { model, voice, language, turnDetection, providerOptions }: GeminiLiveOptions,
  { instructions, tools, history }: Pick<
    RealtimeSessionOptions,
    "instructions" | "tools" | "history"
  >,
) {
  const speechConfig = {
    ...voice ? { voiceConfig: { prebuiltVoiceConfig: { voiceName: voice } } } : {},
    ...language ? { languageCode: language } : {},
  };
  return {
    setup: {
      model: model.includes("/") ? model : `models/${model}`,
      generationConfig: {
        responseModalities: ["AUDIO"],
        ...voice || language ? { speechConfig } : {},
      },
      ...instructions === "" ? {} : { systemInstruction: { parts: [{ text: instructions }] } },
      ...tools.length === 0 ? {} : {
        tools: [{
          functionDeclarations: tools.map(({ name, description, parameters }) => ({
            name,
            description,
            parametersJsonSchema: parameters,
          })),
        }],
      },
      ...turnDetection
        ? { realtimeInputConfig: { automaticActivityDetection: turnDetection } }
        : {},
      inputAudioTranscription: {},
      outputAudioTranscription: {},
      // Without it a session of sound ends after 15 minutes.
      contextWindowCompression: { slidingWindow: {} },
      // The conversation so far is no reason to reply.
      ...history.length === 0 ? {} : { historyConfig: { initialHistoryInClientContent: true } },
      ...providerOptions,
    },
  };
}

/** Returns a message as the service's turns. */
export function turnsOf(message: ChatMessage): object[] {
  if (message.role === "tool") {
    const { callId: id, name, text, isError } = message;
    const images = imagesOf(message.images);
    return [
      { role: "user", parts: [{ functionResponse: responseOf(id, name, text, isError) }] },
      ...images.length === 0 ? [] : [{ role: "user", parts: images }],
    ];
  }
  if (message.role === "assistant") {
    const calls = (message.toolCalls ?? []).map(({ id, name, input }) => ({
      functionCall: { id, name, args: Object(input) },
    }));
    const parts = [...message.text === "" ? [] : [{ text: message.text }], ...calls];
    return parts.length === 0 ? [] : [{ role: "model", parts }];
  }
  const { name, images } = message.role === "user" ? message : {};
  const text = name ? `${name}: ${message.text}` : message.text;
  return [{ role: "user", parts: [{ text }, ...imagesOf(images)] }];
}

function imagesOf(images: readonly ToolImage[] = []): object[] {
  return images.map(({ mediaType: mimeType, data }) => ({
    inlineData: { mimeType, data: data.toBase64() },
  }));
}

/** Returns a tool's result in the service's words. */
export function responseOf(id: string, name: string, text: string, isError: boolean): object {
  return { id, name, response: isError ? { error: text } : { output: text } };
}
