/**
 * The messages between page and server: JSON, one message per WebSocket frame. The server accepts
 * nothing outside these schemas; the page's half is `page/client/signalling.js`.
 *
 * @module
 */
import * as v from "valibot";
import type { JsonValue } from "../../../edge/types.ts";
import type { RtcIceServer } from "../../../media/wire/ice.ts";
import { line } from "./line.ts";
import type { Grants } from "./grants.ts";
import type { GoodbyeCode, RejectionCode } from "./rejection.ts";

/** Goes up when an older page can no longer use the server. */
export const PROTOCOL_VERSION = 4;

/** The longest type and id of a call, in UTF-16 units. */
export const CALL_SIZES = { callType: 100, callId: 200 } as const;

/** The longest invitation, of a user and a call with the longest ids and names. */
const MAX_INVITATION = 2560;

const secret = v.pipe(v.string(), v.maxLength(64));
/** A call's secret, or an invitation to it. */
const admission = v.pipe(v.string(), v.maxLength(MAX_INVITATION));
const count = v.pipe(v.number(), v.minValue(0), v.maxValue(60_000));

/** How many events a page has received since its `welcome`. */
const events = v.pipe(v.number(), v.integer(), v.minValue(0));

/** A call and the secret of its link. */
const link = {
  version: v.number(),
  callType: line(CALL_SIZES.callType),
  callId: line(CALL_SIZES.callId),
  secret: admission,
};

const hello = v.object({
  type: v.literal("hello"),
  ...link,
  /** The name to show; an invitation's own counts more. */
  name: v.pipe(line(60), v.trim(), v.minLength(1)),
  /** A token from an earlier `welcome`, to come back as the same participant. */
  resume: v.optional(secret),
  /** Whether the page still has its peer connection and sees it as connected. */
  keepPeer: v.optional(v.boolean()),
  /** How many events arrived on the socket before this one. */
  events: v.optional(events),
});

/** Asks who is in a call, before joining it. */
const look = v.object({ type: v.literal("look"), ...link });

const start = v.object({ type: v.literal("start"), version: v.number(), secret });

const candidate = v.object({
  candidate: v.pipe(v.string(), v.maxLength(512)),
  sdpMid: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(16)))),
  sdpMLineIndex: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0)))),
  usernameFragment: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(256)))),
});

const clientMessage = v.variant("type", [
  hello,
  look,
  start,
  v.object({
    type: v.literal("answer"),
    /** The number of the offer that this answers. */
    offer: v.pipe(v.number(), v.integer()),
    sdp: v.pipe(v.string(), v.maxLength(60_000)),
  }),
  v.object({
    type: v.literal("candidate"),
    offer: v.pipe(v.number(), v.integer()),
    candidate,
  }),
  /** All that the page sends, each time any of it changes. */
  v.object({
    type: v.literal("media"),
    microphone: v.boolean(),
    muted: v.boolean(),
    camera: v.boolean(),
    screen: v.boolean(),
    /** Left out by a page that shares none. */
    screenAudio: v.optional(v.boolean()),
  }),
  v.object({ type: v.literal("name"), name: v.pipe(line(60), v.trim(), v.minLength(1)) }),
  /** What the person writes to the agents. */
  v.object({ type: v.literal("text"), text: v.pipe(v.string(), v.maxLength(6000)) }),
  v.object({ type: v.literal("event"), data: v.custom<JsonValue>((data) => data !== undefined) }),
  /** Once a second: a sign of life, and how late this participant hears. */
  v.object({
    type: v.literal("ping"),
    id: v.pipe(v.number(), v.integer()),
    /** Round trip of the media, in milliseconds. */
    roundTripMs: v.optional(count),
    /** Milliseconds in the jitter buffer. */
    jitterBufferMs: v.optional(count),
    /** Milliseconds from the decoder to the loudspeaker. */
    outputMs: v.optional(count),
    events: v.optional(events),
  }),
  /** The peer connection failed: the page wants a new one. */
  v.object({ type: v.literal("repair") }),
  v.object({ type: v.literal("leave") }),
]);

/** A message of a page. */
export type ClientMessage = v.InferOutput<typeof clientMessage>;
/** The first message of a page that joins a call. */
export type Hello = v.InferOutput<typeof hello>;
/** The first message of a page that asks who is in a call. */
export type Look = v.InferOutput<typeof look>;
/** The first message of a page that starts a call. */
export type Start = v.InferOutput<typeof start>;

/** A participant of the call, as pages see them. */
export interface PageParticipant {
  id: string;
  name: string;
  kind: "person" | "agent";
  /** Sends audio that is not muted. */
  audible: boolean;
  camera: boolean;
  screen: boolean;
  /** Their network was cut a moment ago. */
  reconnecting: boolean;
}

/** A video of a participant: their camera (an agent's own video is one too) or their screen. */
export interface VideoRef {
  participantId: string;
  kind: "camera" | "screen";
}

/** A message of the server. */
export type ServerMessage =
  | {
    type: "welcome";
    version: number;
    /** The participant's id, the same after coming back. */
    id: string;
    resume: string;
    graceMs: number;
    /** Whether the page came back as the participant it was, and whether its peer connection is kept. */
    resumed: boolean;
    keepPeer: boolean;
    /**
     * How many texts and events of the page arrived on the socket before this one: it sends the others
     * again. Left out when this process had no such socket: then it sends all that it knows of none.
     */
    received?: number;
    /** The name that others see. */
    name: string;
    /** What the page may do. */
    grants: Grants;
    participants: PageParticipant[];
    iceServers: RtcIceServer[];
  }
  /** `origin` is that of another server, where the call is. */
  | { type: "started"; callType: string; callId: string; secret: string; origin?: string }
  | {
    type: "offer";
    offer: number;
    sdp: string;
    /** The media sections of the offer, by what they carry. */
    mids: { audio: string; camera: string; screen: string; screenAudio: string; videos: string[] };
  }
  | { type: "candidate"; offer: number; candidate: unknown }
  | { type: "joined"; participant: PageParticipant }
  | { type: "updated"; participant: PageParticipant }
  | { type: "left"; id: string }
  /** The video in each slot (`null`: none), and the videos without a slot. */
  | { type: "videos"; slots: (VideoRef | null)[]; paused: VideoRef[] }
  /** Ten times a second while a participant is audible: 0 to 1 for each audible participant. */
  | { type: "audioLevels"; levels: Record<string, number> }
  | { type: "event"; from: string; data: JsonValue }
  /** The server did not forward an event of the page. */
  | { type: "unsent"; code: RejectionCode; message: string }
  /** How many texts and events of the page have arrived since its `welcome`. */
  | { type: "received"; count: number }
  | { type: "pong"; id: number }
  /** Who is in the call of a `look`; the server closes the socket then. */
  | { type: "call"; participants: PageParticipant[] }
  | { type: "rejected"; code: RejectionCode; message: string }
  | { type: "goodbye"; code: GoodbyeCode };

/** Returns a page's message; `undefined` when the text is none. */
export function parseClientMessage(text: string): ClientMessage | undefined {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return undefined;
  }
  const result = v.safeParse(clientMessage, data, { abortEarly: true });
  return result.success ? result.output : undefined;
}
