/** The messages of ElevenLabs' sockets that this package reads, checked as they arrive. @module */
import * as v from "valibot";
import { InferenceError } from "../../inference/contracts/errors.ts";

const text = v.nullish(v.string(), "");

const word = v.object({
  text,
  start: v.nullish(v.number()),
  end: v.nullish(v.number()),
  type: v.nullish(v.string()),
});

/** What `/v1/speech-to-text/realtime` sends. */
const scribeMessage = v.object({
  message_type: v.string(),
  text,
  error: text,
  language_code: v.nullish(v.string()),
  words: v.nullish(v.array(word), []),
});

const times = v.nullish(v.array(v.number()), []);

/** What `/v1/text-to-speech/{voice}/multi-stream-input` sends. */
const speechMessage = v.object({
  audio: v.nullish(v.string()),
  isFinal: v.nullish(v.boolean(), false),
  is_final: v.nullish(v.boolean(), false),
  contextId: v.nullish(v.string()),
  context_id: v.nullish(v.string()),
  alignment: v.nullish(v.object({
    chars: v.nullish(v.array(v.string()), []),
    charStartTimesMs: times,
    charDurationsMs: times,
    // The service's other names for the same.
    charsStartTimesMs: times,
    charsDurationsMs: times,
  })),
  error: v.nullish(v.string()),
  message: text,
});

/** A message of the recogniser. */
export type ScribeMessage = v.InferOutput<typeof scribeMessage>;
/** A message of a voice. */
export type SpeechMessage = v.InferOutput<typeof speechMessage>;

/** Reads a message of the recogniser. */
export function readScribe(data: string): ScribeMessage {
  return v.parse(scribeMessage, JSON.parse(data));
}

/** Reads a message of a voice. */
export function readSpeech(data: string): SpeechMessage {
  return v.parse(speechMessage, JSON.parse(data));
}

/** Failures that no other try mends: key, account, or settings are wrong. */
const FINAL = [
  "auth_error",
  "quota_exceeded",
  "unaccepted_terms",
  "input_error",
  "invalid_request",
  "chunk_size_exceeded",
  "voice_id_does_not_exist",
  "invalid_api_key",
];

/** Returns the error for one that the service sent. */
export function statedError(name: string, code: string, reason: string): InferenceError {
  const isDenied = code === "auth_error" || code === "invalid_api_key";
  return new InferenceError(`${name}: ${[code, reason].filter(Boolean).join(": ")}`, {
    code: isDenied ? "unauthorized" : code === "rate_limited" ? "rate-limited" : "failed",
    retryable: !FINAL.includes(code),
    ...isDenied ? { status: 401 } : {},
  });
}
