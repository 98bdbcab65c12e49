/**
 * Requests by `fetch`, with a time limit, an abort signal and a bounded response.
 *
 * @module
 */
import { type Clock, ProtocolError, retryAfterMs, systemClock } from "@ringline/edge/toolkit";
import { describeFailure, rejectionError, silenceError } from "./service_errors.ts";

/** The longest response; those of the service are far shorter. */
const MAX_RESPONSE_CHARS = 4 * 1024 * 1024;

/** Options for {@linkcode requestJson}. */
export interface JsonRequest {
  /** Default `"POST"`. */
  method?: "POST" | "PUT" | "DELETE";
  url: URL;
  headers: Record<string, string>;
  /** Sent as JSON. Default: none. */
  body?: unknown;
  /** The request, in words for error texts. */
  doing: string;
  timeoutMs: number;
  /** How often the caller tries it in all, for the texts of errors. Default 1. */
  tries?: number;
  signal?: AbortSignal;
  clock?: Clock;
}

/**
 * Sends JSON and returns the JSON of the response.
 *
 * @throws {EdgeError} the service refuses, does not respond, or responds without JSON; or the
 *   signal's reason.
 */
export async function requestJson(request: JsonRequest): Promise<unknown> {
  const { url, headers, body, doing, timeoutMs, signal, clock = systemClock } = request;
  signal?.throwIfAborted();
  const limit = new AbortController();
  const timer = clock.schedule(() => limit.abort(), timeoutMs);
  try {
    const response = await fetch(url, {
      method: request.method ?? "POST",
      headers: { "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: "error",
      signal: signal ? AbortSignal.any([limit.signal, signal]) : limit.signal,
    });
    const text = await readText(response);
    if (!response.ok) {
      throw rejectionError({
        status: response.status,
        retryAfterMs: retryAfterMs(response.headers),
        ...describe(text),
        doing,
      });
    }
    try {
      return JSON.parse(text);
    } catch {
      throw new ProtocolError(`${doing}: the response is not JSON`, { code: "bad-response" });
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (limit.signal.aborted) {
      throw silenceError({ doing, where: url.origin, timeoutMs, tries: request.tries });
    }
    if (error instanceof TypeError) {
      throw rejectionError({ message: describeFailure(url.origin, error), doing });
    }
    throw error;
  } finally {
    timer[Symbol.dispose]();
  }
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_RESPONSE_CHARS) {
      throw new ProtocolError(`the response is longer than ${MAX_RESPONSE_CHARS} characters`, {
        code: "bad-response",
      });
    }
  }
  return text + decoder.decode();
}

/** Reads an error: Stream's have a number and `message`, Twirp's a word and `msg`. */
function describe(text: string): { code?: number; message: string } {
  try {
    const body = JSON.parse(text) as { code?: unknown; message?: unknown; msg?: unknown };
    const message = body.message ?? body.msg;
    return {
      ...(typeof body.code === "number" ? { code: body.code } : {}),
      message: typeof message === "string" ? message : "refused",
    };
  } catch {
    return { message: "refused" };
  }
}
