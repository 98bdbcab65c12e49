/**
 * The events of OpenAI's realtime protocol that this package reads, checked as they arrive.
 *
 * @module
 */
import * as v from "valibot";

/** A text that may be absent or null. */
const optional = v.nullish(v.string(), () => undefined);
/** A text that counts as empty when it is absent or null. */
const text = v.nullish(v.string(), "");

/** A failure; some services fill in one of `code` and `type`, some both. */
const serviceFailure = v.object({
  code: optional,
  type: optional,
  message: optional,
  event_id: optional,
});

const failure = v.nullish(serviceFailure, {});

const item = v.object({
  type: optional,
  status: optional,
  name: optional,
  call_id: optional,
  arguments: text,
});

const response = v.nullish(
  v.object({
    id: optional,
    status: optional,
    metadata: v.nullish(v.object({ reading: optional, request: optional })),
    status_details: v.nullish(
      v.object({ reason: optional, error: v.nullish(serviceFailure, {}) }),
    ),
    output: v.nullish(v.array(item), []),
    usage: v.nullish(v.object({
      input_tokens: v.nullish(v.number(), 0),
      output_tokens: v.nullish(v.number(), 0),
    })),
  }),
  { output: [] },
);

const ids = { item_id: text, response_id: optional };
const transcription = "conversation.item.input_audio_transcription" as const;

const serverEvent = v.variant("type", [
  v.object({
    type: v.literal("session.created"),
    session: v.nullish(v.object({ expires_at: v.nullish(v.number()) })),
  }),
  v.object({ type: v.literal("session.updated") }),
  v.object({ type: v.literal("input_audio_buffer.speech_started") }),
  v.object({ type: v.literal("input_audio_buffer.speech_stopped") }),
  v.object({ type: v.literal("input_audio_buffer.committed"), item_id: text }),
  v.object({ type: v.literal(`${transcription}.delta`), item_id: text, delta: text }),
  v.object({
    type: v.literal(`${transcription}.completed`),
    item_id: text,
    transcript: text,
    languages: v.nullish(v.array(v.object({ code: text })), []),
  }),
  v.object({ type: v.literal(`${transcription}.failed`), item_id: text, error: failure }),
  v.object({ type: v.literal("response.created"), response }),
  v.object({
    type: v.literal("response.output_audio_transcript.delta"),
    ...ids,
    delta: text,
  }),
  v.object({ type: v.literal("response.output_text.delta"), ...ids, delta: text }),
  v.object({
    type: v.literal("response.output_audio.delta"),
    ...ids,
    content_index: v.nullish(v.number(), 0),
    delta: text,
  }),
  v.object({
    type: v.literal("response.output_item.done"),
    response_id: optional,
    item: v.nullish(item, { arguments: "" }),
  }),
  v.object({ type: v.literal("response.done"), response }),
  v.object({ type: v.literal("error"), error: failure }),
]);

const typed = v.object({ type: v.string() });
const known: ReadonlySet<string> = new Set(
  serverEvent.options.map(({ entries }) => entries.type.literal),
);

/** An event of the service, as far as this package reads it. */
export type ServerEvent = v.InferOutput<typeof serverEvent>;
/** The service's description of a failure. */
export type ServiceFailure = Partial<v.InferOutput<typeof serviceFailure>>;
/** The service's description of a response. */
export type ServerResponse = Extract<ServerEvent, { type: "response.done" }>["response"];
/** A complete item of the conversation. */
export type ServerItem = v.InferOutput<typeof item>;

/**
 * Reads an event; returns `undefined` for one of a type that this package does not know.
 *
 * @throws {Error} the message is not JSON, or does not match the protocol.
 */
export function readServerEvent(data: string | Uint8Array): ServerEvent | undefined {
  const json = typeof data === "string" ? data : new TextDecoder().decode(data);
  const event: unknown = JSON.parse(json);
  const { type } = v.parse(typed, event);
  return known.has(type) ? v.parse(serverEvent, event) : undefined;
}
