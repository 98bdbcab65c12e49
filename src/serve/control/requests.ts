/** What a worker's control is asked, checked. @module */
import { createHash, timingSafeEqual } from "node:crypto";
import type { JobUser } from "../../edge/jobs.ts";
import { checkJson } from "../../edge/json.ts";
import type { JsonValue } from "../../edge/types.ts";
import { checkText } from "../../edge/validation.ts";
import { checkObject } from "../../events/checks.ts";
import { messageOf } from "../../events/error_text.ts";
import type { Clock } from "../../events/clock.ts";
import { readBody } from "../http/body.ts";
import { HttpError } from "../http/responses.ts";

/** The most bytes of a request's body. */
const MAX_BODY_BYTES = 16_384;

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
    throw new HttpError(415, "not-json", "expected a body of the type application/json");
  }
  const body = await readBody(request, { maxBytes: MAX_BODY_BYTES, clock });
  try {
    return checkStart(JSON.parse(new TextDecoder().decode(body)));
  } catch (error) {
    throw new HttpError(400, "bad-request", messageOf(error));
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
