import { assertEquals, assertThrows } from "@std/assert";
import { LatestVideoTrack } from "../../../src/edge/toolkit/latest_video_track.ts";
import { type VideoFrame, videoFrameSize } from "../../../src/edge/video_frame.ts";

function frame(n: number): VideoFrame {
  return { format: "RGBA", width: 1, height: 1, data: new Uint8Array(4), timestampMs: n };
}

Deno.test("a reader that iterates slowly gets the latest frame and none before it", async () => {
  const track = new LatestVideoTrack();
  const frames = track[Symbol.asyncIterator]();
  track.push(frame(1));
  assertEquals((await frames.next()).value?.timestampMs, 1);
  for (const n of [2, 3, 4]) track.push(frame(n));
  assertEquals((await frames.next()).value?.timestampMs, 4);
  const waiting = frames.next();
  track.push(frame(5));
  assertEquals((await waiting).value?.timestampMs, 5);
});

Deno.test("several look at one track, each at its own pace, from the latest frame on", async () => {
  const track = new LatestVideoTrack();
  track.push(frame(1));
  const early = track[Symbol.asyncIterator]();
  await early.next();
  track.push(frame(2));
  const late = track[Symbol.asyncIterator]();
  assertEquals((await late.next()).value?.timestampMs, 2);
  assertEquals((await early.next()).value?.timestampMs, 2);
  assertEquals(track.consumers, 2);
  await early.return();
  assertEquals(track.consumers, 1);
});

Deno.test("closing ends every iteration, after the latest frame, and tells once", async () => {
  let closed = 0;
  const track = new LatestVideoTrack({ onClose: () => closed++ });
  const seen: number[] = [];
  const looking = (async () => {
    for await (const one of track) seen.push(one.timestampMs);
  })();
  track.push(frame(1));
  track.close();
  track.close();
  await looking;
  assertEquals(seen, [1]);
  assertEquals([closed, track.consumers], [1, 0]);
  track.push(frame(2));
  assertEquals(track.latest?.timestampMs, 1);
});

Deno.test("a frame must be as long as its format and size say", () => {
  const track = new LatestVideoTrack();
  const short = { ...frame(1), format: "I420" as const, width: 3, height: 3 };
  const message = "data: expected 17 bytes of I420 at 3 x 3, got 4";
  assertThrows(() => track.push(short), RangeError, message);
  assertEquals(videoFrameSize("I420", 640, 360), 640 * 360 * 3 / 2);
});

/** What is no frame, with what is said of it. */
const wrong: [part: object | undefined, type: typeof TypeError, message: string][] = [
  [{ data: new Uint8ClampedArray(4) }, TypeError, "data: expected a Uint8Array, got a Uint8Cl"],
  [{ data: new Uint16Array(4) }, TypeError, "data: expected a Uint8Array, got a Uint16Array"],
  [{ data: [0, 0, 0, 0] }, TypeError, "data: expected a Uint8Array, got an Array"],
  [{ data: new ArrayBuffer(4) }, TypeError, "data: expected a Uint8Array, got an ArrayBuffer"],
  [{ data: "four" }, TypeError, "data: expected a Uint8Array, got a string"],
  [{ data: undefined }, TypeError, "data: expected a Uint8Array, got undefined"],
  [{ data: { byteLength: 4, length: 4 } }, TypeError, "data: expected a Uint8Array, got an Object"],
  [{ format: "NV12" }, TypeError, 'format: expected "RGBA" or "I420", got "NV12"'],
  [{ timestampMs: 5n }, TypeError, "timestampMs: expected a number, got 5n"],
  ...[0, -1, 0.5, NaN, Infinity, "1", undefined].flatMap((side): typeof wrong => [
    [{ width: side }, RangeError, `width, height: expected whole pixels, got ${side} x 1`],
    [{ height: side }, RangeError, `width, height: expected whole pixels, got 1 x ${side}`],
  ]),
  [{ width: 2 ** 32 + 1 }, RangeError, "data: expected 17179869188 bytes of RGBA"],
  [{ width: 2 }, RangeError, "data: expected 8 bytes of RGBA at 2 x 1, got 4"],
];

Deno.test("what is no frame is refused, saying which part of it is wrong", () => {
  const track = new LatestVideoTrack();
  for (const [part, type, message] of wrong) {
    assertThrows(() => track.push({ ...frame(1), ...part } as VideoFrame), type, message);
  }
  const none = undefined as unknown as VideoFrame;
  assertThrows(() => track.push(none), TypeError, "frame: expected a VideoFrame, got undefined");
  assertEquals(track.latest, undefined);
});
