/** The services that `deno task verify` tries: their keys, and what each is asked to do. @module */
import { aiSdkLLM, aiSdkRealtime, aiSdkSTT, aiSdkTTS } from "../../src/adapters/ai_sdk/mod.ts";
import { cartesiaSTT, cartesiaTTS } from "../../src/adapters/cartesia/mod.ts";
import { deepgramSTT, deepgramTTS } from "../../src/adapters/deepgram/mod.ts";
import { elevenLabsSTT, elevenLabsTTS } from "../../src/adapters/elevenlabs/mod.ts";
import { geminiLive } from "../../src/adapters/gemini/mod.ts";
import { OPENAI_MODELS, openAICompatible } from "../../src/adapters/openai/mod.ts";
import { openAIRealtime } from "../../src/adapters/openai/realtime.ts";
import { callsTool, converses, recognises, type RoundContext, speaks } from "./rounds.ts";
import { checkStream } from "./stream.ts";

/** A voice that every account of ElevenLabs has. */
const ELEVENLABS_VOICE = "21m00Tcm4TlvDq8ikWAM";
/** A voice that every account of Cartesia has. */
const CARTESIA_VOICE = "a0e99841-438c-4a64-b679-ae501e7d6091";
/** How long a round may take. */
const LIMIT_MS = 45_000;

/** Key and address of a service. */
export interface Access {
  readonly apiKey: string;
  /** Where it is, if not at the vendor's. */
  readonly baseUrl?: string;
}

/** One thing that a service is asked to do. */
export interface Round {
  /** What it is: "speaks: aura-2-thalia-en". */
  readonly name: string;
  /** Throws where it fails; returns what was seen. */
  readonly run: (access: Access, context: RoundContext) => Promise<string>;
  /** How long it may take, in milliseconds. */
  readonly limitMs: number;
}

/** A service of others. */
export interface Service {
  /** For the command line. */
  readonly id: string;
  readonly name: string;
  /** The environment variables of its keys; the first is that of the API key. */
  readonly keys: readonly string[];
  /** The environment variable of another address. */
  readonly baseUrl: string;
  readonly rounds: readonly Round[];
}

function round(name: string, run: Round["run"], limitMs = LIMIT_MS): Round {
  return { name, run, limitMs };
}

/** All services, in the order of the table. */
export const SERVICES: readonly Service[] = [
  {
    id: "openai",
    name: "OpenAI",
    keys: ["OPENAI_API_KEY"],
    baseUrl: "OPENAI_BASE_URL",
    rounds: [
      round(`speaks (${OPENAI_MODELS.speech})`, (access, context) => {
        const options = { model: OPENAI_MODELS.speech, voice: "marin" };
        return speaks(openAICompatible(access).tts(options), context);
      }),
      ...[OPENAI_MODELS.transcription, OPENAI_MODELS.streamingTranscription].map((model) =>
        round(
          `recognises (${model})`,
          (access, context) => recognises(openAICompatible(access).stt({ model }), context),
        )
      ),
      round(`chats and calls a tool (${OPENAI_MODELS.chat})`, (access, context) => {
        return callsTool(openAICompatible(access).llm({ model: OPENAI_MODELS.chat }), context);
      }),
      round(`converses (${OPENAI_MODELS.realtime})`, (access, context) => {
        return converses(openAIRealtime({ ...access, model: OPENAI_MODELS.realtime }), context);
      }),
      round(
        `recognises by the AI SDK (${OPENAI_MODELS.transcription})`,
        async (access, context) => {
          const model = (await openai(access)).transcription(OPENAI_MODELS.transcription);
          return recognises(aiSdkSTT(model), context);
        },
      ),
      round(
        `recognises by the AI SDK (${OPENAI_MODELS.streamingTranscription})`,
        async (access, context) => {
          const model = (await openai(access)).transcription(OPENAI_MODELS.streamingTranscription);
          return recognises(aiSdkSTT(model, { streaming: true }), context);
        },
      ),
      round(
        `chats and calls a tool by the AI SDK (${OPENAI_MODELS.chat})`,
        async (access, context) => {
          return callsTool(aiSdkLLM((await openai(access))(OPENAI_MODELS.chat)), context);
        },
      ),
      round(`converses by the AI SDK (${OPENAI_MODELS.realtime})`, async (access, context) => {
        const model = (await openai(access)).experimental_realtime(OPENAI_MODELS.realtime);
        return converses(aiSdkRealtime(model), context);
      }),
    ],
  },
  {
    id: "deepgram",
    name: "Deepgram",
    keys: ["DEEPGRAM_API_KEY"],
    baseUrl: "DEEPGRAM_BASE_URL",
    rounds: [
      round("speaks (aura-2-thalia-en)", (access, context) => speaks(deepgramTTS(access), context)),
      round(
        "speaks (flux-alexis-en)",
        (access, context) => speaks(deepgramTTS({ ...access, model: "flux-alexis-en" }), context),
      ),
      ...["nova-3", "flux-general-en"].map((model) =>
        round(
          `recognises (${model})`,
          (access, context) => recognises(deepgramSTT({ ...access, model }), context),
        )
      ),
    ],
  },
  {
    id: "elevenlabs",
    name: "ElevenLabs",
    keys: ["ELEVENLABS_API_KEY"],
    baseUrl: "ELEVENLABS_BASE_URL",
    rounds: [
      round("speaks (eleven_flash_v2_5)", (access, context) => {
        return speaks(elevenLabsTTS({ ...access, voice: ELEVENLABS_VOICE }), context);
      }),
      round("recognises (scribe_v2_realtime)", (access, context) => {
        return recognises(elevenLabsSTT(access), context);
      }),
    ],
  },
  {
    id: "cartesia",
    name: "Cartesia",
    keys: ["CARTESIA_API_KEY"],
    baseUrl: "CARTESIA_BASE_URL",
    rounds: [
      round("speaks (sonic-3.5)", (access, context) => {
        return speaks(cartesiaTTS({ ...access, voice: CARTESIA_VOICE }), context);
      }),
      ...["ink-2", "ink-whisper"].map((model) =>
        round(
          `recognises (${model})`,
          (access, context) => recognises(cartesiaSTT({ ...access, model }), context),
        )
      ),
    ],
  },
  {
    id: "google",
    name: "Google",
    keys: ["GEMINI_API_KEY"],
    baseUrl: "GEMINI_BASE_URL",
    rounds: [
      round("converses (gemini-3.1-flash-live-preview)", (access, context) => {
        const model = "gemini-3.1-flash-live-preview";
        return converses(geminiLive({ ...access, model }), context);
      }),
      round("speaks by the AI SDK (gemini-3.8-flash-tts)", async (access, context) => {
        const model = (await google(access)).speech("gemini-3.8-flash-tts");
        return speaks(aiSdkTTS(model, { voice: "Kore" }), context);
      }),
      round("recognises by the AI SDK (gemini-3.5-transcribe)", async (access, context) => {
        return recognises(
          aiSdkSTT((await google(access)).transcription("gemini-3.5-transcribe")),
          context,
        );
      }),
      round("recognises by the AI SDK (gemini-3.5-transcribe-live)", async (access, context) => {
        const model = (await google(access)).transcription("gemini-3.5-transcribe-live");
        return recognises(aiSdkSTT(model, { streaming: true, sampleRate: 16_000 }), context);
      }),
      round("chats and calls a tool by the AI SDK (gemini-3.8-flash)", async (access, context) => {
        return callsTool(aiSdkLLM((await google(access))("gemini-3.8-flash")), context);
      }),
    ],
  },
  {
    id: "stream",
    name: "Stream",
    keys: ["STREAM_API_KEY", "STREAM_API_SECRET"],
    baseUrl: "STREAM_BASE_URL",
    rounds: [round("passes getstream:check", checkStream, 240_000)],
  },
];

// Loaded when they are used: they read the environment, and fail where an address in it is empty.
async function openai({ apiKey, baseUrl: baseURL }: Access) {
  const { createOpenAI } = await import("npm:@ai-sdk/openai@4.0.118");
  return createOpenAI({ apiKey, ...baseURL ? { baseURL } : {} });
}

async function google({ apiKey, baseUrl }: Access) {
  const { createGoogle } = await import("npm:@ai-sdk/google@4.0.121");
  return createGoogle({ apiKey, ...baseUrl ? { baseURL: `${baseUrl}/v1beta` } : {} });
}
