/**
 * The models of OpenAI that are named anywhere here: defaults, examples, scripts and README. Models
 * are switched off on a date; a test reads the dates in the official `openai` package.
 *
 * @module
 */

/** The models of OpenAI that the examples use. */
export const OPENAI_MODELS = {
  /** Answers. */
  chat: "gpt-6.1-terra",
  /** Transcribes, also what a realtime model hears. */
  transcription: "gpt-transcribe",
  /** Reads aloud. It is a realtime model: those of `/audio/speech` are all being switched off. */
  speech: "gpt-realtime-2.1-mini",
  /** Hears and speaks by itself. */
  realtime: "gpt-realtime-2.1",
} as const;

/**
 * What a chat model must be asked with. This one reasons unless told not to, which is too slow for a
 * call, and while it reasons the service refuses tools at `/chat/completions`.
 */
export const CHAT_PARAMETERS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  [OPENAI_MODELS.chat]: { reasoning_effort: "none" },
};

/** How a model is told the language: the newer ones take a list. */
export function languageField(model: string): "language" | "languages[]" {
  return /^gpt-(live-)?transcribe/.test(model) ? "languages[]" : "language";
}
