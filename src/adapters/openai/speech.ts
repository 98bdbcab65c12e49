/** Text to speech of OpenAI's HTTP interface. @module */
import type { SpeechPart, TTS } from "../../inference/contracts/tts.ts";
import { HttpModel } from "./http.ts";
import { PcmBytes } from "./pcm_bytes.ts";

/** Options for a text-to-speech model. */
export interface SpeechModelOptions {
  /** The model's name. */
  model: string;
  /** The voice's name. */
  voice: string;
  /**
   * The model's interface: `/audio/speech`, or `/realtime`, where a realtime model reads by
   * instruction; it usually reads word for word, but does not guarantee it. Default: `"realtime"` if
   * the model's name contains that word.
   */
  api?: "speech" | "realtime";
  /** How to speak, for models that accept instructions. */
  instructions?: string;
  /** The rate of the service's PCM, in samples a second. Default 24,000; always that for realtime. */
  sampleRate?: number;
}

/** Text to speech at `/audio/speech`. */
export class OpenAISpeech extends HttpModel<SpeechModelOptions> implements TTS {
  async *synthesize(
    text: string,
    { signal }: { readonly signal: AbortSignal },
  ): AsyncGenerator<SpeechPart, void, void> {
    const { model, voice, instructions, sampleRate = 24_000 } = this.options;
    const response = await this.post("/audio/speech", {
      model,
      voice,
      input: text,
      instructions,
      response_format: "pcm",
    }, signal);
    const type = response.headers.get("content-type") ?? "";
    if (/json|html|mpeg/.test(type)) {
      await response.body?.cancel();
      throw this.error(`expected PCM, got ${type}`, { code: "malformed" });
    }
    const pcm = new PcmBytes(sampleRate);
    for await (const bytes of this.read(response, signal)) {
      const chunk = pcm.push(bytes);
      if (chunk.frames > 0) yield { pcm: chunk };
    }
  }
}
