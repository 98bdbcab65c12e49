/**
 * What page and server say to each other: JSON, one message a WebSocket frame. The server trusts
 * nothing that is not in these schemas; the page's half is `page/client/signalling.js`.
 *
 * @module
 */
import * as v from "valibot";
import type { JsonValue } from "../../../edge/types.ts";
import type { RtcIceServer } from "../../../media/wire/ice.ts";
import type { GoodbyeCode, RejectionCode } from "./rejection.ts";

/** Changes when an older page could no longer talk to the server. */
export const PROTOCOL_VERSION = 1;

/** Control characters and those that turn the reading direction can make a name lie. */
export const PLAIN_LINE: RegExp = /^[^\p{Cc}\u2028-\u202E\u2066-\u2069]*$/u;

/** What may identify a call, in UTF-16 units. */
export const CALL_SIZES = { callType: 100, callId: 200 } as const;

/** A text of at most `size` characters that is safe to show on one line. */
function line(size: number) {
  return v.pipe(
    v.string(),
    v.maxLength(size),
    v.regex(PLAIN_LINE, "control characters"),
  );
}

const secret = v.pipe(v.string(), v.maxLength(64));
const count = v.pipe(v.number(), v.minValue(0), v.maxValue(60_000));

const hello = v.object({
  type: v.literal("hello"),
  version: v.number(),
  callType: line(CALL_SIZES.callType),
  callId: line(CALL_SIZES.callId),
  secret,
  /** The name to show. */
  name: v.pipe(line(60), v.trim(), v.minLength(1)),
  /**
   * Who this is, where one person may come with several devices: the same text for each. A claim
   * that nobody checks; the call's secret is what lets people in.
   */
  user: v.optional(v.pipe(line(100), v.trim(), v.minLength(1))),
  /** A token from an earlier `welcome`, to come back as the same participant. */
  resume: v.optional(secret),
  /** Whether the page still has its peer connection and sees it as connected. */
  keepPeer: v.optional(v.boolean()),
});

const start = v.object({ type: v.literal("start"), version: v.number(), secret });

const candidate = v.object({
  candidate: v.pipe(v.string(), v.maxLength(512)),
  sdpMid: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(16)))),
  sdpMLineIndex: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0)))),
  usernameFragment: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(256)))),
});

const clientMessage = v.variant("type", [
  hello,
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
  /** Everything that is sent right now, each time anything of it changes. */
  v.object({
    type: v.literal("media"),
    microphone: v.boolean(),
    muted: v.boolean(),
    camera: v.boolean(),
    screen: v.boolean(),
  }),
  v.object({ type: v.literal("name"), name: v.pipe(line(60), v.trim(), v.minLength(1)) }),
  v.object({ type: v.literal("event"), data: v.custom<JsonValue>((data) => data !== undefined) }),
  /** Once a second: the sign of life, and how late the page's person hears what is sent. */
  v.object({
    type: v.literal("ping"),
    id: v.pipe(v.number(), v.integer()),
    /** Milliseconds there and back on the media's way. */
    roundTripMs: v.optional(count),
    /** Milliseconds in the jitter buffer. */
    jitterBufferMs: v.optional(count),
    /** Milliseconds from the decoder to the loudspeaker. */
    outputMs: v.optional(count),
  }),
  /** The peer connection failed and a new one is wanted. */
  v.object({ type: v.literal("repair") }),
  v.object({ type: v.literal("leave") }),
]);

/** What a page says. */
export type ClientMessage = v.InferOutput<typeof clientMessage>;
/** The first message of a page that joins a call. */
export type Hello = v.InferOutput<typeof hello>;
/** The first message of a page that starts a call. */
export type Start = v.InferOutput<typeof start>;

/** Somebody in the call, as a page sees him. */
export interface Member {
  id: string;
  name: string;
  kind: "person" | "agent";
  /** Sends sound and has not muted it. */
  audible: boolean;
  camera: boolean;
  screen: boolean;
  /** His network was cut a moment ago. */
  reconnecting: boolean;
}

/** A picture of somebody: his camera (an agent's own picture is one too) or his screen. */
export interface VideoRef {
  member: string;
  kind: "camera" | "screen";
}

/** What the server says. */
export type ServerMessage =
  | {
    type: "welcome";
    version: number;
    /** The participant's id, the same after coming back. */
    id: string;
    resume: string;
    graceMs: number;
    /** Whether the page came back as who it was, and whether its peer connection is kept. */
    resumed: boolean;
    keepPeer: boolean;
    members: Member[];
    iceServers: RtcIceServer[];
  }
  | { type: "started"; callType: string; callId: string; secret: string }
  | {
    type: "offer";
    offer: number;
    sdp: string;
    /** The media sections that the page sends on. */
    mids: { audio: string; camera: string; screen: string; videos: string[] };
  }
  | { type: "candidate"; offer: number; candidate: unknown }
  | { type: "joined"; member: Member }
  | { type: "updated"; member: Member }
  | { type: "left"; id: string }
  /** Whose picture each video section carries (`null`: nobody's), and which have no place. */
  | { type: "videos"; sections: (VideoRef | null)[]; paused: VideoRef[] }
  /** Ten times a second while anybody is heard: 0 to 1 for whoever is louder than nothing. */
  | { type: "levels"; levels: Record<string, number> }
  | { type: "event"; from: string; data: JsonValue }
  /** An event of the page's was not passed on. */
  | { type: "unsent"; code: RejectionCode; message: string }
  | { type: "pong"; id: number }
  | { type: "refused"; code: RejectionCode; message: string }
  | { type: "goodbye"; code: GoodbyeCode };

/** Reads a page's message; `undefined` when it is none. */
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
