/** The tokens of a user. @module */
import { type Clock, systemClock } from "@ringline/edge/toolkit";

/** The part of a token's lifetime after which a new one is created. */
const USED = 0.8;
/** Tokens are dated back a second and have whole seconds: they expire up to so much earlier. */
const EARLY_MS = 2000;

/** Creates a user's tokens, each well before the previous one expires. */
export class UserToken {
  readonly #create: (validityMs: number) => string;
  readonly #validityMs: number;
  readonly #clock: Clock;
  #token: string | undefined;
  #renewAt = 0;

  constructor(
    create: (validityMs: number) => string,
    options: { validityMs: number; clock?: Clock },
  ) {
    this.#create = create;
    this.#validityMs = options.validityMs;
    this.#clock = options.clock ?? systemClock;
  }

  /** Returns a token that stays valid for a while. */
  get(): string {
    const now = this.#clock.now();
    if (this.#token === undefined || now >= this.#renewAt) {
      this.#token = this.#create(this.#validityMs);
      this.#renewAt = now + Math.max(0, this.#validityMs - EARLY_MS) * USED;
    }
    return this.#token;
  }

  /** For how long the current token can be used. */
  get remainingMs(): number {
    return this.#token === undefined ? 0 : Math.max(0, this.#renewAt - this.#clock.now());
  }

  /** Discards the current token: the service refused it. */
  renew(): void {
    this.#token = undefined;
  }
}
