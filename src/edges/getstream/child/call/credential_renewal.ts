/**
 * Renews the credentials of an SFU before they expire. Stream's own clients do not, and join anew when
 * theirs are refused, which interrupts the sound. Asking for credentials joins nothing by itself (only
 * the SFU's socket does), so an agent that stays for long asks in good time.
 *
 * @module
 */
import type { Clock } from "@ringline/edge/toolkit";
import { type SfuCredentials, tokenEndsAt } from "../../wire/credentials.ts";

/** The part of the credentials' lifetime after which newer ones are requested. */
const USED = 0.8;
/** The longest delay of a timer. */
const MAX_MS = 2 ** 31 - 1;

/** Options for {@linkcode CredentialRenewal}. */
export interface CredentialRenewalOptions {
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
  readonly #options: CredentialRenewalOptions;
  #timer: Disposable | undefined;
  /** The credentials that it renews. */
  #current: SfuCredentials | undefined;

  constructor(options: CredentialRenewalOptions) {
    this.#options = options;
  }

  /** Renews these credentials from now on, instead of others. */
  monitor(credentials: SfuCredentials): void {
    this.stop();
    this.#current = credentials;
    const { clock } = this.#options;
    const rest = tokenEndsAt(credentials.token) - clock.epochMs();
    if (rest === Infinity) return;
    const ms = Math.min(MAX_MS, Math.max(1000, rest * USED));
    this.#timer = clock.schedule(() => this.#renew(credentials), ms);
  }

  /** Stops renewing. */
  stop(): void {
    this.#timer?.[Symbol.dispose]();
    this.#current = undefined;
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
    } catch (error) {
      if (isCurrent()) onError(error);
    }
    if (isCurrent()) this.monitor(credentials);
  }
}
