/** Requests to the API of a server that may have several nodes. @module */
import {
  type Clock,
  ConnectionError,
  messageOf,
  rejectionError,
  waitFor,
  withoutSecrets,
} from "@ringline/edge/toolkit";
import type { LiveKitSettings } from "../settings.ts";
import type { Tokens } from "./tokens.ts";

/** What a client of LiveKit's SDK is created with. */
export type ClientArguments = [
  url: string,
  apiKey: string,
  apiSecret: string,
  options: { requestTimeout: number; failover: boolean },
];

/** Options for {@linkcode Requests.send}. */
export interface RequestOptions {
  signal?: AbortSignal | undefined;
  /** Time limit, in milliseconds. Default: that of the edge's options. */
  timeoutMs?: number;
  /** Whether it may be tried on the next node where one cannot be reached. Default `true`. */
  mayMove?: boolean;
  /** Returns the code for a failure of this request's own kind. */
  codeOf?: (error: unknown) => string | undefined;
}

/** Sends requests to the node that responded last, or to the next one that can be reached. */
export class Requests {
  readonly #settings: LiveKitSettings;
  readonly #tokens: Tokens;
  readonly #clock: Clock;
  #node = 0;

  constructor(settings: LiveKitSettings, tokens: Tokens, clock: Clock) {
    this.#settings = settings;
    this.#tokens = tokens;
    this.#clock = clock;
  }

  /**
   * Sends a request.
   *
   * @throws {AuthenticationError} this edge has no secret: `no-secret`, or it is wrong: `unauthorized`.
   * @throws {ConnectionError} no node can be reached, or one refuses.
   */
  async send<T>(
    doing: string,
    act: (...client: ClientArguments) => Promise<T>,
    options: RequestOptions = {},
  ): Promise<T> {
    const { apiKey, apiSecret } = this.#tokens.keys(doing);
    const { urls } = this.#settings;
    const { signal, timeoutMs = this.#settings.requestTimeoutMs, mayMove = true, codeOf } = options;
    const requestTimeout = Math.max(1, Math.ceil(timeoutMs / 1000));
    for (let tries = 1;; tries++) {
      const url = urls[this.#node % urls.length]!.replace(/^ws/, "http");
      const limit = { timeoutMs, signal, clock: this.#clock };
      try {
        return await waitFor(
          act(url, apiKey, apiSecret, { requestTimeout, failover: false }),
          doing,
          limit,
        );
      } catch (error) {
        if (signal?.aborted) throw error;
        const message = withoutSecrets(describeFailure(url, error), apiSecret);
        const code = codeOf?.(error);
        if (code !== undefined) throw new ConnectionError(`${doing}: ${message}`, { code });
        const { status } = error as { status?: number };
        const isAway = status === undefined || status >= 500;
        if (isAway) this.#node++;
        if (!isAway || !mayMove || tries >= urls.length) {
          throw rejectionError(doing, { status, message });
        }
      }
    }
  }
}

/** Returns why a request failed; for one that did not reach the server, which server and what stopped it. */
function describeFailure(url: string, error: unknown): string {
  // A parser's message quotes the response.
  if (error instanceof SyntaxError) return `the response of ${url} is not LiveKit's: it is no JSON`;
  const { cause } = error as { cause?: unknown };
  if (!(cause instanceof Error)) return messageOf(error);
  // What fetch says alone is "fetch failed"; its cause names the address once more.
  return `${url} cannot be reached: ${messageOf(cause).replace(/ for url \(\S*\)/g, "")}`;
}
