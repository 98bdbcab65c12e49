/** How deep the page's jitter buffer gets on a line that loses packets, by readings as a browser gives them. */
import { assertEquals, assertLess } from "@std/assert";
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
  assertEquals(lossy(depth, 5, 150), 0);
});

Deno.test("a round trip that is measured long for a moment costs no depth", () => {
  const depth = new JitterDepth();
  lossy(depth, 30, 50);
  assertEquals(lossy(depth, 3, 400), 180);
  assertEquals(lossy(depth, 3, 50), 180);
});

Deno.test("a line that loses a packet now and then does not keep the depth of its worst minute", () => {
  const depth = new JitterDepth();
  lossy(depth, 30, 20);
  for (let second = 0; second < 240; second++) {
    depth.update({ nackCount: second % 5 ? 0 : 1, concealed: 0, roundTripMs: 20 });
  }
  assertEquals(depth.targetMs, 0);
});

Deno.test("what a line needs is kept, with ever rarer tries of less", () => {
  const depth = new JitterDepth();
  const below = [0, 0, 0];
  for (let second = 0; second < 900; second++) {
    // Each burst is made up where the buffer is not as deep as it gets.
    const concealed = second % 3 || depth.targetMs === 180 ? 0 : 0.06;
    depth.update({ nackCount: 4, concealed, roundTripMs: 20 });
    if (depth.targetMs < 180) below[Math.floor(second / 300)]!++;
  }
  assertLess(below[1]!, 20);
  assertLess(below[2]!, 10);
});

Deno.test("a server that stood still is no loss, whatever is lost right after", () => {
  const depth = new JitterDepth();
  for (let second = 0; second < 3; second++) depth.update({ concealed: 1, roundTripMs: 20 });
  for (let second = 0; second < 10; second++) depth.update({ concealed: 0, roundTripMs: 20 });
  assertEquals(depth.update({ nackCount: 1, concealed: 0, roundTripMs: 20 }), 0);
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
