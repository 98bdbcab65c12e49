/** Text to speech of OpenAI's HTTP interface. @module */
import type { SpeechPart } from "../../inference/contracts/tts.ts";
import type { SentenceVoice } from "../../inference/contracts/tts_from_sentences.ts";
import { messageOf } from "../../events/error_text.ts";
import { decodeAudio } from "./audio_body.ts";
import { HttpModel } from "./http.ts";

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
  /**
   * Additional fields of the request, in the service's words, e.g. `{ speed: 1.1 }`; for realtime, of
   * the session, where they replace the adapter's.
   */
  providerOptions?: Readonly<Record<string, unknown>>;
}

/** Text to speech at `/audio/speech`. */
export class OpenAISpeech extends HttpModel<SpeechModelOptions> implements SentenceVoice {
  readonly prefetch = true;
  protected readonly path = "/audio/speech";

  async *synthesize(
    text: string,
    { signal }: { readonly signal: AbortSignal },
  ): AsyncGenerator<SpeechPart, void, void> {
    const { model, voice, instructions, sampleRate = 24_000, providerOptions } = this.options;
    const response = await this.post({
      model,
      voice,
      input: text,
      instructions,
      response_format: "pcm",
      ...providerOptions,
    }, signal);
    const type = response.headers.get("content-type") ?? "";
    try {
      for await (const pcm of decodeAudio(this.read(response, signal), { type, sampleRate })) {
        yield { pcm };
      }
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      // E.g. a service that always sends MP3.
      const message = `the service's audio cannot be played: ${messageOf(cause)}`;
      throw this.error(message, { code: "malformed", cause });
    }
  }
}
