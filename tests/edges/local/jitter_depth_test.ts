/** How deep the page's jitter buffer gets on a line that loses packets, by readings as a browser gives them. */
import { assertEquals } from "@std/assert";
import { JitterDepth } from "../../../src/edges/local/page/client/jitter_depth.js";

/** Readings of one second each: every third one with a burst that was made up, as measured. */
function lossy(depth: JitterDepth, seconds: number, roundTripMs: number): number {
  for (let second = 0; second < seconds; second++) {
    depth.update({ nackCount: 4, concealed: second % 3 ? 0 : 0.06, roundTripMs });
  }
  return depth.targetMs;
}

Deno.test("a buffer that waits too little for what is sent again gets deeper, up to two attempts", () => {
  const depth = new JitterDepth();
  assertEquals(depth.update({ nackCount: 4, concealed: 0.06, roundTripMs: 20 }), 20);
  assertEquals(lossy(depth, 30, 20), 180);
});

Deno.test("a buffer whose packets all come in time stays as it is", () => {
  const depth = new JitterDepth();
  for (let second = 0; second < 60; second++) {
    assertEquals(depth.update({ nackCount: 4, concealed: 0, roundTripMs: 20 }), 0);
  }
});

Deno.test("sound that is made up for another reason than loss does not deepen the buffer", () => {
  const depth = new JitterDepth();
  for (let second = 0; second < 60; second++) {
    // A blocked machine, or Firefox, which asks for nothing.
    assertEquals(depth.update({ nackCount: 0, concealed: 0.1, roundTripMs: 20 }), 0);
    assertEquals(depth.update({ concealed: 0.1 }), 0);
  }
});

Deno.test("on a line that is too long for a second attempt nothing waits for it", () => {
  assertEquals(lossy(new JitterDepth(), 30, 150), 0);
  const depth = new JitterDepth();
  lossy(depth, 30, 50);
  assertEquals(lossy(depth, 1, 150), 0);
});

Deno.test("the depth goes a while after the losses", () => {
  const depth = new JitterDepth();
  lossy(depth, 30, 20);
  for (let second = 0; second < 9; second++) {
    depth.update({ nackCount: 0, concealed: 0, roundTripMs: 20 });
  }
  assertEquals(depth.targetMs, 180);
  for (let second = 0; second < 9; second++) {
    depth.update({ nackCount: 0, concealed: 0, roundTripMs: 20 });
  }
  assertEquals(depth.targetMs, 0);
});
