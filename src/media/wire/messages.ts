/**
 * The messages of one connection's child side to its parent side, and their schemas: whatever
 * crosses the wire is checked on arrival.
 *
 * @module
 */
import * as v from "valibot";
import type { JsonValue } from "../../edge/types.ts";

/** A schema for JSON that came out of `JSON.parse`, which has checked that it is JSON. */
export const jsonValue: v.GenericSchema<JsonValue> = v.custom<JsonValue>((value) =>
  value !== undefined
);

/** A schema for names and ids. */
export const text = v.pipe(v.string(), v.maxLength(4096));

/** A schema for a participant as JSON; `original` is the service's own object. */
export const participantData = v.object({
  id: text,
  userId: text,
  name: text,
  kind: v.picklist(["person", "agent"]),
  original: v.optional(jsonValue),
});

/** A participant as it crosses the wire. */
export type ParticipantData = v.InferOutput<typeof participantData>;

const trackData = v.object({
  id: text,
  /** The number of a `TrackType`. */
  type: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(4)),
  participantId: text,
  muted: v.boolean(),
});

/** A published track as it crosses the wire. */
export type TrackData = v.InferOutput<typeof trackData>;

/** A schema for a {@linkcode ConnectionMessage}. */
export const connectionMessage = v.variant("type", [
  v.object({ type: v.literal("participantJoined"), participant: participantData }),
  v.object({ type: v.literal("participantLeft"), participantId: text }),
  v.object({ type: v.literal("trackAdded"), track: trackData }),
  v.object({ type: v.literal("trackUpdated"), trackId: text, muted: v.boolean() }),
  v.object({ type: v.literal("trackRemoved"), trackId: text }),
  v.object({ type: v.literal("customEvent"), data: jsonValue, participantId: v.optional(text) }),
  v.object({ type: v.literal("reconnecting") }),
  v.object({ type: v.literal("reconnected") }),
  /** The connection is over, for any reason but `"left"`, which only the agent itself gives. */
  v.object({
    type: v.literal("ended"),
    reason: v.picklist(["call-ended", "kicked", "replaced", "network"]),
  }),
  /** How long after `playedMs` a listener hears it: network, jitter buffer and output together. */
  v.object({ type: v.literal("heardDelay"), ms: v.pipe(v.number(), v.minValue(0)) }),
  /** An error that the connection survived. */
  v.object({
    type: v.literal("error"),
    code: text,
    message: v.string(),
    retryable: v.boolean(),
  }),
  /** For the edge's parent side; see `MediaConnectionOptions.onEdgeMessage`. */
  v.object({ type: v.literal("edge"), data: jsonValue }),
]);

/**
 * A message of one connection, from the child to the parent. Order is kept, and a row of audio
 * never overtakes the message that introduces its participant.
 */
export type ConnectionMessage = v.InferOutput<typeof connectionMessage>;
