/** The messages of Gemini Live that this package reads, checked as they arrive. @module */
import * as v from "valibot";

const text = v.nullish(v.string(), "");
const flag = v.nullish(v.boolean(), false);
const tokens = v.nullish(v.number(), 0);
const transcription = v.nullish(v.object({ text, finished: flag }));

const serverMessage = v.object({
  setupComplete: v.nullish(v.object({})),
  serverContent: v.nullish(v.object({
    modelTurn: v.nullish(v.object({
      parts: v.nullish(
        v.array(v.object({
          inlineData: v.nullish(v.object({ mimeType: text, data: text })),
        })),
        [],
      ),
    })),
    inputTranscription: transcription,
    interimInputTranscription: transcription,
    outputTranscription: transcription,
    interrupted: flag,
    turnComplete: flag,
    turnCompleteReason: text,
  })),
  toolCall: v.nullish(v.object({
    functionCalls: v.nullish(
      v.array(v.object({ id: text, name: text, args: v.nullish(v.unknown()) })),
      [],
    ),
  })),
  toolCallCancellation: v.nullish(v.object({ ids: v.nullish(v.array(v.string()), []) })),
  voiceActivity: v.nullish(v.object({ voiceActivityType: text })),
  goAway: v.nullish(v.object({ timeLeft: text })),
  usageMetadata: v.nullish(v.object({
    promptTokenCount: tokens,
    toolUsePromptTokenCount: tokens,
    responseTokenCount: tokens,
    thoughtsTokenCount: tokens,
  })),
});

/** A message of the service, as far as this package reads it. */
export type ServerMessage = v.InferOutput<typeof serverMessage>;
/** What the model hears and says. */
export type ServerContent = NonNullable<ServerMessage["serverContent"]>;
/** Tokens of a turn. */
export type ServerUsage = NonNullable<ServerMessage["usageMetadata"]>;
/** Calls of tools. */
export type ServerToolCall = NonNullable<ServerMessage["toolCall"]>;

/**
 * Reads a message.
 *
 * @throws {Error} it is not JSON, or does not match the protocol.
 */
export function readServerMessage(data: string | Uint8Array): ServerMessage {
  // The service sends JSON in binary messages.
  const json = typeof data === "string" ? data : new TextDecoder().decode(data);
  return v.parse(serverMessage, JSON.parse(json));
}

/** Returns the milliseconds of a duration like `"9.5s"`. */
export function durationMs(duration: string): number {
  const seconds = parseFloat(duration);
  return Number.isFinite(seconds) ? 1000 * seconds : 0;
}
