/** What a worker's control is asked, checked. @module */
import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import type { JobUser } from "../../edge/jobs.ts";
import { checkJson } from "../../edge/json.ts";
import type { JsonValue } from "../../edge/types.ts";
import { checkText } from "../../edge/validation.ts";
import { checkObject } from "../../events/checks.ts";
import { messageOf } from "../../events/error_text.ts";
import type { Clock } from "../../events/clock.ts";
import { waitFor } from "../../events/waiting.ts";
import { ControlError } from "./responses.ts";

/** The most bytes of a request's body. */
const MAX_BODY_BYTES = 16_384;
/** How long a body may take. */
const BODY_MS = 5000;

/** A call that is to be started. */
export interface StartRequest {
  callId: string;
  callType?: string;
  metadata?: JsonValue;
  user?: JobUser;
}

/** Whether a request carries the token. Takes as long for every wrong one. */
export function hasToken(request: Request, token: string): boolean {
  const [, given = ""] = request.headers.get("authorization")?.match(/^bearer +(\S+)$/i) ?? [];
  const [a, b] = [given, token].map((text) => createHash("sha256").update(text).digest());
  return timingSafeEqual(a!, b!);
}

/** Reads the request to start a call. */
export async function readStart(request: Request, clock: Clock): Promise<StartRequest> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new ControlError(415, "not-json", "expected a body of the type application/json");
  }
  const limit = { timeoutMs: BODY_MS, clock };
  const text = await waitFor(readText(request), "the request's body", limit).catch((error) => {
    throw error instanceof ControlError
      ? error
      : new ControlError(408, "body-incomplete", "the request's body did not arrive");
  });
  try {
    return checkStart(JSON.parse(text));
  } catch (error) {
    throw new ControlError(400, "bad-request", messageOf(error));
  }
}

function checkStart(body: unknown): StartRequest {
  checkObject(body, "body", 'an object like { "callId": "kitchen" }');
  const { callId, callType, metadata, user, ...rest } = body as Record<string, unknown>;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) {
    throw new TypeError(
      `${
        JSON.stringify(unknown.slice(0, 40))
      } is no field: known are callId, callType, metadata, user`,
    );
  }
  checkText(callId, "callId");
  const start: StartRequest = { callId };
  if (callType !== undefined) {
    checkText(callType, "callType");
    start.callType = callType;
  }
  if (metadata !== undefined) {
    checkJson(metadata, "the metadata of a call", "metadata");
    start.metadata = metadata as JsonValue;
  }
  if (user !== undefined) {
    checkObject(user, "user", 'an object like { "id": "anna" }');
    const { id, name } = user as Record<string, unknown>;
    checkText(id, "user.id");
    if (name !== undefined) checkText(name, "user.name");
    start.user = { id, ...name === undefined ? {} : { name } };
  }
  return start;
}

async function readText(request: Request): Promise<string> {
  const tooLarge = new ControlError(
    413,
    "body-too-large",
    `a body has at most ${MAX_BODY_BYTES} bytes`,
    { connection: "close" },
  );
  if (Number(request.headers.get("content-length") ?? 0) > MAX_BODY_BYTES) throw tooLarge;
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of request.body ?? []) {
    size += piece.byteLength;
    if (size > MAX_BODY_BYTES) throw tooLarge;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}
