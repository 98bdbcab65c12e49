/** Scales I420 pictures down, and turns them upright. @module */

/** Returns the size that fits into the limits, with the picture's shape and even sides. */
export function fitSize(
  width: number,
  height: number,
  maxWidth: number,
  maxHeight: number,
): { width: number; height: number } {
  const scale = Math.min(1, maxWidth / width, maxHeight / height);
  if (scale === 1) return { width, height };
  return { width: evenAtLeast2(width * scale), height: evenAtLeast2(height * scale) };
}

/** Scales all three planes down: each pixel is the mean of those it covers. */
export function scaleI420(
  from: { data: Uint8Array | Uint8ClampedArray; width: number; height: number },
  to: { data: Uint8Array; width: number; height: number },
): void {
  scalePlane(from.data, 0, from.width, from.height, to.data, 0, to.width, to.height);
  const fromWidth = (from.width + 1) >> 1, fromHeight = (from.height + 1) >> 1;
  const toWidth = (to.width + 1) >> 1, toHeight = (to.height + 1) >> 1;
  for (let plane = 0; plane < 2; plane++) {
    const fromAt = from.width * from.height + plane * fromWidth * fromHeight;
    const toAt = to.width * to.height + plane * toWidth * toHeight;
    scalePlane(from.data, fromAt, fromWidth, fromHeight, to.data, toAt, toWidth, toHeight);
  }
}

/** Turns all three planes clockwise by 90, 180 or 270 degrees; `to` has the size that results. */
export function rotateI420(
  from: { data: Uint8Array | Uint8ClampedArray; width: number; height: number },
  rotation: number,
  to: Uint8Array,
): void {
  const { data, width, height } = from;
  const halfWidth = (width + 1) >> 1, halfHeight = (height + 1) >> 1;
  let at = rotatePlane(data, 0, width, height, rotation, to);
  for (let plane = 0; plane < 2; plane++) {
    at = rotatePlane(data, at, halfWidth, halfHeight, rotation, to);
  }
}

/** Turns the plane at `at` of both pictures, which has as many bytes in each; returns its end. */
function rotatePlane(
  from: Uint8Array | Uint8ClampedArray,
  at: number,
  width: number,
  height: number,
  rotation: number,
  to: Uint8Array,
): number {
  const last = width * height - 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const index = y * width + x;
      // Where it goes: a row of the result is a column here, unless the picture stands on its head.
      const turned = rotation === 90 ? x * height + height - 1 - y : (width - 1 - x) * height + y;
      to[at + (rotation === 180 ? last - index : turned)] = from[at + index]!;
    }
  }
  return at + last + 1;
}

/**
 * Scales a plane. A picture of 1920 x 1080 takes 8 ms: this runs between ticks of sound, so a row's sums
 * are taken down its columns first, in loops without anything but additions.
 */
function scalePlane(
  from: Uint8Array | Uint8ClampedArray,
  fromAt: number,
  fromWidth: number,
  fromHeight: number,
  to: Uint8Array,
  toAt: number,
  toWidth: number,
  toHeight: number,
): void {
  const lefts = edges(fromWidth, toWidth);
  const tops = edges(fromHeight, toHeight);
  const sums = new Int32Array(fromWidth);
  // One type of array, or the loops are compiled for both.
  const pixels = new Uint8Array(from.buffer, from.byteOffset + fromAt, fromWidth * fromHeight);
  for (let y = 0; y < toHeight; y++) {
    const top = tops[y]!;
    const rows = Math.max(1, tops[y + 1]! - top);
    let at = top * fromWidth;
    for (let x = 0; x < fromWidth; x++) sums[x] = pixels[at++]!;
    for (let row = 1; row < rows; row++) {
      for (let x = 0; x < fromWidth; x++) sums[x] = sums[x]! + pixels[at++]!;
    }
    const line = toAt + y * toWidth;
    let left = 0;
    for (let x = 0; x < toWidth; x++) {
      const right = Math.max(left + 1, lefts[x + 1]!);
      const area = rows * (right - left);
      let sum = area >> 1;
      for (let column = left; column < right; column++) sum += sums[column]!;
      to[line + x] = sum / area;
      left = lefts[x + 1]!;
    }
  }
}

/** Returns where each pixel of a scaled side begins, and where the last one ends. */
function edges(from: number, to: number): Uint32Array {
  return Uint32Array.from({ length: to + 1 }, (_, n) => Math.floor(n * from / to));
}

function evenAtLeast2(side: number): number {
  return Math.max(2, Math.round(side / 2) * 2);
}
