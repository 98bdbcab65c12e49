/** The tokens of a user. @module */
import {
  AuthenticationError,
  type Clock,
  EdgeError,
  isTimeout,
  messageOf,
  systemClock,
  tokenEndsAt,
  waitFor,
  withoutSecrets,
} from "@ringline/edge/toolkit";

/** The part of a token's lifetime after which a new one is created. */
const USED = 0.8;
/** Tokens are dated back a second and have whole seconds: they expire up to so much earlier. */
const EARLY_MS = 2000;
/** How long a provider of tokens may take, which is less than a join may. */
const LOAD_MS = 4000;

/** Options for {@linkcode UserToken}. */
export interface UserTokenOptions {
  /** How long a new token is valid. Default: as the token itself says. */
  validityMs?: number;
  /** Whether there is only one token, which is used until the service refuses it. */
  isOnly?: boolean;
  /** Checks what `load` returned; it throws for what is no token of the user. */
  check?: (token: unknown) => void;
  /** Aborted when no token is needed any longer. */
  signal?: AbortSignal;
  clock?: Clock;
}

/** Loads a user's tokens, each well before the previous one expires. */
export class UserToken {
  readonly #load: (validityMs: number) => string | Promise<string>;
  readonly #options: UserTokenOptions;
  readonly #validityMs: number | undefined;
  readonly #isOnly: boolean;
  readonly #clock: Clock;
  #token: string | undefined;
  #renewAt = 0;
  #loading: Promise<string> | undefined;

  constructor(
    load: (validityMs: number) => string | Promise<string>,
    options: UserTokenOptions,
  ) {
    this.#load = load;
    this.#options = options;
    this.#validityMs = options.validityMs;
    this.#isOnly = options.isOnly ?? false;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Returns a token that stays valid for a while.
   *
   * @throws {AuthenticationError} the token's provider failed: `no-token`; it took too long:
   *   `token-timeout`; or the signal's reason.
   */
  async get(signal?: AbortSignal): Promise<string> {
    if (this.#token !== undefined && this.#clock.now() < this.#renewAt) return this.#token;
    this.#loading ??= this.#renew().finally(() => this.#loading = undefined);
    return await waitFor(this.#loading, "a user's token", { signal, clock: this.#clock });
  }

  /** How long the current token can still be used, in milliseconds. */
  get remainingMs(): number {
    return this.#token === undefined ? 0 : Math.max(0, this.#renewAt - this.#clock.now());
  }

  /** Discards the current token. */
  renew(): void {
    this.#token = undefined;
  }

  /** Discards a token that the service refused as expired; returns the error to report. */
  refused(token: string, error: EdgeError): EdgeError {
    if (this.#isOnly) {
      return new AuthenticationError(
        `${error.message}; for an agent that stays longer than its userToken is valid, pass a ` +
          "function that returns a new one",
        { code: error.code },
      );
    }
    // Another request may have discarded it before.
    if (token === this.#token) this.renew();
    return error;
  }

  async #renew(): Promise<string> {
    const token = this.#token = await this.#ask();
    const now = this.#clock.now();
    const validMs = this.#validityMs ?? tokenEndsAt(token) - this.#clock.epochMs();
    this.#renewAt = this.#isOnly ? Infinity : now + Math.max(0, validMs - EARLY_MS) * USED;
    return token;
  }

  async #ask(): Promise<string> {
    const { signal, check } = this.#options;
    const loading = Promise.try(() => this.#load(this.#validityMs ?? 0));
    let token: string;
    try {
      token = await waitFor(loading, "userToken", {
        signal,
        timeoutMs: LOAD_MS,
        clock: this.#clock,
      });
    } catch (error) {
      signal?.throwIfAborted();
      if (isTimeout(error)) {
        throw new AuthenticationError(`userToken returned no token within ${LOAD_MS} ms`, {
          code: "token-timeout",
          retryable: true,
        });
      }
      // Without the error itself, whose own fields may hold a token.
      throw new AuthenticationError(`userToken failed: ${withoutSecrets(messageOf(error))}`, {
        code: "no-token",
        retryable: !(error instanceof EdgeError) || error.retryable,
      });
    }
    check?.(token);
    return token;
  }
}
