/** The messages of Deepgram's sockets that this package reads, checked as they arrive. @module */
import * as v from "valibot";

const text = v.nullish(v.string(), "");

const word = v.object({
  word: text,
  punctuated_word: v.nullish(v.string()),
  start: v.nullish(v.number()),
  end: v.nullish(v.number()),
  confidence: v.nullish(v.number()),
});

/** A word as both recognisers send it. */
export type DeepgramWord = v.InferOutput<typeof word>;

const words = v.nullish(v.array(word), []);
const languages = v.nullish(v.array(v.string()), []);

/** What `/v1/listen` sends. */
const novaMessage = v.variant("type", [
  v.object({
    type: v.literal("Results"),
    is_final: v.nullish(v.boolean(), false),
    from_finalize: v.nullish(v.boolean(), false),
    channel: v.object({
      alternatives: v.array(v.object({
        transcript: text,
        confidence: v.nullish(v.number()),
        languages,
        words,
      })),
    }),
  }),
  v.object({ type: v.literal("SpeechStarted") }),
  v.object({ type: v.literal("Error"), code: text, description: text, message: text }),
]);

/** What `/v2/listen` sends. */
const fluxMessage = v.variant("type", [
  v.object({
    type: v.literal("TurnInfo"),
    event: v.string(),
    turn_index: v.number(),
    transcript: text,
    end_of_turn_confidence: v.nullish(v.number()),
    languages,
    words,
  }),
  v.object({ type: v.literal("Error"), code: text, description: text }),
]);

/** What `/v1/speak` sends beside audio. */
const auraMessage = v.variant("type", [
  v.object({ type: v.literal("Flushed") }),
  v.object({ type: v.literal("Cleared") }),
  v.object({ type: v.literal("Warning"), code: text, description: text }),
  v.object({ type: v.literal("Error"), code: text, description: text }),
]);

/** What `/v2/speak` sends beside audio. */
const fluxSpeechMessage = v.variant("type", [
  v.object({ type: v.literal("SpeechMetadata") }),
  v.object({ type: v.literal("SpeechInterrupted") }),
  v.object({ type: v.literal("Warning"), code: text, description: text }),
  v.object({ type: v.literal("Error"), code: text, description: text }),
]);

/** A message of `/v1/listen`. */
export type NovaMessage = v.InferOutput<typeof novaMessage>;
/** A message of `/v2/listen`. */
export type FluxMessage = v.InferOutput<typeof fluxMessage>;
/** A message of `/v1/speak`. */
export type AuraMessage = v.InferOutput<typeof auraMessage>;
/** A message of `/v2/speak`. */
export type FluxSpeechMessage = v.InferOutput<typeof fluxSpeechMessage>;

/** Reads a message of `/v1/listen`; `undefined` for one of another type. */
export function readNova(data: string): NovaMessage | undefined {
  return read(novaMessage, ["Results", "SpeechStarted", "Error"], data);
}

/** Reads a message of `/v2/listen`; `undefined` for one of another type. */
export function readFlux(data: string): FluxMessage | undefined {
  return read(fluxMessage, ["TurnInfo", "Error"], data);
}

/** Reads a message of `/v1/speak`; `undefined` for one of another type. */
export function readAura(data: string): AuraMessage | undefined {
  return read(auraMessage, ["Flushed", "Cleared", "Warning", "Error"], data);
}

/** Reads a message of `/v2/speak`; `undefined` for one of another type. */
export function readFluxSpeech(data: string): FluxSpeechMessage | undefined {
  return read(fluxSpeechMessage, ["SpeechMetadata", "SpeechInterrupted", "Warning", "Error"], data);
}

const anyMessage = v.object({ type: v.string() });

function read<Schema extends v.GenericSchema>(
  schema: Schema,
  types: readonly string[],
  data: string,
): v.InferOutput<Schema> | undefined {
  const message = JSON.parse(data);
  return types.includes(v.parse(anyMessage, message).type) ? v.parse(schema, message) : undefined;
}
