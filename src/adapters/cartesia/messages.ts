/** The messages of Cartesia's sockets that this package reads, checked as they arrive. @module */
import * as v from "valibot";
import { InferenceError } from "../../inference/contracts/errors.ts";
import { codeOf, isRetryable } from "../service/service_error.ts";

const text = v.nullish(v.string(), "");
const numbers = v.nullish(v.array(v.number()), []);
const wordTimes = v.object({
  words: v.nullish(v.array(v.string()), []),
  start: numbers,
  end: numbers,
});

const failure = v.object({
  type: v.literal("error"),
  title: text,
  message: text,
  error_code: text,
  status_code: v.nullish(v.number(), 0),
});

/** What `/stt/websocket` sends. */
const segmentMessage = v.variant("type", [
  v.object({
    type: v.literal("transcript"),
    text,
    is_final: v.nullish(v.boolean(), false),
    language: text,
    words: v.nullish(v.array(wordTimes), []),
  }),
  v.object({ type: v.literal("flush_done") }),
  v.object({ type: v.literal("done") }),
  failure,
]);

/** What `/stt/turns/websocket` sends. */
const turnMessage = v.variant("type", [
  v.object({ type: v.literal("turn.start") }),
  v.object({ type: v.literal("turn.update"), transcript: text }),
  v.object({ type: v.literal("turn.eager_end"), transcript: text }),
  v.object({ type: v.literal("turn.resume") }),
  v.object({ type: v.literal("turn.end"), transcript: text }),
  failure,
]);

/** What `/tts/websocket` sends. */
const speechMessage = v.variant("type", [
  v.object({ type: v.literal("chunk"), context_id: v.string(), data: text }),
  v.object({
    type: v.literal("timestamps"),
    context_id: v.string(),
    word_timestamps: v.nullish(wordTimes),
  }),
  v.object({ type: v.literal("done"), context_id: v.string() }),
  v.object({ ...failure.entries, context_id: v.nullish(v.string()) }),
]);

/** The service's words for a failure. */
export type CartesiaFailure = v.InferOutput<typeof failure>;
/** Words, and the seconds at which they begin and end. */
export type WordTimes = v.InferOutput<typeof wordTimes>;

/** Reads a message of `/stt/websocket`; `undefined` for one of another type. */
export function readSegment(data: string): v.InferOutput<typeof segmentMessage> | undefined {
  return read(segmentMessage, data);
}

/** Reads a message of `/stt/turns/websocket`; `undefined` for one of another type. */
export function readTurn(data: string): v.InferOutput<typeof turnMessage> | undefined {
  return read(turnMessage, data);
}

/** Reads a message of `/tts/websocket`; `undefined` for one of another type. */
export function readSpeech(data: string): v.InferOutput<typeof speechMessage> | undefined {
  return read(speechMessage, data);
}

const anyMessage = v.object({ type: v.string() });

function read<Schema extends typeof segmentMessage | typeof turnMessage | typeof speechMessage>(
  schema: Schema,
  data: string,
): v.InferOutput<Schema> | undefined {
  const message = JSON.parse(data);
  const { type } = v.parse(anyMessage, message);
  const isKnown = schema.options.some(({ entries }) => entries.type.literal === type);
  return isKnown ? v.parse(schema, message) : undefined;
}

/** Returns the error for one that the service sent. */
export function statedError(
  name: string,
  { title, message, error_code, status_code: status }: CartesiaFailure,
): InferenceError {
  const reason = [title, message].filter(Boolean).join(": ") || error_code || "the service failed";
  return new InferenceError(`${name}: ${reason}`, {
    code: codeOf(status),
    retryable: isRetryable(status),
    ...status >= 400 ? { status } : {},
  });
}

/** Yields each word whose times are known, in milliseconds. */
export function* timedWords(
  { words, start, end }: WordTimes,
): Generator<{ text: string; startMs: number; endMs: number }> {
  for (const [n, text] of words.entries()) {
    const [from, to] = [start[n], end[n]];
    if (from !== undefined && to !== undefined) {
      yield { text, startMs: 1000 * from, endMs: 1000 * to };
    }
  }
}
