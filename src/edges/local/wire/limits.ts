/**
 * The limits of what the server accepts from browsers.
 *
 * @module
 */
import { checkOptions, shown } from "../../../events/checks.ts";
import * as v from "valibot";
import type { Clock } from "../../../events/clock.ts";

/** Limits of a LocalEdge's server. */
export interface LocalLimits {
  /** People in one call. Default 20. */
  people: number;
  /** Calls at the same time. Default 32. */
  calls: number;
  /**
   * Connections that belong to no participant: pages that load, and sockets that have not said hello.
   * Default 256. Beyond it the oldest one makes room; so a client that opens sockets and says nothing
   * keeps no participant out.
   */
  sockets: number;
  /**
   * The same for each address. Default 64. The loopback and the addresses of `proxies` are not
   * counted, since many clients share them.
   */
  socketsPerAddress: number;
  /** Milliseconds within which a socket must say hello. Default 5000. */
  helloMs: number;
  /** UTF-16 units of one signalling message. Default 65536. */
  messageSize: number;
  /**
   * Signalling messages a second, on average. Default 40, with bursts of four times as many. A socket that
   * sends more than four frames for each of them, or more bytes than they may have, is ended.
   */
  messagesPerSecond: number;
  /** ICE candidates of one negotiation. Default 64. */
  candidates: number;
  /** Video streams of others that one person receives. Default 4, at most 8. */
  videos: number;
  /** Milliseconds within which a browser whose network was cut must come back. Default 6000. */
  graceMs: number;
}

/** The limits' shape, for the way to the media process. */
export const localLimits = v.object({
  people: v.number(),
  calls: v.number(),
  sockets: v.number(),
  socketsPerAddress: v.number(),
  helloMs: v.number(),
  messageSize: v.number(),
  messagesPerSecond: v.number(),
  candidates: v.number(),
  videos: v.number(),
  graceMs: v.number(),
});

/** The limits of a server whose program sets none. */
export const DEFAULT_LIMITS: Readonly<LocalLimits> = {
  people: 20,
  calls: 32,
  sockets: 256,
  socketsPerAddress: 64,
  helloMs: 5000,
  messageSize: 65_536,
  messagesPerSecond: 40,
  candidates: 64,
  videos: 4,
  graceMs: 6000,
};

/** Returns the limits with defaults filled in; throws a TypeError or a RangeError for a wrong one. */
export function checkLimits(given: Partial<LocalLimits> = {}): LocalLimits {
  checkOptions(given, "limits", DEFAULT_LIMITS);
  const limits = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const least = name === "videos" || name === "graceMs" ? 0 : 1;
    if (!Number.isInteger(value) || value < least) {
      throw new RangeError(
        `limits.${name}: expected an integer of at least ${least}, got ${shown(value)}`,
      );
    }
    limits[name as keyof LocalLimits] = value;
  }
  if (limits.videos > 8) {
    throw new RangeError(`limits.videos: expected at most 8, got ${limits.videos}`);
  }
  return limits;
}

/** A token bucket: `perSecond` on average, with bursts of four seconds' worth. */
export class RateLimit {
  readonly #burst: number;
  #tokens: number;
  #filledAt: number;

  constructor(private readonly clock: Clock, private readonly perSecond: number) {
    this.#burst = perSecond * 4;
    this.#tokens = this.#burst;
    this.#filledAt = clock.now();
  }

  /** Takes one token, or several; returns `false` when there are too few. */
  take(count = 1): boolean {
    const now = this.clock.now();
    this.#tokens = Math.min(
      this.#burst,
      this.#tokens + (now - this.#filledAt) / 1000 * this.perSecond,
    );
    this.#filledAt = now;
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }
}
