/** Limits a stream of frames to a rate. @module */

/**
 * Drops frames to keep to a rate, by phase: whether a frame is due is measured against a fixed grid,
 * not against the frame before. Measuring against the frame before turns 20 frames a second of a
 * 30 Hz source into 15; the grid gives 20.
 */
export class FrameThrottle {
  readonly #periodMs: number;
  #dueMs = -Infinity;

  /**
   * Creates a frame throttle.
   *
   * @param fps frames per second to let through; `Infinity` lets all through
   */
  constructor(readonly fps: number) {
    if (!(fps > 0)) throw new RangeError(`fps: expected a number > 0, got ${fps}`);
    this.#periodMs = fps === Infinity ? 0 : 1000 / fps;
  }

  /** Returns whether a frame of this time is let through. Times may jitter but must not go back. */
  accept(timestampMs: number): boolean {
    if (this.#periodMs === 0) return true;
    // A frame may arrive a little early. The grid does not move, so this does not add up.
    if (timestampMs < this.#dueMs - this.#periodMs / 4) return false;
    // After a pause the grid starts anew: otherwise a burst of frames would follow.
    this.#dueMs = timestampMs - this.#dueMs > this.#periodMs
      ? timestampMs + this.#periodMs
      : this.#dueMs + this.#periodMs;
    return true;
  }
}
