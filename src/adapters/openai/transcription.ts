/** Speech to text of OpenAI's HTTP interface. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import { wavHeader } from "../../audio/wav.ts";
import type {
  TranscribeOptions,
  Transcriber,
  Transcript,
} from "../../inference/contracts/transcriber.ts";
import { HttpModel } from "./http.ts";
import { languageField } from "./models.ts";

/** Options for a speech-to-text model. */
export interface TranscriptionModelOptions {
  /** The model's name. */
  model: string;
  /** The language, in ISO 639-1. Default: the model detects it. */
  language?: string;
  /**
   * OpenAI's `prompt`: a text that guides the model, e.g. a sentence with words that may occur, in their
   * correct spelling. Where a service takes a list of words, as the `keyterms` of the other adapters, it
   * goes into `providerOptions`, in the service's word.
   */
  prompt?: string;
  /**
   * The interface: `"transcriptions"` posts each segment of speech as a whole, `"realtime"` sends it
   * over a WebSocket as it is spoken. Default: `"realtime"` for models that are made for it, e.g.
   * `"gpt-live-transcribe"`, else `"transcriptions"`.
   */
  api?: "transcriptions" | "realtime";
  /**
   * For `"realtime"`: how the service finds where turns end, in its words, e.g.
   * `{ type: "semantic_vad" }`, for `turnHandling: { turnDetection: "stt" }`. Default: it does not.
   */
  turnDetection?: Readonly<Record<string, unknown>>;
  /**
   * Additional fields of the form, or of `transcription` in the settings of a session, in the service's
   * words, e.g. `{ temperature: 0 }` or `{ keywords: ["Ringline"] }`.
   */
  providerOptions?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}

/** Speech to text at `/audio/transcriptions`. */
export class OpenAITranscription extends HttpModel<TranscriptionModelOptions>
  implements Transcriber {
  protected readonly path = "/audio/transcriptions";

  async *transcribe(
    audio: AsyncIterable<PcmChunk>,
    { signal }: TranscribeOptions,
  ): AsyncGenerator<Transcript, void, void> {
    const chunks: PcmChunk[] = [];
    for await (const pcm of audio) chunks.push(pcm);
    if (chunks.length === 0) return;
    const { model, language, prompt, providerOptions = {} } = this.options;
    const form = new FormData();
    form.set("file", wavFile(chunks), "speech.wav");
    form.set("model", model);
    form.set("response_format", "json");
    if (language) form.set(languageField(model), language);
    if (prompt) form.set("prompt", prompt);
    for (const [name, value] of Object.entries(providerOptions)) {
      form.delete(name);
      for (const one of Array.isArray(value) ? value : [value]) form.append(name, String(one));
    }
    const response = await this.post(form, signal);
    let body: unknown;
    try {
      body = await response.json();
    } catch (cause) {
      signal.throwIfAborted();
      throw this.error("the response is not JSON", { code: "malformed", cause });
    }
    const { text, languages } = Object(body) as { text?: unknown; languages?: unknown };
    if (typeof text !== "string") {
      throw this.error("the response has no text", { code: "malformed" });
    }
    const heard = detectedLanguage(languages) ?? language;
    yield { text, final: true, ...heard ? { language: heard } : {} };
  }
}

/** Returns the first of the languages that a service has detected. */
export function detectedLanguage(languages: unknown): string | undefined {
  const code = Array.isArray(languages) ? Object(languages[0]).code : undefined;
  return typeof code === "string" && code !== "" ? code : undefined;
}

/** Returns a WAV file of chunks of one format. */
function wavFile(chunks: readonly PcmChunk[]): Blob {
  const dataBytes = chunks.reduce((sum, { samples }) => sum + samples.byteLength, 0);
  const parts = chunks.map(({ samples }) => new Int16Array(samples));
  return new Blob([wavHeader(chunks[0]!, dataBytes), ...parts], { type: "audio/wav" });
}
