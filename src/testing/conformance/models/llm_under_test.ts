/** What the author of a language model's adapter implements for its conformance kit. @module */
import type { LLM, LLMPart } from "../../../inference/contracts/llm.ts";
import type { VirtualClock } from "../../virtual_clock.ts";
import { type HttpAct, HttpService } from "./http_service.ts";
import { cut } from "./model_test.ts";

/** What the model behind an adapter does with a request. */
export interface LLMAct {
  /** The parts of the reply: text, tool calls, usage, the reason for its end. Default: none. */
  readonly parts?: readonly LLMPart[];
  /** Milliseconds before the first part. Default 0. */
  readonly beforeMs?: number;
  /** Milliseconds between parts. Default 0. */
  readonly gapMs?: number;
  /**
   * What happens after the parts: the reply is complete; the connection breaks off; it stays open and
   * nothing comes any more; or nothing comes at all. Default `"complete"`.
   */
  readonly end?: "complete" | "cut" | "hang" | "silent";
  /** Whether each byte of the reply comes alone. */
  readonly byByte?: boolean;
  /** Refuses with this HTTP status. */
  readonly status?: number;
  /** The wait that a refusal asks for, in seconds. */
  readonly retryAfter?: number;
  /** The text of a refusal, or of a body that is no reply. */
  readonly message?: string;
}

/** A language model, and the service behind it. */
export interface LLMUnderTest extends AsyncDisposable {
  /** The model. */
  readonly llm: LLM;
  /** The model's clock, if it is a virtual one. */
  readonly clock?: VirtualClock;
  /** Returns how many requests the service was sent. */
  requests?(): number;
  /** Returns how many requests are open. */
  openRequests?(): number;
}

/** Creates a model for one test, in front of a service that does this; the last act is repeated. */
export type LLMFactory = (acts: readonly LLMAct[]) => LLMUnderTest | Promise<LLMUnderTest>;

/** Options for {@linkcode llmOverHttp}. */
export interface LLMOverHttpOptions {
  /** Returns the adapter for a service at this address. */
  create: (baseUrl: string) => LLM | Promise<LLM>;
  /** The content type of the service's replies, e.g. `"text/event-stream"`. */
  contentType: string;
  /** Returns the parts as the service writes them, a piece for each; `end` is after the last one. */
  encode: (parts: readonly LLMPart[]) => { pieces: readonly string[]; end: string };
}

/**
 * Returns a factory for an adapter of a service over HTTP. It starts a real server on the loopback for
 * each test, so the author says only how the service writes its replies.
 */
export function llmOverHttp({ create, contentType, encode }: LLMOverHttpOptions): LLMFactory {
  return async (acts) => {
    const service = new HttpService(acts.map((act) => toHttp(act, contentType, encode)));
    return {
      llm: await create(service.baseUrl),
      requests: () => service.requests,
      openRequests: () => service.openRequests,
      [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
    };
  };
}

function toHttp(
  act: LLMAct,
  contentType: string,
  encode: LLMOverHttpOptions["encode"],
): HttpAct {
  const { status, retryAfter, message = "", parts = [], byByte, ...timing } = act;
  const bytes = (text: string) => new TextEncoder().encode(text);
  if (status !== undefined) {
    return {
      ...timing,
      status,
      headers: {
        "content-type": "application/json",
        ...retryAfter === undefined ? {} : { "retry-after": String(retryAfter) },
      },
      body: [bytes(JSON.stringify({ error: { message } }))],
    };
  }
  const headers = { "content-type": contentType };
  if (message !== "") return { ...timing, headers, body: [bytes(message)] };
  const { pieces, end } = encode(parts);
  const whole = (timing.end ?? "complete") === "complete" ? [...pieces, end] : pieces;
  return {
    ...timing,
    headers,
    body: whole.map(bytes).flatMap((one) => byByte ? cut(one, 1) : one),
  };
}
