import type { SpeechPart, TTS } from "../../inference/contracts/tts.ts";
import { HttpModel } from "./http.ts";
import { PcmBytes } from "./pcm_bytes.ts";

/** Which voice. */
export interface SpeechModelOptions {
  /** The model's name. */
  model: string;
  /** The voice's name. */
  voice: string;
  /**
   * Where the model is: at `/audio/speech`, or at `/realtime`, where a realtime model is told to
   * read. It does so word for word as a rule, but that is no promise. Default: `"realtime"` where
   * the model's name has that in it.
   */
  api?: "speech" | "realtime";
  /** How to speak, for models that can be told. */
  instructions?: string;
  /** Samples a second of the PCM that the service sends. Default 24,000, which realtime is always. */
  sampleRate?: number;
}

/** A voice behind `/audio/speech`. */
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
