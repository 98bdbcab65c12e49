/** Stream's webhooks, as jobs of a worker: which call wants an agent. @module */
import type { EdgeTransport, JobOffer, JsonValue } from "@ringline/edge/toolkit";
import { ProtocolError } from "@ringline/edge/toolkit";
import { isMarked } from "./wire/agent_marks.ts";

/** A webhook's request, its body as it arrived. `WebhookJobs` of `@ringline/edge/serve` reads one. */
export interface StreamWebhook {
  /** Its headers, with Stream's signature. */
  readonly headers: Headers;
  /** Its body, byte for byte. */
  readonly body: Uint8Array;
}

/** The webhooks that can mean a job. */
export type StreamJobEvent = "call.created" | "call.session_started";

/** Options for `GetStreamEdge.readWebhook`. */
export interface ReadWebhookOptions {
  /**
   * The webhooks that announce a job. Default `"call.session_started"`: the first person has joined.
   * With `"call.created"` the agent comes before them.
   */
  on?: StreamJobEvent | readonly StreamJobEvent[];
}

/** Returns the job that a verified webhook announces, if it does. */
export function jobOf(
  event: unknown,
  edge: EdgeTransport,
  { on = "call.session_started" }: ReadWebhookOptions = {},
): JobOffer | undefined {
  const { type, session_id: sessionId, created_at: createdAt, call } = fields(event, "the webhook");
  const wanted: readonly unknown[] = typeof on === "string" ? [on] : on;
  if (!wanted.includes(type)) return undefined;
  const { id, type: callType, custom, session, created_by: creator } = fields(call, "its call");
  if (typeof id !== "string" || typeof callType !== "string") {
    throw new ProtocolError("Stream's webhook names no call", { code: "bad-webhook" });
  }
  const users = type === "call.created" ? [creator] : usersOf(session);
  const people = users.map((user) => fields(user, "a user")).filter((user) => !isAgent(user));
  // The session of an agent that has joined first has its agent.
  if (users.length > 0 && people.length === 0) return undefined;
  const [person] = people;
  return {
    // A call may have one session after another, and a webhook may be sent again.
    id: `${callType}:${id}:${String(sessionId ?? createdAt)}`.slice(0, 255),
    edge,
    callId: id,
    callType,
    ...person && typeof person.id === "string" ? { user: userOf(person.id, person.name) } : {},
    metadata: (custom ?? null) as JsonValue,
    original: event,
  };
}

function usersOf(session: unknown): unknown[] {
  const { participants } = (session ?? {}) as { participants?: unknown };
  if (!Array.isArray(participants)) return [];
  return participants.map((one) => fields(one, "a participant").user);
}

function userOf(id: string, name: unknown): { id: string; name?: string } {
  return typeof name === "string" && name !== "" ? { id, name } : { id };
}

/** Our marks are fields of the user to some of Stream's services, and of their custom data to others. */
function isAgent(user: Record<string, unknown>): boolean {
  return isMarked(user) || isMarked(user.custom);
}

function fields(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw new ProtocolError(`Stream's webhook is malformed: ${what} is no object`, {
    code: "bad-webhook",
  });
}
