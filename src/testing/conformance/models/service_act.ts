/** What the service behind a model does with a request, whatever the model is. @module */
import { type HttpAct, HttpService } from "./http_service.ts";
import { cut } from "./model_test.ts";

/** What the service behind a model does with a request. */
export interface ServiceAct {
  /** Milliseconds before the response begins. Default 0. */
  readonly beforeMs?: number;
  /** Milliseconds between its pieces. Default 0. */
  readonly gapMs?: number;
  /**
   * What happens after the pieces: the response is complete; the connection breaks off; it stays open
   * and nothing comes any more; or nothing comes at all. Default `"complete"`.
   */
  readonly end?: "complete" | "cut" | "hang" | "silent";
  /** Whether each byte of the response comes alone. */
  readonly byByte?: boolean;
  /** Refuses with this HTTP status. */
  readonly status?: number;
  /** The wait that a refusal asks for, in seconds. */
  readonly retryAfter?: number;
  /** The text of a refusal, or of a body that is no response. */
  readonly message?: string;
}

/** A model, and the service behind it. */
export interface ServiceUnderTest extends AsyncDisposable {
  /** Returns how many requests the service was sent. */
  requests?(): number;
  /** Returns how many requests are open. */
  openRequests?(): number;
}

/** Starts a real server on the loopback that does this. */
export function startService<Act extends ServiceAct>(
  acts: readonly Act[],
  contentType: string,
  pieces: (act: Act) => readonly Uint8Array<ArrayBuffer>[],
): ServiceUnderTest & { readonly baseUrl: string } {
  const service = new HttpService(acts.map((act) => toHttp(act, contentType, () => pieces(act))));
  return {
    baseUrl: service.baseUrl,
    requests: () => service.requests,
    openRequests: () => service.openRequests,
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}

function toHttp(
  act: ServiceAct,
  contentType: string,
  pieces: () => readonly Uint8Array<ArrayBuffer>[],
): HttpAct {
  const { beforeMs, gapMs, end, byByte, status, retryAfter, message = "" } = act;
  const timing = { beforeMs, gapMs, end };
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
  return { ...timing, headers, body: pieces().flatMap((one) => byByte ? cut(one, 1) : one) };
}
