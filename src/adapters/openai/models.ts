/**
 * The names of OpenAI's models, for defaults, examples, scripts and README. OpenAI switches models off
 * on a date; a test reads the dates in the official `openai` package.
 *
 * @module
 */

/** OpenAI's own address. */
export const OPENAI_URL = "https://api.openai.com/v1";

/** The models of OpenAI that the examples use. */
export const OPENAI_MODELS = {
  /** Chat. */
  chat: "gpt-6.1-terra",
  /** Speech to text, also for the input of a realtime model. */
  transcription: "gpt-transcribe",
  /** Speech to text while one speaks, over a realtime session. */
  streamingTranscription: "gpt-live-transcribe",
  /** Text to speech: a realtime model, since all models of `/audio/speech` are being switched off. */
  speech: "gpt-realtime-2.1-mini",
  /** Speech to speech. */
  realtime: "gpt-realtime-2.1",
} as const;

/**
 * The default options of chat models. This one reasons by default, which is too slow for a call,
 * and the service refuses tools at `/chat/completions` while it reasons.
 */
export const CHAT_OPTIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  [OPENAI_MODELS.chat]: { reasoning_effort: "none" },
};

/** Returns the fields for the language in the settings of a session. */
export function spokenLanguage(
  model: string,
  language: string | undefined,
): { language?: string; languages?: string[] } {
  if (language === undefined) return {};
  return languageField(model) === "language" ? { language } : { languages: [language] };
}

/** Returns the name of the field for the language: the newer models take a list. */
export function languageField(model: string): "language" | "languages[]" {
  return /^gpt-(live-)?transcribe/.test(model) ? "languages[]" : "language";
}
