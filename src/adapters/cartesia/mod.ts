/**
 * Cartesia over its WebSockets: Ink, which finds itself where turns end, and the voices of Sonic, with
 * when each word is said. Needs `--allow-net` for `api.cartesia.ai`.
 *
 * @example
 * ```ts
 * import { Agent } from "@ringline/edge";
 * import { cartesiaSTT, cartesiaTTS } from "@ringline/edge/cartesia";
 * import { OPENAI_MODELS, openAICompatible } from "@ringline/edge/openai";
 * import { MemoryEdge } from "@ringline/edge/testing";
 *
 * const apiKey = "...";
 * const agent = new Agent({
 *   edge: new MemoryEdge(),
 *   agentUser: { id: "helper", name: "Helper" },
 *   llm: openAICompatible({ apiKey: "sk-..." }).llm({ model: OPENAI_MODELS.chat }),
 *   stt: cartesiaSTT({ apiKey }),
 *   tts: cartesiaTTS({ apiKey, voice: "a0e99841-438c-4a64-b679-ae501e7d6091" }),
 *   turnHandling: { turnDetection: "stt" },
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
import { InkCodec } from "./ink.ts";
import { InkTurnsCodec } from "./ink_turns.ts";
import { SonicCodec } from "./sonic.ts";

export type { QueryValue, StreamingServiceOptions };

/** The address of Cartesia. */
const BASE_URL = "https://api.cartesia.ai";
/** The version of the interface, which is a date. */
const VERSION = "2026-08-14";
/** An account may speak only so many texts at the same time; the smallest of them this many. */
const MAX_CONTEXTS = 2;

/** Options for {@linkcode cartesiaSTT}. */
export interface CartesiaSTTOptions extends StreamingServiceOptions {
  /**
   * The model: `"ink-2"`, which can find where turns end, or `"ink-whisper"`, which cannot. Default
   * `"ink-2"`.
   */
  model?: string;
  /** The language, in ISO 639-1. Default: the model's. */
  language?: string;
  /** Words that may occur, in their correct spelling: Cartesia's `keyterm`. */
  keyterms?: readonly string[];
  /**
   * Additional parameters of the query, in the service's words, e.g. `{ turn_end_threshold: 0.3 }`.
   */
  providerOptions?: Readonly<Record<string, QueryValue>>;
}

/** Options for {@linkcode cartesiaTTS}. */
export interface CartesiaTTSOptions extends StreamingServiceOptions {
  /** The id of the voice. */
  voice: string;
  /** The model. Default `"sonic-3.5"`. */
  model?: string;
  /** The language, in ISO 639-1. Default: the voice's. */
  language?: string;
  /**
   * The rate of the sound, in samples a second: 8,000, 16,000, 22,050, 24,000, 44,100, 48,000. Default
   * 24,000.
   */
  sampleRate?: number;
  /** How the voice speaks, in the service's words, e.g. `{ speed: 1.1, emotion: "calm" }`. */
  voiceSettings?: Readonly<Record<string, string | number>>;
  /** Additional fields of each request, in the service's words, e.g. `{ normalization: "off" }`. */
  providerOptions?: Readonly<Record<string, unknown>>;
}

const STT_OPTIONS = {
  ...SERVICE_OPTIONS,
  model: true,
  language: true,
  keyterms: true,
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

/** Returns Cartesia's speech to text. */
export function cartesiaSTT(options: CartesiaSTTOptions = {}): STT {
  checkOptions(options, "options", STT_OPTIONS, "an object like { apiKey }");
  return new CartesiaSTT(options);
}

/**
 * Returns Cartesia's text to speech.
 *
 * @throws {TypeError} there is no voice.
 */
export function cartesiaTTS(options: CartesiaTTSOptions): TTS {
  checkOptions(options, "options", TTS_OPTIONS, "an object like { apiKey, voice }");
  return new CartesiaTTS(options);
}

/** Returns an address at Cartesia. */
function address(path: string, query: Readonly<Record<string, QueryValue>>): VendorAddress {
  const keyHeader = (key: string) => ({ authorization: `Bearer ${key}` });
  return { baseUrl: BASE_URL, path, query: { cartesia_version: VERSION, ...query }, keyHeader };
}

class CartesiaSTT extends StreamingComponent implements STT {
  readonly detectsTurns: boolean;
  readonly #options: CartesiaSTTOptions;

  constructor(options: CartesiaSTTOptions) {
    super(new StreamingService("cartesia-stt", options));
    this.#options = options;
    this.detectsTurns = !options.model?.startsWith("ink-whisper");
  }

  open({ sampleRate, continuous, clock }: SttSessionOptions): SttSession {
    const { name, service } = this;
    // Without all audio it cannot tell where turns end: it is told.
    const detectsTurns = this.detectsTurns && continuous;
    const where = this.#address(sampleRate, detectsTurns);
    return new StreamingSttSession({
      name,
      clock,
      connect: (events) => service.connect(where, { ...events, clock }),
      codec: (io) => detectsTurns ? new InkTurnsCodec(name, io) : new InkCodec(name, io),
      onError: (error) => service.failed(error),
    });
  }

  protected checked(): VendorAddress {
    return this.#address(16_000, this.detectsTurns);
  }

  #address(sampleRate: number, detectsTurns: boolean): VendorAddress {
    const { model = "ink-2", language, keyterms, providerOptions } = this.#options;
    return address(detectsTurns ? "/stt/turns/websocket" : "/stt/websocket", {
      model,
      encoding: "pcm_s16le",
      sample_rate: sampleRate,
      language,
      keyterm: keyterms,
      ...providerOptions,
    });
  }
}

class CartesiaTTS extends StreamingComponent implements TTS {
  readonly #options: CartesiaTTSOptions;

  constructor(options: CartesiaTTSOptions) {
    super(new StreamingService("cartesia-tts", options));
    if (typeof options.voice !== "string" || options.voice === "") {
      throw new TypeError("cartesiaTTS: voice: expected the id of a voice");
    }
    this.#options = options;
  }

  open({ clock }: TtsSessionOptions): TtsSession {
    const { name, service } = this;
    const { voice, model = "sonic-3.5", language, sampleRate = 24_000 } = this.#options;
    const { voiceSettings, providerOptions } = this.#options;
    const request = {
      model_id: model,
      voice: { mode: "id", id: voice },
      output_format: { container: "raw", encoding: "pcm_s16le", sample_rate: sampleRate },
      ...language ? { language } : {},
      add_timestamps: true,
      // Of the text as it was sent.
      use_normalized_timestamps: false,
      // Whole phrases are sent, so that nothing is gained by waiting for more.
      max_buffer_delay_ms: 0,
      ...voiceSettings ? { generation_config: voiceSettings } : {},
      ...providerOptions,
    };
    return new StreamingTtsSession({
      name,
      clock,
      sampleRate,
      maxStreams: MAX_CONTEXTS,
      connect: (events) => service.connect(this.checked(), { ...events, clock }),
      codec: (io) => new SonicCodec(name, io, request, sampleRate),
      onError: (error) => service.failed(error),
    });
  }

  protected checked(): VendorAddress {
    return address("/tts/websocket", {});
  }
}
