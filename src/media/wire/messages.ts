/**
 * The messages of one connection's child side to its parent side, and their schemas: whatever
 * crosses the wire is checked on arrival. The types are part of the published interface, which wants
 * them written out; the compiler holds the schemas to them.
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
export const text: v.GenericSchema<string> = v.pipe(v.string(), v.maxLength(4096));

/** A participant as it crosses the wire. */
export interface ParticipantData {
  /** Unique in the call. */
  id: string;
  /** The user that joined. */
  userId: string;
  /** Their name for people. */
  name: string;
  /** Whether they are a person or a program. */
  kind: "person" | "agent";
  /** The service's own description of them. */
  original?: JsonValue | undefined;
}

/** A schema for a {@linkcode ParticipantData}. */
const participantData: v.GenericSchema<ParticipantData> = v.object({
  id: text,
  userId: text,
  name: text,
  kind: v.picklist(["person", "agent"]),
  original: v.optional(jsonValue),
});

/** A published track as it crosses the wire. */
export interface TrackData {
  /** Unique in the call. */
  id: string;
  /** The number of a `TrackType`. */
  type: number;
  /** The participant who publishes it. */
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

/** What an agent knows of a call. */
export interface KnownCallState {
  /** Who is in it, beside the agent itself. */
  participants: ParticipantData[];
  /** What they publish. */
  tracks: TrackData[];
}

/** A schema for a {@linkcode KnownCallState}. */
export const knownCallState: v.GenericSchema<KnownCallState> = v.object({
  participants: v.array(participantData),
  tracks: v.array(trackData),
});

/**
 * A message of one connection, from the child to the parent. Order is kept, and a row of audio
 * never overtakes the message that introduces its participant.
 */
export type ConnectionMessage =
  | { type: "participantJoined"; participant: ParticipantData }
  /** They may come back within that time: then they join again under the same id. */
  | { type: "participantLost"; participantId: string; graceMs: number }
  | { type: "participantLeft"; participantId: string }
  /** So many people watch anonymously, beside the participants. */
  | { type: "viewersCounted"; count: number }
  | { type: "trackAdded"; track: TrackData }
  | { type: "trackUpdated"; trackId: string; muted: boolean }
  | { type: "trackRemoved"; trackId: string }
  | { type: "customEvent"; data: JsonValue; participantId?: string | undefined }
  /** A participant wrote this. */
  | { type: "text"; text: string; participantId: string }
  | { type: "reconnecting" }
  | { type: "reconnected" }
  /** The connection is over, for any reason but `"left"`, which only the agent itself gives. */
  | { type: "ended"; reason: "call-ended" | "kicked" | "replaced" | "network" }
  /** How long after `playedMs` a listener hears it: network, jitter buffer and output together. */
  | { type: "heardDelay"; ms: number }
  /** An error that the connection survived. */
  | { type: "error"; code: string; message: string; retryable: boolean }
  /** For the edge's parent side; see `MediaConnectionOptions.onEdgeMessage`. */
  | { type: "edge"; data: JsonValue };

/** A schema for a {@linkcode ConnectionMessage}. */
export const connectionMessage: v.GenericSchema<ConnectionMessage> = v.variant("type", [
  v.object({ type: v.literal("participantJoined"), participant: participantData }),
  v.object({
    type: v.literal("participantLost"),
    participantId: text,
    graceMs: v.pipe(v.number(), v.minValue(0)),
  }),
  v.object({ type: v.literal("participantLeft"), participantId: text }),
  v.object({
    type: v.literal("viewersCounted"),
    count: v.pipe(v.number(), v.integer(), v.minValue(0)),
  }),
  v.object({ type: v.literal("trackAdded"), track: trackData }),
  v.object({ type: v.literal("trackUpdated"), trackId: text, muted: v.boolean() }),
  v.object({ type: v.literal("trackRemoved"), trackId: text }),
  v.object({ type: v.literal("customEvent"), data: jsonValue, participantId: v.optional(text) }),
  v.object({ type: v.literal("text"), text: v.string(), participantId: text }),
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
]);
