import type { Clock } from "@ringline/edge/toolkit";
import { type SfuCredentials, tokenEndsAt } from "../../wire/credentials.ts";

/** The part of the credentials' life after which newer ones are asked for. */
const USED = 0.8;
/** Timers cannot wait longer. */
const LONGEST_MS = 2 ** 31 - 1;

/** What a {@linkcode CredentialRenewal} needs. */
export interface CredentialRenewalOptions {
  clock: Clock;
  /** Asks for newer credentials. */
  ask: () => Promise<SfuCredentials>;
  /** Newer ones for the same SFU. */
  onRenewed: (token: string) => void;
  /** The service would have us on another SFU. */
  onMoved: () => void;
  onError: (error: unknown) => void;
}

/** Gets newer credentials before those that are used end. */
export class CredentialRenewal {
  readonly #options: CredentialRenewalOptions;
  #timer: Disposable | undefined;
  /** The credentials that are watched. */
  #current: SfuCredentials | undefined;

  constructor(options: CredentialRenewalOptions) {
    this.#options = options;
  }

  /** Watches these credentials, instead of others. */
  watch(credentials: SfuCredentials): void {
    this.stop();
    this.#current = credentials;
    const { clock } = this.#options;
    const rest = tokenEndsAt(credentials.token) - clock.epochMs();
    if (rest === Infinity) return;
    const ms = Math.min(LONGEST_MS, Math.max(1000, rest * USED));
    this.#timer = clock.schedule(() => this.#renew(credentials), ms);
  }

  /** Ends it. */
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
    if (isCurrent()) this.watch(credentials);
  }
}
