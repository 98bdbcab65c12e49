/** A video track of pushed frames. @module */
import { checkOptions } from "../../events/checks.ts";
import { attempt } from "../../events/user_code.ts";
import { assertVideoFrame, type VideoFrame, type VideoTrack } from "../video_frame.ts";

/**
 * A {@linkcode VideoTrack} of the frames that are pushed into it. It keeps only the latest frame:
 * a slow consumer misses frames and never gets old ones. Several consumers may iterate concurrently.
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

  /** Creates a track. `onClose` is called once, when the track is closed. */
  constructor(options: { id?: string; onClose?: () => void } = {}) {
    checkOptions(
      options,
      "options",
      { id: true, onClose: true },
      "an object like { id }, or nothing",
    );
    this.id = options.id ?? crypto.randomUUID();
    this.#onClose = options.onClose;
  }

  /** Whether it is closed. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** The number of consumers that iterate now. */
  get consumers(): number {
    return this.#consumers;
  }

  /** The latest frame, if there was one. */
  get latest(): VideoFrame | undefined {
    return this.#latest;
  }

  /**
   * Pushes a frame as the latest. The track keeps it, without a copy, until the next one. Does nothing once
   * closed. An edge does not send frames of more bytes than 4K in RGBA (3840 * 2160 * 4) or with a side
   * of more than 65,535 pixels, and emits an error event instead.
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

  /** Yields the latest frame, then whichever is the latest each time the consumer asks. */
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
