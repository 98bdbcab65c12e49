/**
 * Asking a service over HTTP: what may be tried again is, and what fails says why.
 *
 * @module
 */
import type { Component, ComponentContext } from "../../inference/contracts/component.ts";
import { type Clock, systemClock } from "../../events/clock.ts";
import { backOffMs, retry } from "../../events/retry.ts";
import { InferenceError } from "../../inference/contracts/errors.ts";
import { messageOf } from "../../events/error_text.ts";

/** How a service is reached. */
export interface HttpServiceOptions {
  /** For messages. */
  name: string;
  /** Without a slash at its end, e.g. `"https://api.openai.com/v1"`. */
  baseUrl: string;
  /** Sent as a bearer token. A local service often needs none. */
  apiKey?: string;
  /** Sent with every request. */
  headers?: Readonly<Record<string, string>>;
  /** How often a request is tried that the service was too busy for. Default 3. */
  maxTries?: number;
}

/** A service says itself how long to wait; longer than this nobody in a call does. */
const MAX_WAIT_MS = 4000;
const FIRST_WAIT_MS = 250;
/** So much of a refusal is read and told. */
const MAX_REASON_CHARS = 500;

/** A model that is reached over HTTP, and how often it was asked and refused. */
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
   * Posts and gives the answer, whose body has not been read. Tries again where the service is busy
   * or broken, and as long after as it asks for.
   *
   * @throws {InferenceError} it refuses, or cannot be reached.
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

  /** Reads a body; a connection that breaks is an error that says so. */
  protected async *read(
    response: Response,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    try {
      for await (const bytes of response.body ?? []) yield bytes;
    } catch (cause) {
      signal.throwIfAborted();
      throw this.error("the answer was cut off", { code: "cut-off", retryable: true, cause });
    }
  }

  /** An error of this model. */
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
    const error = this.error(`answered ${status}${reason}`, { code, retryable, status });
    return { error, waitMs: retryAfterMs(response.headers) };
  }
}

/** What is posted. */
interface Content {
  body: Uint8Array<ArrayBuffer> | string;
  type: string;
}

/**
 * A form as bytes: as a form it would be streamed, and a stream that Deno may not send, since
 * `--allow-net` is missing, keeps the program from ending.
 */
async function contentOf(body: FormData | object): Promise<Content> {
  if (!(body instanceof FormData)) return { body: JSON.stringify(body), type: "application/json" };
  const form = new Response(body);
  return { body: await form.bytes(), type: form.headers.get("content-type")! };
}

/** Why a request was not even answered: what was tried, as far down as that is known. */
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

/** What a service says of its refusal, which is JSON with a message as a rule. */
function reasonOf(text: string): string {
  let reason = text;
  try {
    const { error } = JSON.parse(text);
    reason = typeof error === "string" ? error : error?.message ?? text;
  } catch {
    // Not JSON: the text itself then.
  }
  reason = String(reason).trim().slice(0, MAX_REASON_CHARS);
  return reason === "" ? "" : `: ${reason}`;
}
