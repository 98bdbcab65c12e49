/**
 * What all sockets that speak OpenAI's realtime protocol have in common.
 *
 * @module
 */
import type { SocketEnd } from "./client_socket.ts";
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

/** Why a socket is closed, by what its events told. */
export function closedError(
  name: string,
  { code, reason, failure, isForbidden }: SocketEnd,
): InferenceError {
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
