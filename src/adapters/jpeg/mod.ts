/**
 * JPEG files of what an agent sees, by MozJPEG in WASM. The encoder is loaded with the first image,
 * and needs `--allow-read` for it.
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
import { checkObject, shown } from "../../events/checks.ts";
import { copyPixels, type ImageEncoder } from "../../inference/contracts/image_encoder.ts";

/** The longest side that the encoder takes. */
const MOST_SIDE = 65_500;
/** The largest picture: beyond it the encoder's memory, 2 GiB, may not do. */
const MOST_PIXELS = 2 ** 26;

/**
 * An encoder of JPEG files, for `vision: { encoder: jpegEncoder() }`.
 *
 * @throws {RangeError} the quality is not 1 to 100.
 */
export function jpegEncoder(options: { quality?: number } = {}): ImageEncoder {
  checkObject(options, "options", "an object like { quality: 80 }, or nothing");
  const { quality = 80 } = options;
  if (!(typeof quality === "number" && quality >= 1 && quality <= 100)) {
    throw new RangeError(`quality must be 1 to 100, got ${shown(quality)}`);
  }
  return {
    mediaType: "image/jpeg",
    async encode({ data, width, height }) {
      if (width > MOST_SIDE || height > MOST_SIDE) {
        throw new RangeError(
          `width, height: expected at most ${MOST_SIDE} pixels, got ${width} x ${height}`,
        );
      }
      if (width * height > MOST_PIXELS) {
        throw new RangeError(
          `width, height: expected at most ${MOST_PIXELS} pixels in all, got ${width} x ${height}`,
        );
      }
      // Before anything is waited for: the encoder reads it later, and does not check it. That is
      // all it reads; Deno has no ImageData of its own.
      const image = { ...copyPixels({ data, width, height }), colorSpace: "srgb" } as ImageData;
      const { encode } = await import("@jsquash/jpeg");
      try {
        // A baseline picture takes less time than the encoder's own, smaller choice.
        return new Uint8Array(await encode(image, { quality, progressive: false }));
      } catch (cause) {
        // It throws numbers and such.
        throw new Error(`the JPEG encoder failed at ${width} x ${height} pixels`, { cause });
      }
    },
  };
}
