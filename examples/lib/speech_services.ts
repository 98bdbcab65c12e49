/** The recogniser and the voice of an example, by name: only the one in use is loaded. */
import type { STT, TTS } from "@ringline/edge";
import type { OpenAICompatible } from "@ringline/edge/openai";
import { fail } from "./program.ts";

/** A voice that every account of ElevenLabs has. */
const ELEVENLABS_VOICE = "21m00Tcm4TlvDq8ikWAM";

/** A voice that every account of Cartesia has. */
const CARTESIA_VOICE = "a0e99841-438c-4a64-b679-ae501e7d6091";

/** Returns key and address of a vendor, from `DEEPGRAM_API_KEY` and `DEEPGRAM_BASE_URL` for example. */
export function vendor(name: string): { apiKey: string; baseUrl?: string } {
  const prefix = name.toUpperCase();
  const apiKey = Deno.env.get(`${prefix}_API_KEY`);
  if (!apiKey) fail(`Set ${prefix}_API_KEY to use ${name}`);
  return { apiKey, baseUrl: Deno.env.get(`${prefix}_BASE_URL`) || undefined };
}

/** Returns the parts of `deepgram:nova-3`; the model may be left out. */
function parse(name: string): { service: string; model?: string } {
  const [service, model] = name.split(":", 2);
  return { service: service!, ...model ? { model } : {} };
}

/**
 * Returns a recogniser: `deepgram`, `elevenlabs`, `cartesia`, each also with a model, `deepgram:nova-3`,
 * or a model of the service with OpenAI's interface.
 */
export async function speechToText(name: string, openai: OpenAICompatible): Promise<STT> {
  const { service, model } = parse(name);
  switch (service) {
    case "deepgram": {
      const { deepgramSTT } = await import("@ringline/edge/deepgram");
      return deepgramSTT({ ...vendor(service), model: model ?? "flux-general-en" });
    }
    case "elevenlabs": {
      const { elevenLabsSTT } = await import("@ringline/edge/elevenlabs");
      return elevenLabsSTT({ ...vendor(service), model });
    }
    case "cartesia": {
      const { cartesiaSTT } = await import("@ringline/edge/cartesia");
      return cartesiaSTT({ ...vendor(service), model });
    }
    default:
      return openai.stt({ model: name });
  }
}

/** Returns a voice, as `speechToText` a recogniser; `voice` is the service's own name or id for it. */
export async function textToSpeech(
  name: string,
  voice: string | undefined,
  openai: OpenAICompatible,
): Promise<TTS> {
  const { service, model } = parse(name);
  switch (service) {
    case "deepgram": {
      const { deepgramTTS } = await import("@ringline/edge/deepgram");
      return deepgramTTS({ ...vendor(service), model: model ?? voice });
    }
    case "elevenlabs": {
      const { elevenLabsTTS } = await import("@ringline/edge/elevenlabs");
      return elevenLabsTTS({ ...vendor(service), model, voice: voice ?? ELEVENLABS_VOICE });
    }
    case "cartesia": {
      const { cartesiaTTS } = await import("@ringline/edge/cartesia");
      return cartesiaTTS({ ...vendor(service), model, voice: voice ?? CARTESIA_VOICE });
    }
    default:
      return openai.tts({ model: name, voice: voice ?? "marin" });
  }
}
