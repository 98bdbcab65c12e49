/**
 * Renews the credentials of an SFU before they expire. Stream's own clients do not, and join anew when
 * theirs are refused, which interrupts the sound. Asking for credentials joins nothing by itself (only
 * the SFU's socket does), so an agent that stays for long asks in good time.
 *
 * @module
 */
import { backOffMs, type Clock, tokenEndsAt } from "@ringline/edge/toolkit";
import type { SfuCredentials } from "../../wire/credentials.ts";
import { BACK_OFF, pauseAfter } from "../../wire/retrying.ts";

/** The part of the credentials' lifetime after which newer ones are requested. */
const USED = 0.8;
/** The pauses after tries that failed, and after answers whose token brings no more time. */
const PAUSES = { firstMs: 1000, maxMs: 60_000 };
/** The longest delay of a timer. */
const MAX_MS = 2 ** 31 - 1;

/** What {@linkcode CredentialRenewal} needs. */
export interface CredentialRenewalInit {
  clock: Clock;
  /** Requests newer credentials. */
  ask: () => Promise<SfuCredentials>;
  /** There is a newer token for the same SFU. */
  onRenewed: (token: string) => void;
  /** The service assigned another SFU. */
  onMoved: () => void;
  onError: (error: unknown) => void;
}

/** Requests newer credentials before the current ones expire. */
export class CredentialRenewal {
  readonly #options: CredentialRenewalInit;
  #timer: Disposable | undefined;
  /** The credentials that it renews. */
  #current: SfuCredentials | undefined;
  /** Tries in a row that brought no time. */
  #failures = 0;

  constructor(options: CredentialRenewalInit) {
    this.#options = options;
  }

  /** Renews these credentials from now on, instead of others. */
  monitor(credentials: SfuCredentials): void {
    this.stop();
    this.#current = credentials;
    this.#failures = 0;
    const remainingMs = this.#remainingMs(credentials.token);
    if (remainingMs < Infinity) {
      this.#schedule(credentials, Math.max(PAUSES.firstMs, remainingMs * USED));
    }
  }

  /** Stops renewing. */
  stop(): void {
    this.#timer?.[Symbol.dispose]();
    this.#current = undefined;
  }

  #remainingMs(token: string): number {
    return tokenEndsAt(token) - this.#options.clock.epochMs();
  }

  #schedule(credentials: SfuCredentials, ms: number): void {
    this.#timer = this.#options.clock.schedule(
      () => this.#renew(credentials),
      Math.min(MAX_MS, ms),
    );
  }

  async #renew(credentials: SfuCredentials): Promise<void> {
    const { ask, onRenewed, onMoved, onError } = this.#options;
    const isCurrent = () => this.#current === credentials;
    try {
      const { edgeName, token } = await ask();
      if (!isCurrent()) return;
      if (edgeName !== credentials.edgeName) return onMoved();
      credentials.token = token;
      onRenewed(token);
      if (!isCurrent()) return;
      // A token that has already expired by this clock says nothing about when to ask next.
      const remainingMs = this.#remainingMs(token);
      if (remainingMs > 0) return this.monitor(credentials);
      this.#schedule(credentials, backOffMs(++this.#failures, { ...BACK_OFF, ...PAUSES }));
    } catch (error) {
      if (!isCurrent()) return;
      onError(error);
      // A refusal for good: the same request has the same answer, and the SFU's end of the session
      // brings new credentials.
      const delayMs = pauseAfter(error, ++this.#failures, PAUSES);
      if (delayMs !== undefined && isCurrent()) this.#schedule(credentials, delayMs);
    }
  }
}
