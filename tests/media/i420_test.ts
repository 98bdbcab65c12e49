import { assertEquals } from "@std/assert";
import { videoFrameSize } from "../../src/edge/video_frame.ts";
import { fitSize, rotateI420, scaleI420 } from "../../src/media/child/i420.ts";

Deno.test("a picture is made to fit with its shape and even sides, and never larger", () => {
  assertEquals(fitSize(1920, 1080, 1280, 720), { width: 1280, height: 720 });
  assertEquals(fitSize(1920, 1080, 640, 640), { width: 640, height: 360 });
  assertEquals(fitSize(321, 241, 1280, 720), { width: 321, height: 241 });
  assertEquals(fitSize(1000, 2, 100, 100), { width: 100, height: 2 });
});

Deno.test("each plane is scaled to the mean of what it covers, odd sides too", () => {
  const from = { width: 5, height: 3, data: new Uint8Array(videoFrameSize("I420", 5, 3)) };
  from.data.fill(40, 0, 15);
  from.data.fill(90, 15, 21);
  from.data.fill(200, 21, 27);
  const to = { width: 2, height: 2, data: new Uint8Array(videoFrameSize("I420", 2, 2)) };
  scaleI420(from, to);
  assertEquals([...to.data], [40, 40, 40, 40, 90, 200]);

  const steps = { width: 4, height: 2, data: new Uint8Array(videoFrameSize("I420", 4, 2)) };
  steps.data.set([0, 10, 100, 110, 20, 30, 120, 130]);
  const half = { width: 2, height: 2, data: new Uint8Array(videoFrameSize("I420", 2, 2)) };
  scaleI420(steps, half);
  assertEquals([...half.data.subarray(0, 4)], [5, 105, 25, 125]);
});

Deno.test("a picture is turned clockwise, each plane, odd sides too", () => {
  const from = { width: 3, height: 2, data: Uint8Array.of(1, 2, 3, 4, 5, 6, 10, 11, 20, 21) };
  const turned = (rotation: number) => {
    const to = new Uint8Array(from.data.length);
    rotateI420(from, rotation, to);
    return [...to];
  };
  // 1 2 3      4 1
  // 4 5 6  ->  5 2
  //            6 3
  assertEquals(turned(90), [4, 1, 5, 2, 6, 3, 10, 11, 20, 21]);
  assertEquals(turned(180), [6, 5, 4, 3, 2, 1, 11, 10, 21, 20]);
  assertEquals(turned(270), [3, 6, 2, 5, 1, 4, 11, 10, 21, 20]);
});
