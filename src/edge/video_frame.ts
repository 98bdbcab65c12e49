/** How the bytes of a {@linkcode VideoFrame} are laid out. */
export type VideoFormat =
  /** Planar 4:2:0: Y of width x height, then U and V of half the size each way, rounded up. */
  | "I420"
  /** Interleaved, four bytes a pixel. */
  | "RGBA";

/** One uncompressed picture. */
export interface VideoFrame {
  /** How the bytes are laid out. */
  readonly format: VideoFormat;
  /** Pixels. The size can change from frame to frame. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** The bytes, as many as `videoFrameSize` says. */
  readonly data: Uint8Array;
  /** Monotonic milliseconds at which the frame was taken or received. */
  readonly timestampMs: number;
}

/** The number of bytes that a frame of this format and size has. */
export function videoFrameSize(format: VideoFormat, width: number, height: number): number {
  if (format === "RGBA") return width * height * 4;
  return width * height + 2 * ((width + 1) >> 1) * ((height + 1) >> 1);
}

/**
 * A stream of pictures, to publish or to look at. Iterating gives the latest frame each time:
 * whoever is slow sees fewer frames, never old ones.
 */
export interface VideoTrack extends AsyncIterable<VideoFrame> {
  /** Unique within the connection for a subscribed track. */
  readonly id: string;
  /** Ends the iteration. Idempotent. */
  close(): void;
}
