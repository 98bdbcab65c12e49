/**
 * What a connection's half in the media process tells its half in the agent's. Everything that
 * crosses is checked against these schemas on arrival.
 *
 * @module
 */
import * as v from "valibot";
import type { JsonValue } from "../../edge/types.ts";

/** JSON that came out of `JSON.parse`: the frame's parser has checked that it is. */
export const jsonValue: v.GenericSchema<JsonValue> = v.custom<JsonValue>((value) =>
  value !== undefined
);

const text = v.pipe(v.string(), v.maxLength(4096));

/** A participant as JSON; `original` is whatever the edge's service calls it. */
export const participantData: v.GenericSchema<ParticipantData> = v.object({
  id: text,
  userId: text,
  name: text,
  kind: v.picklist(["person", "agent"]),
  original: v.optional(jsonValue),
});

/** A participant as it crosses the wire. */
export interface ParticipantData {
  /** Unique in the call. */
  id: string;
  /** The user that joined. */
  userId: string;
  /** What people call them. */
  name: string;
  /** Whether it is a program. */
  kind: "person" | "agent";
  /** What the edge's service says of them. */
  original?: JsonValue | undefined;
}

/** A published track as it crosses the wire. */
export interface TrackData {
  /** Unique in the call. */
  id: string;
  /** The number of a `TrackType`. */
  type: number;
  /** Who publishes it. */
  participantId: string;
  /** Whether it is muted now. */
  muted: boolean;
}

const trackData: v.GenericSchema<TrackData> = v.object({
  id: text,
  type: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(4)),
  participantId: text,
  muted: v.boolean(),
});

/**
 * A connection-level message of the edge's half in the media process. Order is kept, and a row of
 * audio never overtakes the notice that introduces its participant.
 */
export type ConnectionMessage =
  | { type: "participantJoined"; participant: ParticipantData }
  | { type: "participantLeft"; participantId: string }
  | { type: "trackAdded"; track: TrackData }
  | { type: "trackUpdated"; trackId: string; muted: boolean }
  | { type: "trackRemoved"; trackId: string }
  | { type: "customEvent"; data: JsonValue; participantId?: string | undefined }
  | { type: "reconnecting" }
  | { type: "reconnected" }
  /** The connection is over; anything but `"left"`, which the agent itself says. */
  | { type: "ended"; reason: "call-ended" | "kicked" | "replaced" | "network" }
  /** How long after `playedMs` a listener hears it: network, jitter buffer and output together. */
  | { type: "heardDelay"; ms: number }
  /** Something that was survived. */
  | { type: "error"; code: string; message: string; retryable: boolean }
  /** For the edge's own half in the agent; see `MediaConnectionOptions.onEdgeNotice`. */
  | { type: "edge"; data: JsonValue };

/** Checks a {@linkcode ConnectionMessage}. */
export const connectionMessage: v.GenericSchema<ConnectionMessage> = v.variant("type", [
  v.object({ type: v.literal("participantJoined"), participant: participantData }),
  v.object({ type: v.literal("participantLeft"), participantId: text }),
  v.object({ type: v.literal("trackAdded"), track: trackData }),
  v.object({ type: v.literal("trackUpdated"), trackId: text, muted: v.boolean() }),
  v.object({ type: v.literal("trackRemoved"), trackId: text }),
  v.object({ type: v.literal("customEvent"), data: jsonValue, participantId: v.optional(text) }),
  v.object({ type: v.literal("reconnecting") }),
  v.object({ type: v.literal("reconnected") }),
  v.object({
    type: v.literal("ended"),
    reason: v.picklist(["call-ended", "kicked", "replaced", "network"]),
  }),
  v.object({ type: v.literal("heardDelay"), ms: v.pipe(v.number(), v.minValue(0)) }),
  v.object({
    type: v.literal("error"),
    code: text,
    message: v.string(),
    retryable: v.boolean(),
  }),
  v.object({ type: v.literal("edge"), data: jsonValue }),
]) as v.GenericSchema<ConnectionMessage>;
