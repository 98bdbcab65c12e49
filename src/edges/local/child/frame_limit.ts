/**
 * How much a page may send over its socket, counted before it is parsed: the parser of WebSockets responds to
 * or holds each frame of a piece, and 64 KiB are ten thousand empty ones.
 *
 * @module
 */
import type { Clock } from "../../../events/clock.ts";
import { type LocalLimits, RateLimit } from "../wire/limits.ts";

/** The most bytes that a socket may send before its hello is accepted. */
const MAX_HELLO_BYTES = 4096;
/** Frames for each message: a browser may send a long one in parts. Pages send no pings of the protocol. */
const FRAMES_PER_MESSAGE = 4;
/** The most bytes of a character in a message's limit. */
export const BYTES_PER_UNIT = 3;

/** The limit of one socket. */
export class FrameLimit {
  readonly #limits: LocalLimits;
  readonly #frames: RateLimit;
  readonly #bytes: RateLimit;
  /** Bytes that may come in all. */
  #left = MAX_HELLO_BYTES;
  /** The first bytes of a frame whose length is not known yet. */
  #head: number[] = [];
  /** Bytes of the current frame that are to come. */
  #rest = 0;

  /** Creates the limit of a socket that has said nothing. */
  constructor(clock: Clock, limits: LocalLimits) {
    const { messageSize, messagesPerSecond } = limits;
    this.#limits = limits;
    this.#frames = new RateLimit(clock, messagesPerSecond * FRAMES_PER_MESSAGE);
    this.#bytes = new RateLimit(clock, messageSize * BYTES_PER_UNIT * messagesPerSecond);
  }

  /** Records that its hello is accepted: it may send for as long as it likes. */
  admit(): void {
    this.#left = Infinity;
  }

  /** Records that this end has closed: only what was on its way may come, and the response. */
  finish(): void {
    this.#left = Math.min(this.#left, this.#limits.messageSize);
  }

  /** Returns whether a piece is within the limit. */
  take(piece: Uint8Array): boolean {
    this.#left -= piece.length;
    if (this.#left < 0 || !this.#bytes.take(piece.length)) return false;
    for (let at = 0; at < piece.length;) {
      if (this.#rest > 0) {
        const count = Math.min(this.#rest, piece.length - at);
        this.#rest -= count;
        at += count;
        continue;
      }
      this.#head.push(piece[at++]!);
      const length = bytesAfter(this.#head);
      if (length === undefined) continue;
      this.#head = [];
      this.#rest = length;
      if (!this.#frames.take()) return false;
    }
    return true;
  }
}

/** Returns how many bytes follow the head of a frame, or `undefined` while the head is incomplete. */
function bytesAfter(head: readonly number[]): number | undefined {
  if (head.length < 2) return undefined;
  const masked = head[1]! & 0x80;
  const short = head[1]! & 0x7f;
  const extended = short === 127 ? 8 : short === 126 ? 2 : 0;
  if (head.length < 2 + extended) return undefined;
  const length = extended === 0 ? short : head.slice(2).reduce((sum, byte) => sum * 256 + byte, 0);
  return length + (masked ? 4 : 0);
}
