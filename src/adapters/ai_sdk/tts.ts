/** Text to speech by the AI SDK. @module */
import { generateSpeech, NoSpeechGeneratedError, type SpeechModel } from "ai";
import {
  InferenceError,
  type SentenceVoice,
  type SpeechPart,
  type TTS,
  ttsFromSentences,
} from "@ringline/edge";
import { PcmChunk, readWav } from "@ringline/edge/audio";
import { checkOptions, messageOf } from "@ringline/edge/toolkit";
import {
  type AiSdkRequestOptions,
  AiSdkSpeechPart,
  checkModel,
  EXPECTED_OPTIONS,
  REQUEST_OPTIONS,
} from "./requests.ts";

/** A voice's model of the AI SDK, as a provider creates it, e.g. `openai.speech(name)`. */
export type AiSdkSpeechModel = SpeechModel;

/** Options for {@linkcode aiSdkTTS}. */
export interface AiSdkTTSOptions extends AiSdkRequestOptions {
  /** The voice's name. Default: the provider's. */
  voice?: string;
  /** The language, in ISO 639-1. Default: that of the text. */
  language?: string;
  /** How to speak, for models that take instructions. */
  instructions?: string;
  /** How fast to speak, e.g. 1.1. Default: the model's. */
  speed?: number;
  /**
   * The format that is asked for, in the provider's words: WAV, or 16-bit PCM at `sampleRate`. Default
   * `"wav"`.
   */
  outputFormat?: string;
  /** The rate of PCM without a header, in samples a second. Default 24,000. */
  sampleRate?: number;
}

const OPTIONS = {
  ...REQUEST_OPTIONS,
  voice: true,
  language: true,
  instructions: true,
  speed: true,
  outputFormat: true,
  sampleRate: true,
} as const;

/** How files of other formats, and texts, begin. */
const OTHER = /^(ID3|OggS|fLaC|.{4}ftyp|[<{])/s;

/**
 * Returns a {@linkcode TTS} that uses a speech model of the AI SDK, sentence by sentence.
 *
 * @throws {TypeError} `model` is no such model.
 */
export function aiSdkTTS(model: AiSdkSpeechModel, options: AiSdkTTSOptions = {}): TTS {
  checkModel(model, "doGenerate", "openai.speech(name)");
  checkOptions(options, "options", OPTIONS, EXPECTED_OPTIONS);
  return ttsFromSentences(new AiSdkVoice(model, options));
}

class AiSdkVoice extends AiSdkSpeechPart<AiSdkTTSOptions> implements SentenceVoice {
  readonly name = "ai-sdk-tts";
  readonly prefetch = true;
  readonly #model: AiSdkSpeechModel;

  constructor(model: AiSdkSpeechModel, options: AiSdkTTSOptions) {
    super(model, options);
    this.#model = model;
  }

  async *synthesize(
    text: string,
    { signal }: { readonly signal: AbortSignal },
  ): AsyncGenerator<SpeechPart, void, void> {
    const { voice, language, instructions, speed, outputFormat = "wav" } = this.options;
    const speech = async () => {
      try {
        return await generateSpeech({
          ...this.common,
          model: this.#model,
          text,
          voice,
          language,
          instructions,
          speed,
          outputFormat,
          abortSignal: signal,
        });
      } catch (error) {
        if (NoSpeechGeneratedError.isInstance(error)) return undefined;
        throw error;
      }
    };
    const result = await this.request(speech, signal);
    if (result) yield { pcm: this.#decode(result.audio) };
  }

  #decode(
    { uint8Array: bytes, mediaType }: {
      readonly uint8Array: Uint8Array;
      readonly mediaType: string;
    },
  ): PcmChunk {
    const { outputFormat = "wav", sampleRate = 24_000 } = this.options;
    const head = new TextDecoder("latin1").decode(bytes.subarray(0, 8));
    try {
      if (head.startsWith("RIFF")) return readWav(bytes);
      if (!/pcm|^raw/.test(outputFormat) || OTHER.test(head)) {
        throw new RangeError(`got ${mediaType}`);
      }
      const whole = bytes.slice(0, bytes.length & ~1);
      return new PcmChunk(new Int16Array(whole.buffer), { sampleRate });
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      const message = `${this.name}: the audio cannot be played: ${messageOf(cause)}; ` +
        `outputFormat: expected one for WAV or PCM, got ${outputFormat}`;
      throw new InferenceError(message, { code: "malformed", cause });
    }
  }
}
