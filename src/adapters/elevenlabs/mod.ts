/**
 * ElevenLabs over its WebSockets: Scribe, which transcribes as one speaks, and its voices, with when
 * each word is said. Needs `--allow-net` for `api.elevenlabs.io`.
 *
 * @example
 * ```ts
 * import { Agent } from "@ringline/edge";
 * import { elevenLabsSTT, elevenLabsTTS } from "@ringline/edge/elevenlabs";
 * import { OPENAI_MODELS, openAICompatible } from "@ringline/edge/openai";
 * import { MemoryEdge } from "@ringline/edge/testing";
 *
 * const apiKey = "...";
 * const agent = new Agent({
 *   edge: new MemoryEdge(),
 *   agentUser: { id: "helper", name: "Helper" },
 *   llm: openAICompatible({ apiKey: "sk-..." }).llm({ model: OPENAI_MODELS.chat }),
 *   stt: elevenLabsSTT({ apiKey }),
 *   tts: elevenLabsTTS({ apiKey, voice: "21m00Tcm4TlvDq8ikWAM" }),
 * });
 * console.log(agent.user.name); // Helper
 * ```
 *
 * @module
 */
import type { STT, SttSession, SttSessionOptions } from "../../inference/contracts/stt.ts";
import type { TTS, TtsSession, TtsSessionOptions } from "../../inference/contracts/tts.ts";
import { checkOptions } from "../../events/checks.ts";
import {
  type QueryValue,
  SERVICE_OPTIONS,
  StreamingComponent,
  StreamingService,
  type StreamingServiceOptions,
  type VendorAddress,
} from "../streaming/service.ts";
import { StreamingSttSession } from "../streaming/stt_session.ts";
import { StreamingTtsSession } from "../streaming/tts_session.ts";
import { ScribeCodec } from "./scribe.ts";
import { SPEECH_KEEPALIVE, SpeechCodec } from "./speech.ts";

export type { QueryValue, StreamingServiceOptions };

/** The address of ElevenLabs. */
const BASE_URL = "https://api.elevenlabs.io";
/** The service closes a connection with more; one that was cancelled counts until that is confirmed. */
const MAX_CONTEXTS = 5;
/** A context waits so many seconds for text, a slow tool between two sentences for example. */
const INACTIVITY_S = 180;
/** With one of these parameters the service says each final text once more, with what it has found out by then. */
const REPEATING = ["include_timestamps", "include_language_detection"];
/** The rates that the recogniser takes, in samples a second. */
const SCRIBE_RATES = [8000, 16_000, 22_050, 24_000, 44_100, 48_000];

/** Options for {@linkcode elevenLabsSTT}. */
export interface ElevenLabsSTTOptions extends StreamingServiceOptions {
  /** The model. Default `"scribe_v2_realtime"`. */
  model?: string;
  /** The language, in ISO 639-1. Default: the model detects it. */
  language?: string;
  /** Words that may occur, in their correct spelling: ElevenLabs' `keyterms`. */
  keyterms?: readonly string[];
  /** Whether the final text comes with the times of its words; it comes a little later. Default `false`. */
  wordTimes?: boolean;
  /** Additional parameters of the query, in the service's words, e.g. `{ no_verbatim: true }`. */
  providerOptions?: Readonly<Record<string, QueryValue>>;
}

/** Options for {@linkcode elevenLabsTTS}. */
export interface ElevenLabsTTSOptions extends StreamingServiceOptions {
  /** The id of the voice. */
  voice: string;
  /** The model. Default `"eleven_flash_v2_5"`. */
  model?: string;
  /** The language, in ISO 639-1, for models of several. */
  language?: string;
  /** The rate of the sound, in samples a second: 8,000, 16,000, 22,050, 24,000, 44,100. Default 24,000. */
  sampleRate?: number;
  /** How the voice speaks, in the service's words, e.g. `{ stability: 0.5, speed: 1.1 }`. */
  voiceSettings?: Readonly<Record<string, number | boolean>>;
  /** Additional parameters of the query, in the service's words. */
  providerOptions?: Readonly<Record<string, QueryValue>>;
}

const STT_OPTIONS = {
  ...SERVICE_OPTIONS,
  model: true,
  language: true,
  keyterms: true,
  wordTimes: true,
  providerOptions: true,
} as const;
const TTS_OPTIONS = {
  ...SERVICE_OPTIONS,
  voice: true,
  model: true,
  language: true,
  sampleRate: true,
  voiceSettings: true,
  providerOptions: true,
} as const;

/** Returns ElevenLabs' speech to text. */
export function elevenLabsSTT(options: ElevenLabsSTTOptions = {}): STT {
  checkOptions(options, "options", STT_OPTIONS, "an object like { apiKey }");
  return new ElevenLabsSTT(options);
}

/**
 * Returns ElevenLabs' text to speech.
 *
 * @throws {TypeError} there is no voice.
 */
export function elevenLabsTTS(options: ElevenLabsTTSOptions): TTS {
  checkOptions(options, "options", TTS_OPTIONS, "an object like { apiKey, voice }");
  return new ElevenLabsTTS(options);
}

/** Returns an address at ElevenLabs. */
function address(path: string, query: Readonly<Record<string, QueryValue>>): VendorAddress {
  const keyHeader = (key: string) => ({ "xi-api-key": key });
  return { baseUrl: BASE_URL, path, query, keyHeader };
}

class ElevenLabsSTT extends StreamingComponent implements STT {
  readonly #options: ElevenLabsSTTOptions;

  constructor(options: ElevenLabsSTTOptions) {
    super(new StreamingService("elevenlabs-stt", options));
    this.#options = options;
  }

  open({ sampleRate, clock }: SttSessionOptions): SttSession {
    const { name, service } = this;
    if (!SCRIBE_RATES.includes(sampleRate)) {
      const rates = SCRIBE_RATES.join(", ");
      throw new RangeError(`${name} takes audio at ${rates} samples a second, got ${sampleRate}`);
    }
    const where = this.#address(sampleRate);
    const hasTimes = REPEATING.some((parameter) => String(where.query[parameter]) === "true");
    return new StreamingSttSession({
      name,
      clock,
      connect: (events) => service.connect(where, { ...events, clock }),
      codec: (io) => new ScribeCodec(name, io, { sampleRate, hasTimes }),
      onError: (error) => service.failed(error),
    });
  }

  protected checked(): VendorAddress {
    return this.#address(16_000);
  }

  #address(sampleRate: number): VendorAddress {
    const { model = "scribe_v2_realtime", language, keyterms, wordTimes } = this.#options;
    return address("/v1/speech-to-text/realtime", {
      model_id: model,
      audio_format: `pcm_${sampleRate}`,
      commit_strategy: "manual",
      language_code: language,
      include_timestamps: wordTimes || undefined,
      keyterms,
      ...this.#options.providerOptions,
    });
  }
}

class ElevenLabsTTS extends StreamingComponent implements TTS {
  readonly #options: ElevenLabsTTSOptions;

  constructor(options: ElevenLabsTTSOptions) {
    super(new StreamingService("elevenlabs-tts", options));
    if (typeof options.voice !== "string" || options.voice === "") {
      throw new TypeError("elevenLabsTTS: voice: expected the id of a voice");
    }
    this.#options = options;
  }

  open({ clock }: TtsSessionOptions): TtsSession {
    const { name, service } = this;
    const { sampleRate = 24_000, voiceSettings } = this.#options;
    const settings = voiceSettings ? { voice_settings: voiceSettings } : {};
    return new StreamingTtsSession({
      name,
      clock,
      sampleRate,
      maxStreams: MAX_CONTEXTS,
      connect: (events) =>
        service.connect(this.checked(), { ...events, clock, keepalive: SPEECH_KEEPALIVE }),
      codec: (io) => new SpeechCodec(name, io, settings),
      onError: (error) => service.failed(error),
    });
  }

  protected checked(): VendorAddress {
    const { voice, model = "eleven_flash_v2_5", language, sampleRate = 24_000 } = this.#options;
    return address(`/v1/text-to-speech/${encodeURIComponent(voice)}/multi-stream-input`, {
      model_id: model,
      output_format: `pcm_${sampleRate}`,
      language_code: language,
      // Whole phrases are sent, so that nothing is gained by waiting for more.
      auto_mode: true,
      // Without it times come for some of the sound, and not with it.
      sync_alignment: true,
      inactivity_timeout: INACTIVITY_S,
      ...this.#options.providerOptions,
    });
  }
}
