import { assertEquals, assertThrows } from "@std/assert";
import { LatestVideoTrack } from "../../src/edge/latest_video_track.ts";
import { type VideoFrame, videoFrameSize } from "../../src/edge/video_frame.ts";

function frame(n: number): VideoFrame {
  return { format: "RGBA", width: 1, height: 1, data: new Uint8Array(4), timestampMs: n };
}

Deno.test("whoever iterates slowly gets the latest frame and none before it", async () => {
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
  const wrong = { ...frame(1), format: "I420" as const, width: 3, height: 3 };
  assertThrows(() => track.push(wrong), RangeError, "3 x 3 has 17 bytes, got 4");
  assertEquals(videoFrameSize("I420", 640, 360), 640 * 360 * 3 / 2);
});
