/**
 * The common part of all clients of OpenAI's realtime protocol: address, socket and errors.
 *
 * @module
 */
import {
  type KeepaliveOptions,
  KeepaliveSocket,
  type KeepaliveSocketOptions,
  type SocketEnd,
} from "../../edge/toolkit/keepalive_socket.ts";
import { WorkerWebSocket } from "../../edge/toolkit/worker_web_socket.ts";
import type { Clock } from "../../events/clock.ts";
import type { ServiceFailure } from "./realtime_events.ts";
import { endpoint } from "../service/endpoint.ts";
import { InferenceError } from "../../inference/contracts/errors.ts";

/** The protocol's PCM format; it has no other rate. */
export const REALTIME_FORMAT = { type: "audio/pcm", rate: 24_000 } as const;

/** Returns the address of a session with a model: `url`, or `/realtime` below `baseUrl`. */
export function realtimeUrl(
  { url, baseUrl, model }: { url?: string; baseUrl: string; model: string },
): URL {
  const session = url === undefined ? endpoint(baseUrl, "/realtime") : new URL(url);
  session.protocol = session.protocol.replace("http", "ws");
  session.searchParams.set("model", model);
  return session;
}

/** The callbacks of a socket. */
export type SocketEvents = Pick<KeepaliveSocketOptions, "onOpen" | "onMessage" | "onEnd">;

/** Opens the socket of a session. */
export function connectRealtime(
  url: URL,
  { headers, clock, keepalive }: {
    headers: Headers;
    clock: Clock | undefined;
    keepalive?: KeepaliveOptions;
  },
  events: SocketEvents,
): KeepaliveSocket {
  return new KeepaliveSocket(url.href, {
    ...events,
    clock,
    keepalive,
    // The session itself drops audio; an image may be larger than any limit of the socket.
    maxBufferedBytes: Infinity,
    connect: (url) => new WorkerWebSocket(url, { headers: Object.fromEntries(headers), clock }),
  });
}

/** Returns the error for a socket that ended. */
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

/** Codes and types of failures after which a retry can succeed. */
const TRANSIENT = ["rate_limit_exceeded", "rate_limit_error", "server_error", "session_expired"];

/** Returns the error for a failure that the service sent. */
export function serviceError(
  name: string,
  { code, type, message = "no reason given" }: ServiceFailure,
): InferenceError {
  return new InferenceError(`${name}: ${message}`, {
    code: code ?? type ?? "failed",
    retryable: [code, type].some((one) => TRANSIENT.includes(one ?? "")),
  });
}

/** Whether a response had ended before it was cancelled, which is no failure. */
export function isLateCancel({ code }: ServiceFailure): boolean {
  return code === "response_cancel_not_active";
}

/** Returns the error for a service that refused the socket: the key or the model is wrong. */
function refusalOf(name: string, failure: string): InferenceError | undefined {
  const found = /status code: (\d{3})/.exec(failure)?.[1];
  if (!found) return undefined;
  const status = Number(found);
  const code = status === 401 ? "unauthorized" : status === 429 ? "rate-limited" : "refused";
  const why = status === 401 ? ": the key is not accepted" : "";
  const retryable = status === 429 || status >= 500;
  const message = `${name}: responded with ${status}${why}`;
  return new InferenceError(message, { code, retryable, status });
}
