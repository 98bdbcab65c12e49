/**
 * The messages between the two halves of this edge. The agent's process has the secret and makes the
 * tokens; the media process has the call. Each message is checked on arrival.
 *
 * @module
 */
import * as v from "valibot";

const name = v.pipe(v.string(), v.maxLength(8192));
const ms = v.pipe(v.number(), v.minValue(0));
const strategy = v.picklist(["resume", "rejoin"]);
const attributes = v.record(v.string(), v.string());
const ownKind = v.picklist(["audio", "video"]);

/** How a lost call is reconnected: by a new socket, or by a new join. */
export type Strategy = v.InferOutput<typeof strategy>;

/** The schema of {@linkcode CallParams}. */
export const callParams = v.object({
  /** The id of the call's broker in the agent's process. */
  brokerId: name,
  /** The servers, which are tried in turn. */
  urls: v.pipe(v.array(name), v.minLength(1)),
  token: name,
  /** The agent's tracks that others had muted in the process that this one replaces. */
  moderated: v.array(ownKind),
  /** The agent's attributes that were set in that process. */
  attributes,
  heardDelayMs: ms,
  reconnectTimeoutMs: ms,
  silenceTimeoutMs: ms,
  participantGraceMs: ms,
  rejoinGraceMs: ms,
});

/** The parameters of a join. */
export type CallParams = v.InferOutput<typeof callParams>;

const methodCall = v.object({ method: v.string(), payload: v.string(), timeoutMs: ms });

/** A call of a participant's method. */
export type MethodCall = v.InferOutput<typeof methodCall>;

const methodFailure = v.object({
  code: v.number(),
  message: v.string(),
  data: v.optional(v.string()),
});

/** Why a call of a method failed: LiveKit's number, and words. */
export type MethodFailure = v.InferOutput<typeof methodFailure>;

/** The schema of {@linkcode MethodOutcome}. */
export const methodOutcome = v.object({
  payload: v.optional(v.string()),
  failure: v.optional(methodFailure),
});

/** A method's response, or its failure. */
export type MethodOutcome = v.InferOutput<typeof methodOutcome>;

/** The schema of {@linkcode IpcMessage}. */
export const ipcMessage = v.variant("type", [
  /** A new token is needed. */
  v.object({ type: v.literal("tokenNeeded"), id: name }),
  /** The server has sent another token, with the rights that the agent has now. */
  v.object({ type: v.literal("tokenRenewed"), token: name }),
  /** The agent's tracks that others have muted now. */
  v.object({ type: v.literal("moderated"), tracks: v.array(ownKind) }),
  /** The server mutes the agent, or lets it speak again. */
  v.object({
    type: v.literal("agentMuted"),
    track: ownKind,
    muted: v.boolean(),
  }),
  v.object({
    type: v.literal("dtmf"),
    participantId: name,
    digit: v.pipe(v.string(), v.length(1)),
  }),
  /** A participant calls one of the agent's methods: `methodReturned` is the response. */
  v.object({
    type: v.literal("methodCalled"),
    requestId: name,
    participantId: name,
    call: methodCall,
  }),
  v.object({
    type: v.literal("participantUpdated"),
    participantId: name,
    name,
    metadata: v.string(),
    attributes,
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
  code: name,
  message: v.string(),
  retryable: v.boolean(),
});

/** A text to send as a text stream. */
const textStream = v.object({
  topic: name,
  text: v.string(),
  attributes,
  /** The participants who get it; all if there is none. */
  to: v.array(name),
  /** The participant in whose name it is sent: whose speech it transcribes. */
  participantId: v.optional(name),
});

/** A text to send as a text stream. */
export type TextStream = v.InferOutput<typeof textStream>;

/** The schema of {@linkcode Order}. */
const order = v.variant("method", [
  /** The response to `tokenNeeded`. */
  v.object({
    method: v.literal("token"),
    id: name,
    token: v.optional(name),
    error: v.optional(errorData),
  }),
  v.object({ method: v.literal("sendText"), stream: textStream }),
  v.object({ method: v.literal("setAttributes"), attributes }),
  /** The response to `methodCalled`. */
  v.object({ method: v.literal("methodReturned"), requestId: name, outcome: methodOutcome }),
  /** Calls a method of a participant; the reply is a {@linkcode MethodOutcome}. */
  v.object({ method: v.literal("callMethod"), participantId: name, call: methodCall }),
  /** Presses keys of telephones; the reply comes when they are sent. */
  v.object({ method: v.literal("sendDtmf"), digits: name }),
  v.object({ method: v.literal("reconnect"), strategy }),
]);

/** What the agent's process asks of a call in the media process. */
export type Order = v.InferOutput<typeof order>;

/** The method by which the agent's process sends an {@linkcode Order}. */
export const ORDER = "order";

/** The schema of the parameters of {@linkcode ORDER}. */
export const orderParams = v.object({ brokerId: name, order });
