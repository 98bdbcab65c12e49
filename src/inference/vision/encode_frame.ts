/** Turns a video frame into an image for a model. @module */
import type { VideoFrame } from "../../edge/video_frame.ts";
import type { EncodedImage } from "../contracts/messages.ts";
import { checkOptions, shown } from "../../events/checks.ts";
import { promised } from "../../events/user_code.ts";
import type { ImageEncoder } from "../contracts/image_encoder.ts";
import { pixelsOf } from "./frame_pixels.ts";
import { pngEncoder } from "./png_encoder.ts";

/** The longest side of an encoded frame, unless the options say otherwise. */
export const MAX_SIDE = 1024;

/** Options for {@linkcode encodeFrame}. */
export interface EncodeFrameOptions {
  /** The longest side in pixels. Default 1024. */
  maxSide?: number;
  /**
   * The encoder. Default: PNG, which needs no package; `jpegEncoder` of
   * `@ringline/edge/jpeg` produces smaller files.
   */
  encoder?: ImageEncoder;
}

/**
 * Encodes a frame as an image, reduced where it is too large.
 *
 * @throws {TypeError} a field of the frame is of another type, or the encoder returned no
 *   bytes.
 * @throws {RangeError} `maxSide` is out of range, or the frame's data is not as long as its format
 *   and size say.
 */
export async function encodeFrame(
  frame: VideoFrame,
  options: EncodeFrameOptions = {},
): Promise<EncodedImage> {
  checkOptions(
    options,
    "options",
    { maxSide: true, encoder: true },
    "an object like { maxSide: 1024 }, or nothing",
  );
  const { maxSide = MAX_SIDE, encoder = pngEncoder } = options;
  if (!(maxSide >= 1)) throw new RangeError(`maxSide: expected >= 1, got ${maxSide}`);
  const pixels = pixelsOf(frame, maxSide);
  const data = await promised(() => encoder.encode(pixels));
  if (!(data instanceof Uint8Array)) {
    throw new TypeError(`encoder.encode: expected a Uint8Array, got ${shown(data)}`);
  }
  return { mediaType: encoder.mediaType, data, width: pixels.width, height: pixels.height };
}
