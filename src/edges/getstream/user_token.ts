import { type Clock, systemClock } from "@ringline/edge/toolkit";

/** The part of a token's life after which a new one is made. */
const USED = 0.8;
/** Tokens are dated back a second and have whole seconds: they end up to so much earlier. */
const EARLY_MS = 2000;

/** Makes a user's tokens, each well before the one before it ends. */
export class UserToken {
  readonly #make: (validityMs: number) => string;
  readonly #validityMs: number;
  readonly #clock: Clock;
  #token: string | undefined;
  #renewAt = 0;

  constructor(
    make: (validityMs: number) => string,
    options: { validityMs: number; clock?: Clock },
  ) {
    this.#make = make;
    this.#validityMs = options.validityMs;
    this.#clock = options.clock ?? systemClock;
  }

  /** A token that is valid for a while yet. */
  get(): string {
    const now = this.#clock.now();
    if (this.#token === undefined || now >= this.#renewAt) {
      this.#token = this.#make(this.#validityMs);
      this.#renewAt = now + Math.max(0, this.#validityMs - EARLY_MS) * USED;
    }
    return this.#token;
  }

  /** How long the present token is good to be used. */
  get remainingMs(): number {
    return this.#token === undefined ? 0 : Math.max(0, this.#renewAt - this.#clock.now());
  }

  /** Forgets the present token: the service would not have it. */
  renew(): void {
    this.#token = undefined;
  }
}
