import { checkObject } from "../../events/checks.ts";
import { attempt } from "../../events/user_code.ts";
import { assertVideoFrame, type VideoFrame, type VideoTrack } from "../video_frame.ts";

/**
 * A {@linkcode VideoTrack} of the frames that are pushed into it. It keeps the latest frame only:
 * whoever iterates slowly misses frames and never gets old ones. Several may iterate at once.
 *
 * @example
 * ```ts
 * import { LatestVideoTrack } from "@ringline/edge";
 *
 * const track = new LatestVideoTrack();
 * track.push({
 *   format: "RGBA",
 *   width: 2,
 *   height: 2,
 *   data: new Uint8Array(16),
 *   timestampMs: performance.now(),
 * });
 * track.close();
 * for await (const frame of track) console.log(frame.width);
 * ```
 */
export class LatestVideoTrack implements VideoTrack {
  readonly id: string;
  #latest: VideoFrame | undefined;
  #count = 0;
  #closed = false;
  #consumers = 0;
  #next = Promise.withResolvers<void>();
  readonly #onClose: (() => void) | undefined;

  /** `onClose` is called once, when the track is closed. */
  constructor(options: { id?: string; onClose?: () => void } = {}) {
    checkObject(options, "options", "an object like { id }, or nothing");
    this.id = options.id ?? crypto.randomUUID();
    this.#onClose = options.onClose;
  }

  /** Whether it is closed. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** How many are iterating right now. */
  get consumers(): number {
    return this.#consumers;
  }

  /** The latest frame, if there was one. */
  get latest(): VideoFrame | undefined {
    return this.#latest;
  }

  /**
   * Shows a frame; the track keeps it, and does not copy it, until the next. Does nothing once
   * closed. Of a published track, frames of more bytes than 4K in RGBA has (3840 * 2160 * 4) or with
   * a side of more than 65,535 pixels are not sent, which is told as an event.
   *
   * @throws {TypeError} a field of the frame is of another type.
   * @throws {RangeError} the data is not as long as the format and size say.
   */
  push(frame: VideoFrame): void {
    assertVideoFrame(frame);
    if (this.#closed) return;
    this.#latest = frame;
    this.#count++;
    this.#wake();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#wake();
    attempt(() => this.#onClose?.(), (error) => console.error(error));
  }

  /** Gives the latest frame, then each later one that is the latest when asked for. */
  async *[Symbol.asyncIterator](): AsyncGenerator<VideoFrame, void, void> {
    let seen = 0;
    this.#consumers++;
    try {
      while (true) {
        if (this.#count > seen) {
          seen = this.#count;
          yield this.#latest!;
        } else if (this.#closed) return;
        else await this.#next.promise;
      }
    } finally {
      this.#consumers--;
    }
  }

  #wake(): void {
    const woken = this.#next;
    this.#next = Promise.withResolvers();
    woken.resolve();
  }
}
