/**
 * What all sockets that speak OpenAI's realtime protocol have in common.
 *
 * @module
 */
import {
  KeepaliveSocket,
  type KeepaliveSocketOptions,
  type SocketEnd,
} from "../../edge/toolkit/keepalive_socket.ts";
import { WorkerWebSocket } from "../../edge/toolkit/worker_web_socket.ts";
import type { Clock } from "../../events/clock.ts";
import { InferenceError } from "../../inference/contracts/errors.ts";

/** The protocol's PCM: the only rate that it has. */
export const REALTIME_FORMAT = { type: "audio/pcm", rate: 24_000 } as const;

/** Where a session with a model is, by the address of the service or its own. */
export function realtimeUrl(
  { url, baseUrl, model }: { url?: string; baseUrl: string; model: string },
): URL {
  const session = new URL(url ?? `${baseUrl.replace(/\/+$/, "")}/realtime`);
  session.protocol = session.protocol.replace("http", "ws");
  session.searchParams.set("model", model);
  return session;
}

/** The events of a socket. */
export type SocketEvents = Pick<KeepaliveSocketOptions, "onOpen" | "onMessage" | "onEnd">;

/** Opens the socket of a session. */
export function connectRealtime(
  url: URL,
  { headers, clock }: { headers: Record<string, string>; clock: Clock | undefined },
  events: SocketEvents,
): KeepaliveSocket {
  return new KeepaliveSocket(url.href, {
    ...events,
    clock,
    // A session drops audio long before; a picture may be larger than any bound of the socket's.
    maxBufferedBytes: Infinity,
    connect: (url) => new WorkerWebSocket(url, { headers, clock }),
  });
}

/** The error for a socket that ended. */
export function closedError(name: string, end: SocketEnd): InferenceError {
  if (end.kind !== "lost") {
    const message = `${name}: the socket is ${end.kind}`;
    return new InferenceError(message, { code: "cut-off", retryable: true });
  }
  const { code, reason, failure, isForbidden } = end;
  if (isForbidden) {
    const message = `${name}: cannot be reached: ${failure}`;
    return new InferenceError(message, { code: "permission-denied" });
  }
  const refused = refusalOf(name, failure);
  if (refused) return refused;
  const why = [code, reason || failure].filter(Boolean).join(", ");
  return new InferenceError(`${name}: the socket was closed (${why})`, {
    code: "cut-off",
    retryable: true,
  });
}

/** What the service says of a failure; some fill in one of `code` and `type`, some both. */
export interface ServiceFailure {
  code?: string | null;
  type?: string | null;
  message?: string;
  event_id?: string | null;
}

/** Failures that another try may not have. */
const PASSING = ["rate_limit_exceeded", "rate_limit_error", "server_error", "session_expired"];

/** A failure that the service told. */
export function serviceError(
  name: string,
  { code, type, message = "no reason given" }: ServiceFailure,
): InferenceError {
  return new InferenceError(`${name}: ${message}`, {
    code: code ?? type ?? "failed",
    retryable: [code, type].some((one) => PASSING.includes(one ?? "")),
  });
}

/** Whether something had ended by itself before it was cancelled: what was wanted has happened. */
export function isLateCancel({ code }: ServiceFailure): boolean {
  return code === "response_cancel_not_active";
}

/** A service that answers with a status, and no socket: the key is wrong, or the model is none. */
function refusalOf(name: string, failure: string): InferenceError | undefined {
  const found = /status code: (\d{3})/.exec(failure)?.[1];
  if (!found) return undefined;
  const status = Number(found);
  const code = status === 401 ? "unauthorized" : status === 429 ? "rate-limited" : "refused";
  const why = status === 401 ? ": the key is not accepted" : "";
  const retryable = status === 429 || status >= 500;
  const message = `${name}: answered ${status}${why}`;
  return new InferenceError(message, { code, retryable, status });
}
