/** Video frames and tracks. @module */
import { uint8Length } from "../audio/typed_arrays.ts";
import { checkOptions, shown } from "../events/checks.ts";

/** The layout of the bytes of a {@linkcode VideoFrame}. */
export type VideoFormat =
  /** Planar 4:2:0: Y of width x height, then U and V of half the size each way, rounded up. */
  | "I420"
  /** Interleaved, four bytes a pixel. */
  | "RGBA";

/** One uncompressed frame of video. */
export interface VideoFrame {
  /** The layout of the bytes. */
  readonly format: VideoFormat;
  /** The width in pixels. The size can change from frame to frame. */
  readonly width: number;
  /** The height in pixels. */
  readonly height: number;
  /** The bytes: their number is `videoFrameSize`. */
  readonly data: Uint8Array;
  /** Monotonic milliseconds at which the frame was taken or received. */
  readonly timestampMs: number;
}

/**
 * What a subscriber takes of a video track at most: an edge does not ask its service for more. What is
 * left out is up to the edge.
 */
export interface VideoLimits {
  /** Frames a second, 0.1 to 60. */
  fps?: number;
  /** Pixels; larger frames are scaled down and keep their shape. */
  maxWidth?: number;
  /** Pixels. */
  maxHeight?: number;
}

/**
 * Throws unless an edge can keep to these limits.
 *
 * @throws {RangeError} `fps` is not from 0.1 to 60, or a side is not a whole number from 1 to 8192
 */
export function checkVideoLimits(limits: VideoLimits): void {
  checkOptions(limits, "limits", { fps: true, maxWidth: true, maxHeight: true });
  const { fps = 1, maxWidth = 1, maxHeight = 1 } = limits;
  if (!(fps >= 0.1 && fps <= 60)) {
    throw new RangeError(`fps: expected 0.1 to 60, got ${shown(fps)}`);
  }
  for (const [name, side] of Object.entries({ maxWidth, maxHeight })) {
    if (Number.isInteger(side) && side >= 1 && side <= 8192) continue;
    throw new RangeError(`${name}: expected 1 to 8192 whole pixels, got ${shown(side)}`);
  }
}

/** Returns the number of bytes of a frame of this format and size. */
export function videoFrameSize(format: VideoFormat, width: number, height: number): number {
  if (format !== "RGBA" && format !== "I420") {
    throw new TypeError(`format: expected "RGBA" or "I420", got ${shown(format)}`);
  }
  if (format === "RGBA") return width * height * 4;
  return width * height + 2 * ((width + 1) >> 1) * ((height + 1) >> 1);
}

/**
 * Throws unless a frame is what its type says, since code that reads its data relies on that.
 *
 * @throws {TypeError} `frame` is not a frame, or a field has another type
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

/** Throws a `RangeError` unless width and height are integers of at least 1. */
export function assertSides(width: number, height: number): void {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new RangeError(`width, height: expected whole pixels, got ${width} x ${height}`);
  }
}

/**
 * A stream of frames, published or subscribed to. Iterating yields the latest frame each time: a slow
 * consumer gets fewer frames, never old ones.
 */
export interface VideoTrack extends AsyncIterable<VideoFrame> {
  /** Unique within the connection for a subscribed track. */
  readonly id: string;
  /** Ends the iteration. Idempotent. */
  close(): void;
}
