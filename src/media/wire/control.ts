/** The control messages between agent and media process, and their checks. @module */
import * as v from "valibot";
import { ProtocolError } from "../../edge/errors.ts";
import type { JsonValue } from "../../edge/types.ts";
import { shown } from "../../events/checks.ts";
import { type ConnectionMessage, connectionMessage, jsonValue } from "./messages.ts";
import type { Frame } from "./frame_parser.ts";

const id = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffffffff));
const text = v.pipe(v.string(), v.maxLength(4096));
const size = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(8192));

const user = v.object({
  id: text,
  name: text,
  image: v.optional(v.string()),
  custom: v.optional(v.record(v.string(), jsonValue)),
});

const videoWish = v.object({
  fps: v.pipe(v.number(), v.minValue(0.1), v.maxValue(60)),
  maxWidth: size,
  maxHeight: size,
});

/** The methods of the wire itself, with what each takes. */
const requestSchemas = {
  join: v.object({
    connection: id,
    user,
    hearing: v.object({ sampleRate: v.picklist([16_000, 24_000, 48_000]), agents: v.boolean() }),
    call: v.object({ id: text, type: text }),
    params: jsonValue,
  }),
  leave: v.object({ connection: id }),
  publish: v.object({
    connection: id,
    audio: v.nullable(
      v.object({
        stream: id,
        mode: v.picklist(["speech", "live"]),
        epoch: id,
        paused: v.boolean(),
      }),
    ),
    video: v.nullable(v.object({ stream: id })),
  }),
  flush: v.object({ connection: id, stream: id, epoch: id }),
  sendCustomEvent: v.object({ connection: id, data: jsonValue }),
  edge: v.object({ method: text, params: jsonValue }),
  stats: v.object({}),
} as const;

const request = v.variant("method", [
  ...Object.entries(requestSchemas).map(([method, params]) =>
    v.object({ type: v.literal("request"), id, method: v.literal(method), params })
  ),
] as never) as unknown as v.GenericSchema<WireRequest>;

/** What each method of the wire takes. */
export type RequestParams = {
  [M in keyof typeof requestSchemas]: v.InferOutput<typeof requestSchemas[M]>;
};

/** A request to the media process. */
export type WireRequest = {
  [M in keyof RequestParams]: { type: "request"; id: number; method: M; params: RequestParams[M] };
}[keyof RequestParams];

/** An error as it travels. */
export interface WireError {
  name: string;
  message: string;
  code: string;
  retryable: boolean;
}

const wireError: v.GenericSchema<WireError> = v.object({
  name: text,
  message: v.string(),
  code: text,
  retryable: v.boolean(),
});

const toHost = v.variant("type", [
  v.object({
    type: v.literal("start"),
    version: v.number(),
    config: jsonValue,
    /** When to tell that the process has grown, and how often to look. */
    grown: v.object({ aboveBytes: v.number(), everyMs: v.pipe(v.number(), v.minValue(10)) }),
  }),
  v.object({ type: v.literal("cancel"), id }),
  v.object({ type: v.literal("pause"), connection: id, stream: id, paused: v.boolean() }),
  v.object({
    type: v.literal("subscribe"),
    connection: id,
    trackId: text,
    stream: id,
    wish: v.nullable(videoWish),
  }),
]);

/** What the agent's process says. */
export type ToChild = WireRequest | v.InferOutput<typeof toHost>;

const toAgent = v.variant("type", [
  v.object({ type: v.literal("ready"), kernel: text }),
  v.object({ type: v.literal("failed"), error: wireError }),
  v.object({
    type: v.literal("reply"),
    id,
    result: v.optional(jsonValue),
    error: v.optional(wireError),
  }),
  v.object({ type: v.literal("grown"), rssBytes: v.number() }),
  v.object({ type: v.literal("notify"), message: jsonValue }),
  v.object({ type: v.literal("notice"), connection: id, notice: connectionMessage }),
  v.object({
    type: v.literal("source"),
    connection: id,
    source: id,
    participantId: text,
    trackId: text,
  }),
  v.object({
    type: v.literal("log"),
    level: v.picklist(["debug", "info", "warn", "error"]),
    message: v.string(),
  }),
]);

/** What the media process says. */
export type ToAgent =
  | { type: "ready"; kernel: string }
  | { type: "failed"; error: WireError }
  | {
    type: "reply";
    id: number;
    result?: JsonValue | undefined;
    error?: WireError | undefined;
  }
  | { type: "grown"; rssBytes: number }
  | { type: "notify"; message: JsonValue }
  | { type: "notice"; connection: number; notice: ConnectionMessage }
  | {
    type: "source";
    connection: number;
    source: number;
    participantId: string;
    trackId: string;
  }
  | { type: "log"; level: "debug" | "info" | "warn" | "error"; message: string };

/**
 * Both ends must speak the same version. They always come from one package, unless the versions of
 * `@ringline/edge` and of an edge's package are mixed: so that each end can say so, every version
 * keeps the frames' heads, `start` with its `version`, and `failed` with its `error`.
 */
export const WIRE_VERSION = 2;

const decoder = new TextDecoder("utf-8", { fatal: true });

/** A frame held JSON, but no message that is known: the stream can be used further. */
export class MalformedMessageError extends ProtocolError {
  override name = "MalformedMessageError";
  /** The request that it was, or answers, if it says so. */
  readonly requestId: number | undefined;

  constructor(what: string, message: unknown) {
    super(`the wire carried a malformed message: ${what}`, { code: "wire-malformed" });
    const { type, id } = (message ?? {}) as { type?: unknown; id?: unknown };
    const isOne = (type === "request" || type === "reply") && Number.isInteger(id);
    this.requestId = isOne ? id as number : undefined;
  }
}

/**
 * Checks a request before it is sent: what does not fit is the caller's mistake, and must not be
 * noticed in the process that others use too.
 *
 * @throws {TypeError} saying what does not fit
 */
export function checkRequest<M extends keyof RequestParams>(
  method: M,
  params: RequestParams[M],
): void {
  const result = v.safeParse(requestSchemas[method] as v.GenericSchema<unknown>, params);
  if (!result.success) throw new TypeError(`${method}: ${describeIssue(result.issues[0])}`);
}

/**
 * Reads a message to the media process.
 *
 * @throws {MalformedMessageError} it is JSON, but no message
 * @throws {ProtocolError} it is not even that, or the start of another version (`wire-version`)
 */
export function readToChild(frame: Frame): ToChild {
  const message = parse(frame);
  const { type, version } = (message ?? {}) as { type?: unknown; version?: unknown };
  // Before anything else of it is read: what else a start holds is another version's affair.
  if (type === "start" && version !== WIRE_VERSION) throw otherVersion(version);
  return check<ToChild>(type === "request" ? request : toHost, message);
}

/** Reads a message to the agent's process. Throws as `readToChild` does. */
export function readToAgent(frame: Frame): ToAgent {
  return check<ToAgent>(toAgent, parse(frame));
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
    `the agent's program speaks version ${shown(version)} of the wire to its media process, which ` +
      `speaks version ${WIRE_VERSION}: install @ringline/edge and the packages of its edges in one ` +
      "and the same version",
    { code: "wire-version" },
  );
}

function check<T>(schema: unknown, message: unknown): T {
  const result = v.safeParse(schema as v.GenericSchema<T>, message);
  if (result.success) return result.output;
  throw new MalformedMessageError(describeIssue(result.issues[0]), message);
}

function describeIssue({ path, message }: v.BaseIssue<unknown>): string {
  const where = path?.map(({ key }) => String(key)).join(".") ?? "";
  // What came may be as long as it likes.
  return `${where} ${message.slice(0, 200)}`;
}
