/**
 * Deepgram over its WebSockets: Flux, which finds itself where turns end, Nova, and the voices of
 * Aura and Flux. Needs `--allow-net` for `api.deepgram.com`.
 *
 * @example
 * ```ts
 * import { Agent } from "@ringline/edge";
 * import { deepgramSTT, deepgramTTS } from "@ringline/edge/deepgram";
 * import { OPENAI_MODELS, openAICompatible } from "@ringline/edge/openai";
 * import { MemoryEdge } from "@ringline/edge/testing";
 *
 * const apiKey = "...";
 * const agent = new Agent({
 *   edge: new MemoryEdge(),
 *   agentUser: { id: "helper", name: "Helper" },
 *   llm: openAICompatible({ apiKey: "sk-..." }).llm({ model: OPENAI_MODELS.chat }),
 *   stt: deepgramSTT({ apiKey, model: "flux-general-en" }),
 *   tts: deepgramTTS({ apiKey, model: "aura-2-thalia-en" }),
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
import { AuraCodec } from "./aura.ts";
import { FluxCodec } from "./flux.ts";
import { FluxSpeechCodec } from "./flux_speech.ts";
import { NOVA_KEEPALIVE, NovaCodec } from "./nova.ts";

export type { QueryValue, StreamingServiceOptions };

/** The address of Deepgram. */
const BASE_URL = "https://api.deepgram.com";
/** A confidence that no turn reaches: turns end where Flux is told that they do. */
const NEVER = 1;

/** Options for {@linkcode deepgramSTT}. */
export interface DeepgramSTTOptions extends StreamingServiceOptions {
  /**
   * The model: `"flux-general-en"` or `"flux-general-multi"`, which find where turns end, or one of
   * Nova's. Default `"nova-3"`.
   */
  model?: string;
  /** The language as a BCP 47 tag, or `"multi"`; for Flux a hint. Default: the model's. */
  language?: string;
  /** Words that may occur, in their correct spelling: Deepgram's `keyterm`. */
  keyterms?: readonly string[];
  /**
   * Flux: the confidence, 0.5 to 0.9, with which a turn ends. Default: the service's, 0.7.
   */
  endOfTurnThreshold?: number;
  /**
   * Flux: the confidence, 0.3 to 0.9, with which a turn probably ends, for `preemptiveGeneration`.
   * Default: none.
   */
  eagerEndOfTurnThreshold?: number;
  /**
   * Flux: whether the service ends a turn when it is told to, at a mute for example; one that is hosted
   * by yourself may not. Without it the text that has come by then is the turn's. Default `true`.
   */
  canForceEndOfTurn?: boolean;
  /** Additional parameters of the query, in the service's words, e.g. `{ numerals: true }`. */
  providerOptions?: Readonly<Record<string, QueryValue>>;
}

/** Options for {@linkcode deepgramTTS}. */
export interface DeepgramTTSOptions extends StreamingServiceOptions {
  /**
   * The model, which is a voice: one of Aura's, or of Flux, e.g. `"flux-alexis-en"`, which speaks each
   * reply in the tone of the ones before. Default `"aura-2-thalia-en"`.
   */
  model?: string;
  /** The rate of the sound, in samples a second: 8,000, 16,000, 24,000, 32,000, 48,000. Default 24,000. */
  sampleRate?: number;
  /** Additional parameters of the query, in the service's words, e.g. `{ speed: 1.1 }`. */
  providerOptions?: Readonly<Record<string, QueryValue>>;
}

const STT_OPTIONS = {
  ...SERVICE_OPTIONS,
  model: true,
  language: true,
  keyterms: true,
  endOfTurnThreshold: true,
  eagerEndOfTurnThreshold: true,
  canForceEndOfTurn: true,
  providerOptions: true,
} as const;
const TTS_OPTIONS = {
  ...SERVICE_OPTIONS,
  model: true,
  sampleRate: true,
  providerOptions: true,
} as const;

/** Returns Deepgram's speech to text. */
export function deepgramSTT(options: DeepgramSTTOptions = {}): STT {
  checkOptions(options, "options", STT_OPTIONS, "an object like { apiKey }");
  return new DeepgramSTT(options);
}

/** Returns Deepgram's text to speech. */
export function deepgramTTS(options: DeepgramTTSOptions = {}): TTS {
  checkOptions(options, "options", TTS_OPTIONS, "an object like { apiKey }");
  return new DeepgramTTS(options);
}

/** Returns an address at Deepgram. */
function address(path: string, query: Readonly<Record<string, QueryValue>>): VendorAddress {
  const keyHeader = (key: string) => ({ authorization: `Token ${key}` });
  return { baseUrl: BASE_URL, path, query, keyHeader };
}

class DeepgramSTT extends StreamingComponent implements STT {
  readonly detectsTurns: boolean;
  readonly #options: DeepgramSTTOptions;

  constructor(options: DeepgramSTTOptions) {
    super(new StreamingService("deepgram-stt", options));
    this.#options = options;
    this.detectsTurns = options.model?.startsWith("flux") ?? false;
  }

  open({ sampleRate, continuous, clock }: SttSessionOptions): SttSession {
    const { name, service } = this;
    const { canForceEndOfTurn = true } = this.#options;
    const keepalive = this.detectsTurns ? undefined : NOVA_KEEPALIVE;
    const where = this.#address(sampleRate, continuous);
    return new StreamingSttSession({
      name,
      clock,
      connect: (events) => service.connect(where, { ...events, clock, keepalive }),
      codec: (io) =>
        this.detectsTurns ? new FluxCodec(name, io, canForceEndOfTurn) : new NovaCodec(name, io),
      onError: (error) => service.failed(error),
    });
  }

  protected checked(): VendorAddress {
    return this.#address(16_000, true);
  }

  #address(sampleRate: number, continuous: boolean): VendorAddress {
    const { language, keyterms, providerOptions } = this.#options;
    const common = { encoding: "linear16", sample_rate: sampleRate, keyterm: keyterms };
    if (!this.detectsTurns) {
      return address("/v1/listen", {
        model: this.#options.model ?? "nova-3",
        ...common,
        language,
        interim_results: true,
        smart_format: true,
        vad_events: true,
        ...providerOptions,
      });
    }
    const { model, endOfTurnThreshold, eagerEndOfTurnThreshold } = this.#options;
    return address("/v2/listen", {
      model,
      ...common,
      language_hint: language,
      // Without all audio it cannot tell where turns end: it is told.
      eot_threshold: continuous ? endOfTurnThreshold : NEVER,
      eager_eot_threshold: continuous ? eagerEndOfTurnThreshold : undefined,
      ...providerOptions,
    });
  }
}

class DeepgramTTS extends StreamingComponent implements TTS {
  readonly #options: DeepgramTTSOptions;
  /** Whether it is a voice of Flux, which the service has at another path. */
  readonly #isFlux: boolean;

  constructor(options: DeepgramTTSOptions) {
    super(new StreamingService("deepgram-tts", options));
    this.#options = options;
    this.#isFlux = options.model?.startsWith("flux") ?? false;
  }

  open({ clock }: TtsSessionOptions): TtsSession {
    const { name, service } = this;
    const { sampleRate = 24_000 } = this.#options;
    return new StreamingTtsSession({
      name,
      clock,
      sampleRate,
      maxStreams: 1,
      connect: (events) => service.connect(this.checked(), { ...events, clock }),
      codec: (io) => this.#isFlux ? new FluxSpeechCodec(name, io) : new AuraCodec(name, io),
      onError: (error) => service.failed(error),
    });
  }

  protected checked(): VendorAddress {
    const { model = "aura-2-thalia-en", sampleRate = 24_000, providerOptions } = this.#options;
    return address(this.#isFlux ? "/v2/speak" : "/v1/speak", {
      model,
      encoding: "linear16",
      sample_rate: sampleRate,
      ...providerOptions,
    });
  }
}
