/**
 * What LocalEdge and its half in the media process send each other beside the messages of an
 * agent's connection.
 *
 * @module
 */
import * as v from "valibot";
import { isSecret } from "./auth.ts";

/** A call, in requests to the media process. */
export const callParams = v.object({
  callType: v.string(),
  callId: v.string(),
  secret: v.custom<string>(isSecret),
});

/** A call, in requests to the media process. */
export type CallParams = v.InferOutput<typeof callParams>;

/** A call that is opened; one that a page started ends when no agent comes. */
export const openParams = v.object({
  ...callParams.entries,
  isAwaited: v.optional(v.boolean(), false),
});

/** Where a call is that a page starts: without `origin` on this server; `null`: it is not let in. */
export const startedParams = v.object({
  callId: v.string(),
  origin: v.optional(v.nullable(v.string())),
});

/**
 * The secret of the page that starts calls; `null` takes no more of them. With `asks` each page waits
 * until the agent's program has said that the call is taken.
 */
export const serveParams = v.object({
  secret: v.nullable(v.string()),
  asks: v.optional(v.boolean(), false),
});

/** The id of an invitation. */
export const revokeParams = v.object({ id: v.string() });

/** The response of a media process that listens: the server's origin. */
export const serverAddress = v.object({ origin: v.string() });

/** The response of a media process that listens: the server's origin. */
export type ServerAddress = v.InferOutput<typeof serverAddress>;

/** A page started a call, or a call is over. */
const callMessage = v.object({
  type: v.picklist(["callStarted", "callEnded"]),
  callType: v.string(),
  callId: v.string(),
  secret: v.string(),
});

/** A page started a call, or a call is over. */
export type CallMessage = v.InferOutput<typeof callMessage>;

/** The port stopped accepting connections, and is opened again. */
const listenerLost = v.object({ type: v.literal("listenerLost"), message: v.string() });

/** What the media process sends beside the messages of a connection. */
export const childMessage = v.variant("type", [callMessage, listenerLost]);
