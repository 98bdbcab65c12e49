import { uint8Length } from "../audio/typed_arrays.ts";
import { shown } from "../events/checks.ts";

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
  if (format !== "RGBA" && format !== "I420") {
    throw new TypeError(`format: expected "RGBA" or "I420", got ${shown(format)}`);
  }
  if (format === "RGBA") return width * height * 4;
  return width * height + 2 * ((width + 1) >> 1) * ((height + 1) >> 1);
}

/**
 * Throws unless a frame is what its type says: what reads its data counts on it.
 *
 * @throws {TypeError} `frame` is none, or a field of it is of another type
 * @throws {RangeError} the data has another length than the size and format say
 */
export function assertVideoFrame(frame: VideoFrame): void {
  if (typeof frame !== "object" || frame === null) {
    throw new TypeError(`frame: expected a VideoFrame, got ${shown(frame)}`);
  }
  const { format, width, height, data, timestampMs } = frame;
  assertSides(width, height);
  if (typeof timestampMs !== "number") {
    throw new TypeError(`timestampMs: expected a number, got ${shown(timestampMs)}`);
  }
  const size = videoFrameSize(format, width, height);
  const length = uint8Length(data, "data");
  if (length !== size) {
    throw new RangeError(
      `data: expected ${size} bytes of ${format} at ${width} x ${height}, got ${length}`,
    );
  }
}

/** Throws a `RangeError` unless a picture has whole pixels, at least one of them. */
export function assertSides(width: number, height: number): void {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new RangeError(`width, height: expected whole pixels, got ${width} x ${height}`);
  }
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
