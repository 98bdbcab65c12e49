/**
 * Requests by `fetch`, with a time limit, an abort signal and a bounded answer.
 *
 * @module
 */
import { type Clock, ProtocolError, systemClock } from "@ringline/edge/toolkit";
import { describeFailure, rejectionError, silenceError } from "./service_errors.ts";

/** No answer of the service is nearly as long. */
const MAX_FRAME_BYTES = 4 * 1024 * 1024;

/** One request. */
export interface JsonRequest {
  url: URL;
  headers: Record<string, string>;
  /** Sent as JSON. */
  body: unknown;
  /** What it is for, for people to read. */
  doing: string;
  timeoutMs: number;
  /** How often the caller tries it in all, so that an error can say so. Default 1. */
  tries?: number;
  signal?: AbortSignal;
  clock?: Clock;
}

/**
 * Posts JSON and gives the JSON of the answer.
 *
 * @throws `EdgeError` for a refusal, silence, or an answer that is no JSON; the signal's reason.
 */
export async function postJson(request: JsonRequest): Promise<unknown> {
  const { url, headers, body, doing, timeoutMs, signal, clock = systemClock } = request;
  signal?.throwIfAborted();
  const limit = new AbortController();
  const timer = clock.schedule(() => limit.abort(), timeoutMs);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
      redirect: "error",
      signal: signal ? AbortSignal.any([limit.signal, signal]) : limit.signal,
    });
    const text = await readText(response);
    if (!response.ok) throw rejectionError({ status: response.status, ...describe(text), doing });
    try {
      return JSON.parse(text);
    } catch {
      throw new ProtocolError(`${doing}: the answer is no JSON`, { code: "bad-answer" });
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
  for await (const piece of response.body ?? []) {
    text += decoder.decode(piece, { stream: true });
    if (text.length > MAX_FRAME_BYTES) {
      throw new ProtocolError(`an answer has more than ${MAX_FRAME_BYTES} bytes`, {
        code: "bad-answer",
      });
    }
  }
  return text + decoder.decode();
}

/** Stream's errors are JSON with a number and a message; Twirp's have a word and `msg`. */
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
