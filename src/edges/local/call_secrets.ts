/**
 * The calls of a LocalEdge by name, and the secrets of their links.
 *
 * @module
 */
import { shown } from "../../events/checks.ts";
import { Call } from "../../edge/call.ts";
import { hasControlCharacters } from "../../edge/validation.ts";
import { callSecret, isSecret } from "./wire/auth.ts";
import type { CallParams } from "./wire/messages.ts";
import { CALL_SIZES } from "./wire/signalling.ts";
import { callKey } from "./wire/call_key.ts";

/** `Call.original` of the calls of a `LocalEdge`. */
export interface LocalCall {
  /** Admits to the call: 128 random bits, the fragment of the call's link. */
  readonly secret: string;
}

/** The secrets of an edge's calls: each call keeps its own while it goes on, and for when it begins again. */
export class CallSecrets {
  /** Signs them. */
  readonly #edgeSecret: string;
  readonly #secrets = new Map<string, string>();

  constructor(edgeSecret: string) {
    this.#edgeSecret = edgeSecret;
  }

  /** Returns the call of this name. */
  call(type: string, id: string): Call {
    const key = callKey({ type, id });
    const secret = this.#secrets.get(key) ?? callSecret(this.#edgeSecret, type, id);
    this.#secrets.set(key, secret);
    return new Call({ id, type, original: { secret } satisfies LocalCall });
  }

  /** Returns a call as the media process receives it; checks it, since a program may construct one. */
  params(call: Call): CallParams {
    checkCallName(call.type, call.id);
    return { callType: call.type, callId: call.id, secret: this.#secretOf(call) };
  }

  /** A page started this call. */
  add({ callType, callId, secret }: CallParams): Call {
    this.#secrets.set(callKey({ type: callType, id: callId }), secret);
    return this.call(callType, callId);
  }

  /** The call of this key is over. */
  delete(key: string): void {
    this.#secrets.delete(key);
  }

  #secretOf(call: Call): string {
    const key = callKey(call);
    let secret = this.#secrets.get(key);
    if (secret === undefined) {
      // The call ended and begins again: its link stays the same.
      const { secret: given = callSecret(this.#edgeSecret, call.type, call.id) } =
        (call.original ?? {}) as Partial<LocalCall>;
      if (!isSecret(given)) {
        throw new TypeError(
          "call.original.secret: expected 22 characters of base64url: use a call of createCall",
        );
      }
      this.#secrets.set(key, secret = given);
    }
    return secret;
  }
}

/** Throws for a type or id that a link or a page could not carry. */
export function checkCallName(callType: string, callId: string): void {
  for (const [name, value] of Object.entries({ callType, callId })) {
    const size = CALL_SIZES[name as keyof typeof CALL_SIZES];
    const what = typeof value === "string" ? JSON.stringify(value.slice(0, size)) : shown(value);
    if (
      typeof value !== "string" || value === "" || value.length > size ||
      hasControlCharacters(value) || !value.isWellFormed()
    ) {
      throw new TypeError(
        `${name}: expected a string of 1 to ${size} characters without control characters, got ${what}`,
      );
    }
    // A URL's path drops them.
    if (value === "." || value === "..") {
      throw new TypeError(`${name}: expected a name, got ${what}`);
    }
  }
}
