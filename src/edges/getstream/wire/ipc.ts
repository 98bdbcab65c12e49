/**
 * The messages between the two halves of this edge. The agent's process has the secret and talks to
 * the service; the media process has the call. Each message is checked on arrival.
 *
 * @module
 */
import * as v from "valibot";
import type { JsonValue } from "@ringline/edge/toolkit";
import { sfuCredentials } from "./credentials.ts";

/** A JSON value; the wire has parsed it. */
const jsonValue = v.custom<JsonValue>((value) => value !== undefined);
const text = v.pipe(v.string(), v.maxLength(8192));
const ms = v.pipe(v.number(), v.minValue(0));
const strategy = v.picklist(["fast", "rejoin", "migrate"]);

/** The strategies by which a lost call is reconnected. */
export type Strategy = v.InferOutput<typeof strategy>;

const kind = v.picklist(["audio", "video"]);
const mutedTrack = v.object({ track: kind, by: v.picklist(["moderator", "rights"]) });

/** A track of the agent that others have muted: a moderator, or by the call's rights. */
export type MutedTrack = v.InferOutput<typeof mutedTrack>;

/** The schema of {@linkcode CallParams}. */
export const callParams = v.object({
  /** The id of the call's broker in the agent's process. */
  brokerId: text,
  cid: text,
  credentials: sfuCredentials,
  videoCodecs: v.array(text),
  heardDelayMs: ms,
  reconnectTimeoutMs: ms,
  silenceTimeoutMs: ms,
  participantGraceMs: ms,
  /** The session that was lost with another media process: this join takes its place. */
  previousSessionId: v.optional(text),
  /** What others had muted in it. */
  muted: v.optional(v.array(mutedTrack)),
});

/** The parameters of a join. */
export type CallParams = v.InferOutput<typeof callParams>;

const request = v.variant("method", [
  /** Credentials for an SFU that is none of `leaving`. */
  v.object({ method: v.literal("credentials"), leaving: v.array(text) }),
  /** Those of these users that are agents. */
  v.object({ method: v.literal("findAgents"), userIds: v.array(text) }),
  /** Sends a custom event. */
  v.object({ method: v.literal("sendCustomEvent"), data: jsonValue }),
]);

/** A request of the media process. */
export type Request = v.InferOutput<typeof request>;

const audioLevel = v.object({ participantId: text, level: v.number(), speaking: v.boolean() });

/** One participant's loudness. */
export type LevelData = v.InferOutput<typeof audioLevel>;

/** The schema of {@linkcode IpcMessage}. */
export const ipcMessage = v.variant("type", [
  v.object({ type: v.literal("request"), id: v.number(), request }),
  /** The agent's session with an SFU from now on. */
  v.object({ type: v.literal("session"), sessionId: text }),
  v.object({ type: v.literal("audioLevels"), levels: v.array(audioLevel) }),
  /** Others mute the agent, or let it speak again. */
  v.object({
    type: v.literal("agentMuted"),
    track: kind,
    muted: v.boolean(),
  }),
  /** All that others have muted of the agent, from now on. */
  v.object({ type: v.literal("mutedTracks"), muted: v.array(mutedTrack) }),
  v.object({ type: v.literal("dominantSpeaker"), participantId: text }),
  v.object({
    type: v.literal("connectionQuality"),
    qualities: v.array(v.object({
      participantId: text,
      quality: v.picklist(["unknown", "poor", "good", "excellent"]),
    })),
  }),
  v.object({
    type: v.literal("reconnected"),
    strategy,
    attempts: v.number(),
    elapsedMs: v.number(),
  }),
]);

/** A message of the media process that is specific to this edge. */
export type IpcMessage = v.InferOutput<typeof ipcMessage>;

const errorData = v.object({
  kind: v.picklist(["authentication", "protocol", "connection"]),
  code: text,
  message: v.string(),
  retryable: v.boolean(),
});

/** The schema of {@linkcode Response}. */
export const responseParams = v.object({
  brokerId: text,
  id: v.number(),
  result: v.optional(jsonValue),
  error: v.optional(errorData),
});

/** The response to a {@linkcode Request}. */
export type Response = v.InferOutput<typeof responseParams>;

/** Time limit for a response of the agent's process. */
export const RESPONSE_MS = 20_000;

/** The method by which the agent's process sends a {@linkcode Response}. */
export const RESPONSE = "response";

/** The method by which the agent's process reconnects a call. */
export const RECONNECT = "reconnect";

/** The schema of the parameters of {@linkcode RECONNECT}. */
export const reconnectParams = v.object({ brokerId: text, strategy });
