/** PNG, with no more than the platform has. @module */
import { copyPixels, type ImageEncoder } from "../contracts/image_encoder.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Each pixel less the one above it, which is the same one on most of a screen. */
const UP = 2;

/** Encodes PNG files, with what the platform has. */
export const pngEncoder: ImageEncoder = {
  mediaType: "image/png",
  async encode(pixels) {
    const { data, width, height } = copyPixels(pixels);
    const header = new DataView(new ArrayBuffer(13));
    header.setUint32(0, width);
    header.setUint32(4, height);
    header.setUint8(8, 8); // bits a channel
    header.setUint8(9, 2); // red, green and blue
    const rows = new Uint8Array(height * (1 + 3 * width));
    let at = 0;
    for (let y = 0; y < height; y++) {
      rows[at++] = UP;
      for (let x = 0; x < width; x++) {
        const pixel = 4 * (y * width + x);
        for (let channel = 0; channel < 3; channel++) {
          const above = y === 0 ? 0 : data[pixel + channel - 4 * width]!;
          rows[at++] = data[pixel + channel]! - above;
        }
      }
    }
    const packed = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"));
    const parts = [
      Uint8Array.from(SIGNATURE),
      chunk("IHDR", new Uint8Array(header.buffer)),
      chunk("IDAT", await new Response(packed).bytes()),
      chunk("IEND", new Uint8Array()),
    ];
    return await new Blob(parts).bytes();
  },
};

/** A part of the file: its length, its name, its bytes, and a checksum. */
function chunk(name: string, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(12 + bytes.length);
  const view = new DataView(whole.buffer);
  view.setUint32(0, bytes.length);
  whole.set(new TextEncoder().encode(name), 4);
  whole.set(bytes, 8);
  view.setUint32(8 + bytes.length, crc32(whole.subarray(4, 8 + bytes.length)));
  return whole;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
