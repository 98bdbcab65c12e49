/** The control messages between the two processes, and their checks. @module */
import * as v from "valibot";
import { ProtocolError } from "../../edge/errors.ts";
import type { AudioStats } from "../../edge/types.ts";
import { shown } from "../../events/checks.ts";
import type { Frame } from "./frame_parser.ts";
import { connectionMessage, jsonValue, knownCallState, text } from "./messages.ts";

/**
 * Both processes must speak the same version. They always come from one package, unless the versions
 * of `@ringline/edge` and of an edge's package are mixed: so that each can say so, every version
 * keeps the header of frames, `start` with its `version`, and `failed` with its `error`.
 */
export const WIRE_VERSION = 6;

const id = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffffffff));
const side = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(8192));

/** Severity of a line that goes to the agent's logger. */
export type LogLevel = "debug" | "info" | "warn" | "error";

const logLevel: v.GenericSchema<LogLevel> = v.picklist(["debug", "info", "warn", "error"]);

const user = v.object({
  id: text,
  name: text,
  image: v.optional(v.string()),
  custom: v.optional(v.record(v.string(), jsonValue)),
});

const audioSubscription = v.object({
  sampleRate: v.picklist([16_000, 24_000, 48_000]),
  agents: v.boolean(),
});

const callName = v.object({ id: text, type: text });

/** The rate and size at which a subscriber receives a video track. */
export interface VideoConstraints {
  /** Frames a second at most. */
  fps: number;
  /** Pixels at most; larger frames are scaled down and keep their shape. */
  maxWidth: number;
  /** Pixels at most. */
  maxHeight: number;
}

const videoConstraints: v.GenericSchema<VideoConstraints> = v.object({
  fps: v.pipe(v.number(), v.minValue(0.1), v.maxValue(60)),
  maxWidth: side,
  maxHeight: side,
});

/** One track of the agent's audio. */
const audioTrack = v.object({
  stream: id,
  mode: v.picklist(["speech", "live"]),
  epoch: id,
  paused: v.boolean(),
});

/** One that a single participant hears. */
const directedTrack = v.object({
  ...audioTrack.entries,
  to: text,
  othersGain: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
});

/** The wire's own requests: what each method takes. */
const requestParams = {
  join: v.object({
    connection: id,
    user,
    audioSubscription,
    call: callName,
    params: jsonValue,
    /** What the agent knew of the call when the process that had it was lost. */
    known: v.nullable(knownCallState),
  }),
  leave: v.object({ connection: id }),
  publish: v.object({
    connection: id,
    audio: v.nullable(audioTrack),
    directed: v.array(directedTrack),
    video: v.nullable(v.object({ stream: id })),
    /** The agent does not ask for it now: its process was replaced. */
    again: v.boolean(),
  }),
  flush: v.object({ connection: id, stream: id, epoch: id }),
  sendCustomEvent: v.object({
    connection: id,
    data: jsonValue,
    /** The only participant who receives it. */
    to: v.optional(text),
  }),
  edge: v.object({ method: text, params: jsonValue }),
  stats: v.object({}),
  audioStats: v.object({ connection: id }),
};

/** How the audio of a participant has arrived. */
export interface ParticipantAudioStats extends AudioStats {
  /** Whose audio it is. */
  readonly participantId: string;
}

const participantAudioStats: v.GenericSchema<unknown, ParticipantAudioStats> = v.pipe(
  v.object({
    participantId: text,
    packetsReceived: v.number(),
    packetsLost: v.number(),
    audioMs: v.number(),
    concealedMs: v.number(),
    jitterMs: v.number(),
    roundTripMs: v.optional(v.number()),
  }),
  v.transform((stats) => ({ ...stats, roundTripMs: stats.roundTripMs })),
);

/** The result of each method. */
const requestResults = {
  join: jsonValue,
  leave: jsonValue,
  publish: jsonValue,
  flush: v.object({ playedMs: v.number(), trimmedMs: v.number() }),
  sendCustomEvent: jsonValue,
  edge: jsonValue,
  stats: v.object({ rssBytes: v.number(), connections: v.number() }),
  audioStats: v.array(participantAudioStats),
};

/** A method of the wire. */
export type RequestMethod = keyof typeof requestParams;

/** The parameters of each method of the wire. */
export type RequestParams = {
  [M in RequestMethod]: v.InferOutput<typeof requestParams[M]>;
};

/** The result of each method of the wire. */
export type RequestResults = {
  [M in RequestMethod]: v.InferOutput<typeof requestResults[M]>;
};

const resultSchemas: { [M in RequestMethod]: v.GenericSchema<unknown, RequestResults[M]> } =
  requestResults;

function requestOf<const M extends RequestMethod>(method: M) {
  const params = requestParams[method];
  return v.object({ type: v.literal("request"), id, method: v.literal(method), params });
}

const request = v.variant("method", [
  requestOf("join"),
  requestOf("leave"),
  requestOf("publish"),
  requestOf("flush"),
  requestOf("sendCustomEvent"),
  requestOf("edge"),
  requestOf("stats"),
  requestOf("audioStats"),
]);

/** A request of the parent. */
export type WireRequest = v.InferOutput<typeof request>;

const wireError = v.object({
  name: text,
  message: v.string(),
  code: text,
  retryable: v.boolean(),
});

/** An error as it travels. */
export type WireError = v.InferOutput<typeof wireError>;

/** When an empty process counts as too large, and how often it checks. */
export interface MemoryLimit {
  /** Resident bytes above which it is recycled. */
  bytes: number;
  /** Milliseconds between two checks. */
  checkEveryMs: number;
}

const memoryLimit: v.GenericSchema<MemoryLimit> = v.object({
  bytes: v.number(),
  checkEveryMs: v.pipe(v.number(), v.minValue(10)),
});

const toChild = v.variant("type", [
  v.object({
    type: v.literal("start"),
    version: v.number(),
    config: jsonValue,
    memoryLimit,
    /** It takes the place of a process that was lost or has grown. */
    replaces: v.boolean(),
  }),
  request,
  v.object({ type: v.literal("cancel"), id }),
  v.object({ type: v.literal("pause"), connection: id, stream: id, paused: v.boolean() }),
  v.object({
    type: v.literal("subscribe"),
    connection: id,
    trackId: text,
    stream: id,
    /** `null` ends the subscription. */
    constraints: v.nullable(videoConstraints),
  }),
]);

/** A message of the parent. */
export type ToChild = v.InferOutput<typeof toChild>;

const toParent = v.variant("type", [
  v.object({ type: v.literal("ready"), kernel: text }),
  v.object({ type: v.literal("failed"), error: wireError }),
  v.object({
    type: v.literal("reply"),
    id,
    result: v.optional(jsonValue),
    error: v.optional(wireError),
  }),
  /** A sign of life. */
  v.object({ type: v.literal("beat") }),
  /** A message that could end the process is about to be handled: of this call, and this user. */
  v.object({ type: v.literal("handling"), call: callName, userId: v.optional(text) }),
  v.object({ type: v.literal("memoryLimitExceeded"), rssBytes: v.number() }),
  v.object({ type: v.literal("edge"), message: jsonValue }),
  v.object({ type: v.literal("connection"), connection: id, message: connectionMessage }),
  v.object({
    type: v.literal("source"),
    connection: id,
    source: id,
    participantId: text,
    trackId: text,
  }),
  v.object({ type: v.literal("log"), level: logLevel, message: v.string() }),
]);

/** A message of the child. */
export type ToParent = v.InferOutput<typeof toParent>;

const decoder = new TextDecoder("utf-8", { fatal: true });

/** A frame held JSON, but no known message: the stream stays usable. */
export class MalformedMessageError extends ProtocolError {
  override name = "MalformedMessageError";
  /** The request that the message was, or replied to, if it says so. */
  readonly requestId: number | undefined;

  constructor(what: string, message: unknown) {
    super(`the wire carried a malformed message: ${what}`, { code: "wire-malformed" });
    const found = v.safeParse(identified, message);
    this.requestId = found.success ? found.output.id : undefined;
  }
}

/** A start of any version. */
const versioned = v.object({ type: v.literal("start"), version: v.unknown() });

/** A message that names its request, whatever else is wrong with it. */
const identified = v.object({
  type: v.picklist(["request", "reply"]),
  id: v.pipe(v.number(), v.integer()),
});

/**
 * Checks a request before it is sent: wrong parameters are the caller's mistake, and must not
 * surface in the process that others use too.
 *
 * @throws {TypeError} naming the parameter that does not fit
 */
export function checkRequest<M extends RequestMethod>(method: M, params: RequestParams[M]): void {
  const result = v.safeParse(requestParams[method], params);
  if (!result.success) throw new TypeError(`${method}: ${describeIssue(result.issues[0])}`);
}

/**
 * Reads the result of a request.
 *
 * @throws {MalformedMessageError} the result is not what the method returns
 */
export function readResult<M extends RequestMethod>(method: M, result: unknown): RequestResults[M] {
  return check(resultSchemas[method], result);
}

/**
 * Reads a message to the child.
 *
 * @throws {MalformedMessageError} the frame holds JSON, but no message
 * @throws {ProtocolError} the frame holds no JSON, or the start of another version (`wire-version`)
 */
export function readToChild(frame: Frame): ToChild {
  const message = parse(frame);
  // Before the rest of the message, which belongs to the other version.
  const start = v.safeParse(versioned, message);
  if (start.success && start.output.version !== WIRE_VERSION) {
    throw otherVersion(start.output.version);
  }
  return check(toChild, message);
}

/** Reads a message to the parent. Throws as `readToChild` does. */
export function readToParent(frame: Frame): ToParent {
  return check(toParent, parse(frame));
}

function parse({ bytes, start, length }: Frame): unknown {
  try {
    return JSON.parse(decoder.decode(bytes.subarray(start, start + length)));
  } catch (cause) {
    throw new ProtocolError("the wire carried a control message that is not JSON", {
      code: "wire-garbage",
      cause,
    });
  }
}

function otherVersion(version: unknown): ProtocolError {
  return new ProtocolError(
    `the agent's program speaks version ${
      shown(version)
    } of the wire to its media process, which ` +
      `speaks version ${WIRE_VERSION}: install @ringline/edge and the packages of its edges in one ` +
      "and the same version",
    { code: "wire-version" },
  );
}

function check<T>(schema: v.GenericSchema<unknown, T>, message: unknown): T {
  const result = v.safeParse(schema, message);
  if (result.success) return result.output;
  throw new MalformedMessageError(describeIssue(result.issues[0]), message);
}

function describeIssue({ path, message }: v.BaseIssue<unknown>): string {
  const where = path?.map(({ key }) => String(key)).join(".") ?? "";
  // The message repeats what arrived, which may be of any length.
  return `${where} ${message.slice(0, 200)}`;
}
