/** The contract of an image encoder. @module */
import { uint8ClampedLength } from "../../audio/typed_arrays.ts";
import { assertSides } from "../../edge/video_frame.ts";
import type { EncodedImage } from "./messages.ts";

/** A picture of four bytes a pixel. */
export interface Pixels {
  /** Red, green, blue and opacity, row by row. */
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
}

/** Encodes pixels as image files. */
export interface ImageEncoder {
  /** The format that it encodes to. */
  readonly mediaType: EncodedImage["mediaType"];
  /** Resolves with the file: within five seconds, where it is for a model to see. */
  encode(pixels: Pixels): Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Returns a copy of pixels for an encoder, which reads as many bytes as the size says: nothing else
 * is read, whatever becomes of the picture meanwhile and whatever its fields return when read again.
 *
 * @throws {TypeError} the data is no `Uint8ClampedArray`
 * @throws {RangeError} the data has another length than the size says
 */
export function copyPixels({ data, width, height }: Pixels): Pixels {
  assertSides(width, height);
  const length = uint8ClampedLength(data, "data");
  if (length !== width * height * 4) {
    throw new RangeError(
      `data: expected ${width * height * 4} bytes of ${width} x ${height} pixels, got ${length}`,
    );
  }
  return { data: new Uint8ClampedArray(data), width, height };
}
