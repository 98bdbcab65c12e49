import type { VideoFrame } from "../../edge/video_frame.ts";
import type { EncodedImage } from "../messages.ts";
import { pixelsOf } from "./frame_pixels.ts";

/** How a frame becomes an image. */
export interface EncodeFrameOptions {
  /** Default `"image/jpeg"`. */
  mediaType?: EncodedImage["mediaType"];
  /** The longer side is at most so many pixels. Default 1024. */
  maxSide?: number;
  /** Of a JPEG, 1 to 100. Default 80. */
  quality?: number;
}

/**
 * Makes a JPEG or PNG of a frame. The encoder is loaded with the first one, and needs `--allow-read`
 * for it.
 *
 * @throws {RangeError} an option is out of range.
 */
export async function encodeFrame(
  frame: VideoFrame,
  options: EncodeFrameOptions = {},
): Promise<EncodedImage> {
  const { mediaType = "image/jpeg", maxSide = 1024, quality = 80 } = options;
  if (!(maxSide >= 1)) throw new RangeError(`maxSide must be >= 1, got ${maxSide}`);
  if (!(quality >= 1 && quality <= 100)) {
    throw new RangeError(`quality must be 1 to 100, got ${quality}`);
  }
  const { data, width, height } = pixelsOf(frame, maxSide);
  // What the encoders read of it; Deno has no ImageData of its own.
  const image = { data, width, height, colorSpace: "srgb" } as ImageData;
  const encode = mediaType === "image/jpeg" ? await jpegEncoder(quality) : await pngEncoder();
  return { mediaType, data: new Uint8Array(await encode(image)), width, height };
}

type Encode = (image: ImageData) => Promise<ArrayBuffer>;

async function jpegEncoder(quality: number): Promise<Encode> {
  const { encode } = await import("@jsquash/jpeg");
  // A baseline picture takes less time than the encoder's own, smaller choice.
  return (image) => encode(image, { quality, progressive: false });
}

async function pngEncoder(): Promise<Encode> {
  const { encode } = await import("@jsquash/png");
  return (image) => encode(image);
}
