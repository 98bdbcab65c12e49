/**
 * What the two halves of this edge say to each other: the agent's process has the secret and the
 * service, the media process has the call. Checked on arrival.
 *
 * @module
 */
import * as v from "valibot";
import type { JsonValue } from "@ringline/edge/toolkit";
import { type SfuCredentials, sfuCredentials } from "./credentials.ts";

/** JSON that came out of `JSON.parse`: the wire has checked that it is. */
const jsonValue = v.custom<JsonValue>((value) => value !== undefined);
const text = v.pipe(v.string(), v.maxLength(8192));
const ms = v.pipe(v.number(), v.minValue(0));

/** What the media process needs to join a call. */
export interface CallParams {
  /** Names the call's other half in answers. */
  desk: string;
  cid: string;
  credentials: SfuCredentials;
  videoCodecs: string[];
  heardDelayMs: number;
  reconnectTimeoutMs: number;
  silenceTimeoutMs: number;
}

/** Checks {@linkcode CallParams}. */
export const callParams: v.GenericSchema<CallParams> = v.object({
  desk: text,
  cid: text,
  credentials: sfuCredentials,
  videoCodecs: v.array(text),
  heardDelayMs: ms,
  reconnectTimeoutMs: ms,
  silenceTimeoutMs: ms,
});

/** What the media process asks the agent's. */
export type Request =
  /** The right to go to an SFU; `leaving` are those not to be sent to. */
  | { what: "credentials"; leaving: string[] }
  /** Which of these users are agents. */
  | { what: "agents"; userIds: string[] }
  /** To send a custom event. */
  | { what: "customEvent"; data: JsonValue };

/** One participant's loudness. */
export interface LevelData {
  participantId: string;
  level: number;
  speaking: boolean;
}

/** The strategies by which a lost call is found again. */
export type Strategy = "fast" | "rejoin" | "migrate";

/** What the media process tells of this edge's own. */
export type IpcMessage =
  | { type: "question"; id: number; question: Request }
  | { type: "levels"; levels: LevelData[] }
  | { type: "restored"; strategy: Strategy; attempts: number; elapsedMs: number };

const question = v.variant("what", [
  v.object({ what: v.literal("credentials"), leaving: v.array(text) }),
  v.object({ what: v.literal("agents"), userIds: v.array(text) }),
  v.object({ what: v.literal("customEvent"), data: jsonValue }),
]) as v.GenericSchema<Request>;

/** Checks a {@linkcode IpcMessage}. */
export const ipcMessage: v.GenericSchema<IpcMessage> = v.variant("type", [
  v.object({ type: v.literal("question"), id: v.number(), question }),
  v.object({
    type: v.literal("levels"),
    levels: v.array(v.object({ participantId: text, level: v.number(), speaking: v.boolean() })),
  }),
  v.object({
    type: v.literal("restored"),
    strategy: v.picklist(["fast", "rejoin", "migrate"]),
    attempts: v.number(),
    elapsedMs: v.number(),
  }),
]) as v.GenericSchema<IpcMessage>;

/** An error as it crosses. */
export interface ErrorData {
  kind: "authentication" | "protocol" | "connection";
  code: string;
  message: string;
  retryable: boolean;
}

/** The answer to a {@linkcode Request}. */
export interface Response {
  desk: string;
  id: number;
  result?: JsonValue | undefined;
  error?: ErrorData | undefined;
}

/** Checks a {@linkcode Response}. */
export const answer: v.GenericSchema<Response> = v.object({
  desk: text,
  id: v.number(),
  result: v.optional(jsonValue),
  error: v.optional(v.object({
    kind: v.picklist(["authentication", "protocol", "connection"]),
    code: text,
    message: v.string(),
    retryable: v.boolean(),
  })),
});

/** The method by which answers come to the media process. */
export const RESPONSE = "answer";

/** The method by which a call is ordered to be found again. */
export const RECONNECT = "reconnect";

/** Checks what {@linkcode RECONNECT} takes. */
export const reconnectParams: v.GenericSchema<{ desk: string; strategy: Strategy }> = v.object({
  desk: text,
  strategy: v.picklist(["fast", "rejoin", "migrate"]),
});
