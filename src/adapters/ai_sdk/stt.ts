/** Speech to text by the AI SDK. @module */
import {
  experimental_streamTranscribe,
  NoTranscriptGeneratedError,
  transcribe,
  type TranscriptionModel,
} from "ai";
import {
  InferenceError,
  type STT,
  sttFromTranscriber,
  type TranscribeOptions,
  type Transcriber,
  type Transcript,
} from "@ringline/edge";
import {
  concatenate,
  type PcmChunk,
  Resampler,
  typescriptKernel,
  writeWav,
} from "@ringline/edge/audio";
import { checkOptions } from "@ringline/edge/toolkit";
import { failure } from "./failure.ts";
import {
  type AiSdkRequestOptions,
  AiSdkSpeechPart,
  checkModel,
  EXPECTED_OPTIONS,
  REQUEST_OPTIONS,
} from "./requests.ts";

/** A recogniser of the AI SDK, as a provider creates it, e.g. `openai.transcription(name)`. */
export type AiSdkTranscriptionModel = TranscriptionModel;

/** Options for {@linkcode aiSdkSTT}. */
export interface AiSdkSTTOptions extends AiSdkRequestOptions {
  /**
   * Whether speech is sent while it is spoken, for models that take it so, e.g. OpenAI's
   * `"gpt-live-transcribe"`; the SDK calls that experimental. Default `false`: as a whole.
   */
  streaming?: boolean;
  /** The rate of speech that is sent so, in samples a second. Default 24,000, the only one of OpenAI. */
  sampleRate?: number;
}

const OPTIONS = { ...REQUEST_OPTIONS, streaming: true, sampleRate: true } as const;

/**
 * Returns an {@linkcode STT} that uses a transcription model of the AI SDK.
 *
 * @throws {TypeError} `model` is no such model, or does not stream where that is wanted.
 */
export function aiSdkSTT(model: AiSdkTranscriptionModel, options: AiSdkSTTOptions = {}): STT {
  checkOptions(options, "options", OPTIONS, EXPECTED_OPTIONS);
  checkModel(model, options.streaming ? "doStream" : "doGenerate", "openai.transcription(name)");
  return sttFromTranscriber(new AiSdkTranscriber(model, options));
}

/** How long a service may take for its text after the end of speech. */
const TEXT_LIMIT_MS = 10_000;
/** Services refuse a shorter segment than this. */
const MIN_SPEECH_MS = 100;

class AiSdkTranscriber extends AiSdkSpeechPart<AiSdkSTTOptions> implements Transcriber {
  readonly name = "ai-sdk-stt";
  readonly #model: AiSdkTranscriptionModel;

  constructor(model: AiSdkTranscriptionModel, options: AiSdkSTTOptions) {
    super(model, options);
    this.#model = model;
  }

  transcribe(
    audio: AsyncIterable<PcmChunk>,
    { signal }: TranscribeOptions,
  ): AsyncGenerator<Transcript, void, void> {
    return this.options.streaming ? this.#stream(audio, signal) : this.#whole(audio, signal);
  }

  async *#whole(
    audio: AsyncIterable<PcmChunk>,
    signal: AbortSignal,
  ): AsyncGenerator<Transcript, void, void> {
    const chunks: PcmChunk[] = [];
    for await (const pcm of audio) chunks.push(pcm);
    if (chunks.length === 0) return;
    const file = writeWav(concatenate(...chunks));
    const transcription = async () => {
      try {
        return await transcribe({
          ...this.common,
          model: this.#model,
          audio: file,
          abortSignal: signal,
        });
      } catch (error) {
        // For the SDK it is a failure that nothing was said.
        if (NoTranscriptGeneratedError.isInstance(error)) return undefined;
        throw error;
      }
    };
    const result = await this.request(transcription, signal);
    if (result) yield transcript(result.text, true, result.language);
  }

  async *#stream(
    audio: AsyncIterable<PcmChunk>,
    signal: AbortSignal,
  ): AsyncGenerator<Transcript, void, void> {
    const { sampleRate = 24_000 } = this.options;
    const left = new AbortController();
    let limit: Disposable | undefined;
    const onEnd = () => {
      limit = this.clock.schedule(() => {
        left.abort(new DOMException(`no text within ${TEXT_LIMIT_MS} ms`, "TimeoutError"));
      }, TEXT_LIMIT_MS);
    };
    const abortSignal = AbortSignal.any([signal, left.signal]);
    const { maxRetries: _, ...common } = this.common;
    try {
      const { fullStream } = await this.request(
        () =>
          Promise.resolve(experimental_streamTranscribe({
            ...common,
            model: this.#model,
            audio: ReadableStream.from(bytes(audio, sampleRate, { signal: abortSignal, onEnd })),
            inputAudioFormat: { type: "audio/pcm", rate: sampleRate },
            abortSignal,
          })),
        signal,
      );
      yield* read(fullStream);
    } catch (cause) {
      signal.throwIfAborted();
      if (!NoTranscriptGeneratedError.isInstance(cause)) throw failure(cause);
    } finally {
      limit?.[Symbol.dispose]();
      left.abort();
    }
  }
}

/** What this package reads of the SDK's stream of parts. */
interface Part {
  readonly type: string;
  readonly text?: string;
  readonly delta?: string;
  readonly error?: unknown;
}

/** Yields all text so far: final texts, and what may still be revised after them. */
async function* read(parts: AsyncIterable<Part>): AsyncGenerator<Transcript, void, void> {
  let final = "";
  let interim = "";
  let shown = "";
  for await (const { type, text = "", delta = "", error } of parts) {
    if (type === "error") throw error;
    if (type === "transcript-delta") interim += delta;
    else if (type === "transcript-partial") interim = text;
    else if (type === "transcript-final") {
      final = [final, text].filter(Boolean).join(" ");
      interim = "";
    } else continue;
    const all = [final, interim].filter(Boolean).join(" ");
    if (all !== shown) yield transcript(shown = all, false);
  }
  if (final === "" && interim !== "") {
    throw new InferenceError("ai-sdk-stt: the transcript was cut off", {
      code: "cut-off",
      retryable: true,
    });
  }
  yield transcript(final, true);
}

function transcript(text: string, final: boolean, language?: string): Transcript {
  return { text, final, ...language ? { language } : {} };
}

/** Yields the bytes of speech at a rate, until the signal is aborted. */
async function* bytes(
  audio: AsyncIterable<PcmChunk>,
  outputRate: number,
  { signal, onEnd }: { signal: AbortSignal; onEnd: () => void },
): AsyncGenerator<Uint8Array, void, void> {
  let resampler: Resampler | undefined;
  let ms = 0;
  try {
    for await (const pcm of audio) {
      if (signal.aborted) return;
      const { sampleRate: inputRate } = pcm;
      ms += pcm.durationMs;
      resampler ??= new Resampler(typescriptKernel(), { inputRate, outputRate });
      const { buffer, byteOffset, byteLength } = resampler.convert(pcm).samples;
      yield new Uint8Array(buffer, byteOffset, byteLength).slice();
    }
    const lackingMs = Math.max(0, MIN_SPEECH_MS - ms);
    if (lackingMs > 0) yield new Uint8Array(2 * Math.ceil(lackingMs * outputRate / 1000));
    onEnd();
  } finally {
    resampler?.[Symbol.dispose]();
  }
}
