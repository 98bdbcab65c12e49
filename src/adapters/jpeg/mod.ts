/**
 * A JPEG encoder for the frames that an agent sees: MozJPEG in WASM. The first image loads it, which
 * needs `--allow-read`.
 *
 * @example
 * ```ts
 * import { encodeFrame } from "@ringline/edge";
 * import { jpegEncoder } from "@ringline/edge/jpeg";
 *
 * const frame = {
 *   format: "RGBA",
 *   width: 2,
 *   height: 2,
 *   data: new Uint8Array(16),
 *   timestampMs: 0,
 * } as const;
 * const image = await encodeFrame(frame, { encoder: jpegEncoder() });
 * console.log(image.mediaType); // image/jpeg
 * ```
 *
 * @module
 */
import { checkOptions, shown } from "../../events/checks.ts";
import { copyPixels, type ImageEncoder } from "../../inference/contracts/image_encoder.ts";

/** The longest side that the encoder accepts. */
const MAX_SIDE = 65_500;
/** The largest image: beyond it the encoder's memory of 2 GiB may not suffice. */
const MAX_PIXELS = 2 ** 26;

/**
 * Returns an encoder of JPEG files, for `vision: { encoder: jpegEncoder() }`.
 *
 * @throws {RangeError} the quality is not 1 to 100.
 */
export function jpegEncoder(options: { quality?: number } = {}): ImageEncoder {
  checkOptions(options, "options", { quality: true }, "an object like { quality: 80 }, or nothing");
  const { quality = 80 } = options;
  if (!(typeof quality === "number" && quality >= 1 && quality <= 100)) {
    throw new RangeError(`quality: expected 1 to 100, got ${shown(quality)}`);
  }
  return {
    mediaType: "image/jpeg",
    async encode({ data, width, height }) {
      if (width > MAX_SIDE || height > MAX_SIDE) {
        throw new RangeError(
          `width, height: expected at most ${MAX_SIDE} pixels, got ${width} x ${height}`,
        );
      }
      if (width * height > MAX_PIXELS) {
        throw new RangeError(
          `width, height: expected at most ${MAX_PIXELS} pixels in all, got ${width} x ${height}`,
        );
      }
      // Copied before the first await: the encoder reads the pixels later. These fields are all that
      // it reads, and Deno has no ImageData.
      const image = { ...copyPixels({ data, width, height }), colorSpace: "srgb" } as ImageData;
      const { encode } = await import("@jsquash/jpeg");
      try {
        // A baseline image takes less time than a progressive one, the encoder's default, and more bytes.
        return new Uint8Array(await encode(image, { quality, progressive: false }));
      } catch (cause) {
        if (cause instanceof Deno.errors.NotCapable) {
          throw new Error(
            "the JPEG encoder is loaded as a file: run again with the --allow-read flag",
            {
              cause,
            },
          );
        }
        // The encoder throws numbers, too.
        throw new Error(`the JPEG encoder failed at ${width} x ${height} pixels`, { cause });
      }
    },
  };
}
