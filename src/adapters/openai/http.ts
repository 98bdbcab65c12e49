/**
 * Requests to a service over HTTP, with retries, and errors that name the reason.
 *
 * @module
 */
import type { Component, ComponentContext } from "../../inference/contracts/component.ts";
import { type Clock, systemClock } from "../../events/clock.ts";
import { backOffMs, retry, retryAfterMs } from "../../events/retry.ts";
import { limitTime } from "../../events/waiting.ts";
import { InferenceError, inferenceErrorIn } from "../../inference/contracts/errors.ts";
import { messageOf } from "../../events/error_text.ts";
import { keyedHeaders, type KeyOptions } from "./key.ts";
import { endpoint } from "../service/endpoint.ts";
import { codeOf, isRetryable, reasonOf } from "../service/service_error.ts";
import { wellFormedJson } from "../service/well_formed_json.ts";

/** Options for a service over HTTP. */
export interface HttpServiceOptions extends KeyOptions {
  /** The name in the texts of errors. */
  name: string;
  /** The address, e.g. `"https://api.openai.com/v1"`; a query stays a query. */
  baseUrl: string;
  /** The most tries of a request while the service is too busy. Default 3. */
  maxTries?: number;
  /** The longest wait before other tries, all together, in milliseconds. Default 4,000. */
  maxWaitMs?: number;
  /** How long opening a socket may take, in milliseconds, for the models that use one. */
  connectTimeoutMs?: number;
}

const FIRST_WAIT_MS = 250;
/** A service that takes longer than this to be asked for its models is taken to be down. */
const CHECK_LIMIT_MS = 3000;

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
  }

  /** The path of the model's requests. */
  protected abstract readonly path: string;

  /**
   * Checks the key: asks for the service's models. A service that is down, or has no such list, is
   * no failure: it may be back when it is needed.
   *
   * @throws {InferenceError} there is no key, or the service does not accept it.
   */
  async start({ clock, signal, logger }: ComponentContext): Promise<void> {
    this.#clock = clock;
    using limit = limitTime("checking the key", {
      timeoutMs: CHECK_LIMIT_MS,
      signals: [signal],
      clock,
    });
    const fault = async (path: string, init?: RequestInit) => {
      const result = await this.#try(path, init ?? {}, limit.signal);
      if (!(result instanceof Response)) return result.error;
      await result.body?.cancel();
      return undefined;
    };
    try {
      let error = await fault("/models");
      // A key may be good for the model and not for the list. Nothing is generated for an empty request.
      if (error?.status === 403) {
        error = await fault(this.path, { method: "POST", ...await contentOf({}) });
      }
      if (error && isDenied(error)) throw error;
      if (error) logger.debug(`the key was not checked: ${error.message}`);
    } catch (error) {
      signal.throwIfAborted();
      const known = inferenceErrorIn(error);
      if (known && (isDenied(known) || known.code === "no-key")) throw known;
      logger.debug(`${this.name}: the key was not checked: ${messageOf(error)}`);
    }
  }

  metrics(): Readonly<Record<string, number>> {
    return { requests: this.#requests, retries: this.#retries, failures: this.#failures };
  }

  /** The service's host. */
  protected get host(): string {
    return new URL(this.#service.baseUrl).hostname;
  }

  protected get clock(): Clock {
    return this.#clock;
  }

  /**
   * Posts a request and returns the response, whose body has not been read. Tries again while the
   * service is busy or broken, after the pause that it asks for.
   *
   * @throws {InferenceError} the service refuses, or cannot be reached.
   */
  protected async post(body: FormData | object, signal: AbortSignal): Promise<Response> {
    const { maxTries = 3, maxWaitMs = 4000 } = this.#service;
    this.#requests++;
    const init = { method: "POST", ...await contentOf(body) };
    let askedMs: number | undefined;
    let leftMs = maxWaitMs;
    return await retry(async () => {
      const result = await this.#try(this.path, init, signal);
      if (result instanceof Response) return result;
      askedMs = result.waitMs;
      throw result.error;
    }, {
      clock: this.#clock,
      signal,
      waitMs: (error, tries) => {
        const ms = askedMs ?? backOffMs(tries, { firstMs: FIRST_WAIT_MS });
        const mayRetry = inferenceErrorIn(error)?.retryable === true;
        if (!mayRetry || tries >= maxTries || ms > leftMs) {
          this.#failures++;
          return undefined;
        }
        this.#retries++;
        leftMs -= ms;
        return ms;
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

  async #headers(more: HeadersInit | undefined): Promise<Headers> {
    const url = new URL(this.#service.baseUrl);
    return await keyedHeaders({ ...this.#service, url }, more);
  }

  async #try(
    path: string,
    init: RequestInit,
    signal: AbortSignal,
  ): Promise<Response | { error: InferenceError; waitMs: number | undefined }> {
    const headers = await this.#headers(init.headers);
    let response: Response;
    try {
      response = await fetch(endpoint(this.#service.baseUrl, path), { ...init, headers, signal });
    } catch (cause) {
      signal.throwIfAborted();
      return { error: this.#unreachable(cause), waitMs: undefined };
    }
    if (response.ok) return response;
    const { status } = response;
    const reason = reasonOf(await response.text().catch(() => ""));
    signal.throwIfAborted();
    const message = `responded with ${status}${reason === "" ? "" : `: ${reason}`}`;
    const error = this.error(message, {
      code: codeOf(status),
      retryable: isRetryable(status),
      status,
    });
    return { error, waitMs: retryAfterMs(response.headers) };
  }
}

function isDenied({ status }: InferenceError): boolean {
  return status === 401 || status === 403;
}

/**
 * Returns a body, a form as bytes: Deno would stream a form, and a stream that it may not send,
 * because `--allow-net` is missing, keeps the program from ending.
 */
async function contentOf(
  body: FormData | object,
): Promise<{ body: BodyInit; headers: HeadersInit }> {
  if (!(body instanceof FormData)) {
    return {
      body: wellFormedJson(body),
      headers: { "content-type": "application/json" },
    };
  }
  const form = new Response(body);
  const type = form.headers.get("content-type")!;
  return { body: await form.bytes(), headers: { "content-type": type } };
}

/** Returns the innermost reason why a request had no response. */
function whyOf(cause: unknown): string {
  const deeper = cause instanceof Error && cause.cause instanceof Error;
  return deeper ? whyOf(cause.cause) : messageOf(cause);
}
