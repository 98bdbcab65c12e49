/** The picture that a model is shown next. @module */
import type { TrackInfo } from "../../edge/types.ts";
import type { VideoFrame } from "../../edge/video_frame.ts";
import type { Clock } from "../../events/clock.ts";
import type { EncodedImage } from "../contracts/messages.ts";
import { ClosedError } from "../../edge/errors.ts";
import { waitFor } from "../../events/waiting.ts";
import { encodeFrame, type EncodeFrameOptions } from "./encode_frame.ts";

/** A frame and its track, as {@linkcode LatestFrame} keeps them. */
export interface SeenFrame {
  readonly frame: VideoFrame;
  readonly track: TrackInfo;
}

/** Keeps the latest frame that an agent sees, and its image, encoded on demand. */
export class LatestFrame {
  readonly #clock: Clock;
  readonly #waiting = new Set<PromiseWithResolvers<SeenFrame>>();
  #latest: SeenFrame | undefined;
  #closed = false;
  #image: { of: readonly unknown[]; image: Promise<EncodedImage> } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The latest frame, while there is something to be seen. */
  get latest(): SeenFrame | undefined {
    return this.#latest;
  }

  /** Takes the next frame. */
  show(frame: VideoFrame, track: TrackInfo): void {
    this.#latest = { frame, track };
    for (const one of this.#waiting) one.resolve(this.#latest);
  }

  /** There is something else to be seen, or nothing: what was seen is gone. */
  sourceChanged(): void {
    this.#latest = this.#image = undefined;
  }

  /** Resolves with the first frame, or the latest one where there were some already. */
  async waitForFrame(
    options: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<SeenFrame> {
    options.signal?.throwIfAborted();
    if (this.#closed) throw new ClosedError("the agent");
    if (this.#latest) return this.#latest;
    const first = Promise.withResolvers<SeenFrame>();
    this.#waiting.add(first);
    try {
      return await waitFor(first.promise, "a first frame", { ...options, clock: this.#clock });
    } finally {
      this.#waiting.delete(first);
    }
  }

  /** Ends: pending waits reject. */
  close(): void {
    this.#closed = true;
    for (const one of this.#waiting) one.reject(new ClosedError("the agent"));
    this.sourceChanged();
  }

  /** The latest frame as an image; encoded once for each frame. */
  image(options: EncodeFrameOptions = {}): Promise<EncodedImage | undefined> {
    const frame = this.#latest?.frame;
    if (!frame) return Promise.resolve(undefined);
    const of = [frame, options.maxSide, options.encoder];
    if (!this.#image?.of.every((one, index) => one === of[index])) {
      this.#image = { of, image: encodeFrame(frame, options) };
    }
    return this.#image!.image;
  }
}
