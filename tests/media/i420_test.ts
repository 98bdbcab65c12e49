import { assertEquals } from "@std/assert";
import { videoFrameSize } from "../../src/edge/video_frame.ts";
import { fitSize, scaleI420 } from "../../src/media/child/i420.ts";

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
