/** Turns a video frame into RGBA of the size that is needed. @module */
import { assertVideoFrame, type VideoFrame } from "../../edge/video_frame.ts";
import type { Pixels } from "../contracts/image_encoder.ts";

/**
 * A frame as RGBA, made smaller so that its longer side is at most `maxSide`. Each pixel is the mean
 * of those that it stands for, so that writing on a screen stays legible.
 *
 * @throws {TypeError | RangeError} `frame` is not what its type says.
 */
export function pixelsOf(frame: VideoFrame, maxSide = Infinity): Pixels {
  assertVideoFrame(frame);
  const scale = Math.max(1, Math.max(frame.width, frame.height) / maxSide);
  const width = Math.max(1, Math.round(frame.width / scale));
  const height = Math.max(1, Math.round(frame.height / scale));
  const data = new Uint8ClampedArray(width * height * 4);
  const sum = [0, 0, 0];
  for (let y = 0; y < height; y++) {
    const top = Math.trunc(y * frame.height / height);
    const bottom = Math.max(top + 1, Math.trunc((y + 1) * frame.height / height));
    for (let x = 0; x < width; x++) {
      const left = Math.trunc(x * frame.width / width);
      const right = Math.max(left + 1, Math.trunc((x + 1) * frame.width / width));
      sum.fill(0);
      for (let row = top; row < bottom; row++) {
        for (let column = left; column < right; column++) addPixel(frame, column, row, sum);
      }
      const count = (bottom - top) * (right - left);
      const at = (y * width + x) * 4;
      for (let channel = 0; channel < 3; channel++) data[at + channel] = sum[channel]! / count;
      data[at + 3] = 255;
    }
  }
  return { data, width, height };
}

/** Adds a pixel's red, green and blue. */
function addPixel(frame: VideoFrame, x: number, y: number, sum: number[]): void {
  const { data, width, height } = frame;
  if (frame.format === "RGBA") {
    const at = (y * width + x) * 4;
    for (let channel = 0; channel < 3; channel++) sum[channel]! += data[at + channel]!;
    return;
  }
  // BT.601, limited range: what WebRTC sends.
  const chromaWidth = (width + 1) >> 1;
  const chroma = width * height + (y >> 1) * chromaWidth + (x >> 1);
  const luma = 1.164 * (data[y * width + x]! - 16);
  const u = data[chroma]! - 128;
  const v = data[chroma + chromaWidth * ((height + 1) >> 1)]! - 128;
  sum[0]! += clamp(luma + 1.596 * v);
  sum[1]! += clamp(luma - 0.392 * u - 0.813 * v);
  sum[2]! += clamp(luma + 2.017 * u);
}

function clamp(value: number): number {
  return Math.max(0, Math.min(255, value));
}
