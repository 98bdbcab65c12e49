/**
 * Requests to a service over HTTP, with retries, and errors that name the reason.
 *
 * @module
 */
import type { Component, ComponentContext } from "../../inference/contracts/component.ts";
import { type Clock, systemClock } from "../../events/clock.ts";
import { backOffMs, retry } from "../../events/retry.ts";
import { InferenceError } from "../../inference/contracts/errors.ts";
import { messageOf } from "../../events/error_text.ts";

/** Options for a service over HTTP. */
export interface HttpServiceOptions {
  /** The name in the texts of errors. */
  name: string;
  /** The address without a slash at its end, e.g. `"https://api.openai.com/v1"`. */
  baseUrl: string;
  /** The bearer token. A local service often needs none. */
  apiKey?: string;
  /** Headers of every request. */
  headers?: Readonly<Record<string, string>>;
  /** The most tries of a request while the service is too busy. Default 3. */
  maxTries?: number;
}

/** The longest wait that a service may ask for before a retry: a call cannot wait longer. */
const MAX_WAIT_MS = 4000;
const FIRST_WAIT_MS = 250;
/** The most characters of a refusal in an error. */
const MAX_REASON_CHARS = 500;

/** A model behind HTTP; it counts requests, retries and failures. */
export abstract class HttpModel<Options> implements Component {
  readonly name: string;
  protected readonly options: Options;
  readonly #service: HttpServiceOptions;
  #clock: Clock = systemClock;
  #requests = 0;
  #retries = 0;
  #failures = 0;

  constructor(service: HttpServiceOptions, options: Options) {
    this.name = service.name;
    this.options = options;
    this.#service = service;
    new URL(service.baseUrl);
  }

  start({ clock }: ComponentContext): void {
    this.#clock = clock;
  }

  metrics(): Readonly<Record<string, number>> {
    return { requests: this.#requests, retries: this.#retries, failures: this.#failures };
  }

  /**
   * Posts a request and returns the response, whose body has not been read. Tries again while the
   * service is busy or broken, after the pause that it asks for.
   *
   * @throws {InferenceError} the service refuses, or cannot be reached.
   */
  protected async post(
    path: string,
    body: FormData | object,
    signal: AbortSignal,
  ): Promise<Response> {
    const { maxTries = 3 } = this.#service;
    this.#requests++;
    const content = await contentOf(body);
    let askedMs: number | undefined;
    return await retry(async () => {
      const result = await this.#try(path, content, signal);
      if (result instanceof Response) return result;
      askedMs = result.waitMs;
      throw result.error;
    }, {
      clock: this.#clock,
      signal,
      waitMs: (error, tries) => {
        const isRetryable = error instanceof InferenceError && error.retryable;
        if (!isRetryable || tries >= maxTries || (askedMs ?? 0) > MAX_WAIT_MS) {
          this.#failures++;
          return undefined;
        }
        this.#retries++;
        return askedMs ?? backOffMs(tries, { firstMs: FIRST_WAIT_MS });
      },
    });
  }

  /** Yields the bytes of a body; throws an `InferenceError` when the connection breaks. */
  protected async *read(
    response: Response,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    try {
      for await (const bytes of response.body ?? []) yield bytes;
    } catch (cause) {
      signal.throwIfAborted();
      throw this.error("the response was cut off", { code: "cut-off", retryable: true, cause });
    }
  }

  /** Returns an error with this model's name. */
  protected error(
    message: string,
    options: { code: string; retryable?: boolean; status?: number; cause?: unknown },
  ): InferenceError {
    return new InferenceError(`${this.name}: ${message}`, options);
  }

  #unreachable(cause: unknown): InferenceError {
    const message = `cannot be reached: ${whyOf(cause)}`;
    const isForbidden = cause instanceof Deno.errors.NotCapable;
    return isForbidden
      ? this.error(message, { code: "permission-denied", cause })
      : this.error(message, { code: "unreachable", retryable: true, cause });
  }

  async #try(
    path: string,
    { body, type }: Content,
    signal: AbortSignal,
  ): Promise<Response | { error: InferenceError; waitMs: number | undefined }> {
    const { baseUrl, apiKey, headers } = this.#service;
    let response: Response;
    try {
      response = await fetch(`${baseUrl}${path}`, {
        method: "POST",
        signal,
        body,
        headers: {
          ...apiKey ? { authorization: `Bearer ${apiKey}` } : {},
          "content-type": type,
          ...headers,
        },
      });
    } catch (cause) {
      signal.throwIfAborted();
      return { error: this.#unreachable(cause), waitMs: undefined };
    }
    if (response.ok) return response;
    const { status } = response;
    const reason = reasonOf(await response.text().catch(() => ""));
    const retryable = status === 429 || status === 408 || status >= 500;
    const code = status === 429 ? "rate-limited" : status === 401 ? "unauthorized" : "refused";
    const error = this.error(`responded with ${status}${reason}`, { code, retryable, status });
    return { error, waitMs: retryAfterMs(response.headers) };
  }
}

/** The body of a request. */
interface Content {
  body: Uint8Array<ArrayBuffer> | string;
  type: string;
}

/**
 * Returns a body, a form as bytes: Deno would stream a form, and a stream that it may not send,
 * because `--allow-net` is missing, keeps the program from ending.
 */
async function contentOf(body: FormData | object): Promise<Content> {
  if (!(body instanceof FormData)) return { body: JSON.stringify(body), type: "application/json" };
  const form = new Response(body);
  return { body: await form.bytes(), type: form.headers.get("content-type")! };
}

/** Returns the innermost reason why a request had no response. */
function whyOf(cause: unknown): string {
  const deeper = cause instanceof Error && cause.cause instanceof Error;
  return deeper ? whyOf(cause.cause) : messageOf(cause);
}

function retryAfterMs(headers: Headers): number | undefined {
  const ms = headers.get("retry-after-ms");
  const seconds = headers.get("retry-after");
  const wait = ms !== null ? Number(ms) : seconds !== null ? 1000 * Number(seconds) : NaN;
  return Number.isFinite(wait) && wait >= 0 ? wait : undefined;
}

/** Returns the reason that a service states, usually as JSON with a message. */
function reasonOf(text: string): string {
  let reason = text;
  try {
    const { error } = JSON.parse(text);
    reason = typeof error === "string" ? error : error?.message ?? text;
  } catch {
    // Not JSON: the text is the reason.
  }
  reason = String(reason).trim().slice(0, MAX_REASON_CHARS);
  return reason === "" ? "" : `: ${reason}`;
}
