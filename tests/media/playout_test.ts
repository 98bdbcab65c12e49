import { assert, assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import { Playout } from "../../src/media/room/playout.ts";
import { TICK_SAMPLES } from "../../src/media/wire/time.ts";

const SECOND = 48_000;

function tone(samples: number, { from = 0, frequency = 300, level = 10_000 } = {}): Int16Array {
  return Int16Array.from(
    { length: samples },
    (_, index) => level * Math.sin(2 * Math.PI * frequency * (from + index) / SECOND),
  );
}

/** Reads so many ticks; silence is zeros. */
function read(playout: Playout, ticks: number): Int16Array {
  const all = new Int16Array(ticks * TICK_SAMPLES);
  for (let tick = 0; tick < ticks; tick++) {
    const frame = playout.read();
    if (frame) all.set(frame, tick * TICK_SAMPLES);
  }
  return all;
}

/** The largest step between neighbours. */
function largestStep(samples: Int16Array): number {
  let largest = 0;
  for (let index = 1; index < samples.length; index++) {
    largest = Math.max(largest, Math.abs(samples[index]! - samples[index - 1]!));
  }
  return largest;
}

Deno.test("what is said is played whole, in order, and only real samples are counted", () => {
  const playout = new Playout();
  playout.bind(1, "speech", 0);
  const said = tone(1000);
  playout.push(said.subarray(0, 700), { stream: 1, epoch: 0 });
  playout.push(said.subarray(700), { stream: 1, epoch: 0, final: true });
  const played = read(playout, 5);
  assertEquals(played.subarray(0, 1000), said);
  assertEquals(played.subarray(1000).every((sample) => sample === 0), true);
  assertAlmostEquals(playout.state().playedMs, 1000 / 48);
  assertEquals(playout.read(), undefined);
});

Deno.test("speech that is written far ahead is never trimmed", () => {
  const playout = new Playout();
  playout.bind(1, "speech", 0);
  const said = tone(2 * SECOND);
  playout.push(said, { stream: 1, epoch: 0 });
  assertEquals(read(playout, 200), said);
  assertEquals(playout.state().trimmedMs, 0);
});

Deno.test("more than half a minute ahead is refused: nothing that is said is dropped", () => {
  const playout = new Playout();
  playout.bind(1, "speech", 0);
  playout.push(new Int16Array(30 * SECOND), { stream: 1, epoch: 0 });
  assertThrows(() => playout.push(new Int16Array(1), { stream: 1, epoch: 0 }), RangeError);
});

Deno.test("a flush falls silent within 5 ms and without a click, and answers what was played", () => {
  const playout = new Playout();
  playout.bind(1, "speech", 0);
  playout.push(tone(SECOND), { stream: 1, epoch: 0 });
  const before = read(playout, 10);
  const result = playout.flush(1, 1);
  assertAlmostEquals(result.playedMs, 100);
  assertAlmostEquals(result.discardedMs, 900);
  const after = read(playout, 3);
  assertEquals(after.subarray(240).every((sample) => sample === 0), true);
  assert(after.subarray(0, 100).some((sample) => Math.abs(sample) > 1000), "a ramp, not a cut");
  const joined = new Int16Array([...before, ...after]);
  assertLess(largestStep(joined), 600);
  assertEquals(playout.state(), {
    stream: 1,
    epoch: 1,
    playedMs: 0,
    trimmedMs: 0,
    bufferedMs: 0,
  });
});

Deno.test("what was said before a flush and arrives after it is not played", () => {
  const playout = new Playout();
  playout.bind(1, "speech", 0);
  playout.flush(1, 1);
  playout.push(tone(480), { stream: 1, epoch: 0 });
  assertEquals(playout.depth, 0);
  assertEquals(playout.lateSamples, 480);
  playout.push(tone(480), { stream: 1, epoch: 1 });
  assertEquals(playout.depth, 480);
  // A flush that was overtaken by a later one changes nothing.
  playout.flush(1, 3);
  playout.push(tone(480), { stream: 1, epoch: 3 });
  assertEquals(playout.flush(1, 2), { playedMs: 0, discardedMs: 0 });
  assertEquals(playout.depth, 480);
});

Deno.test("another track's binding ends what the one before has left", () => {
  const playout = new Playout();
  playout.bind(1, "speech", 5);
  playout.push(tone(480), { stream: 1, epoch: 5 });
  playout.bind(2, "speech", 0);
  assertEquals(playout.depth, 0);
  playout.push(tone(480), { stream: 1, epoch: 5 });
  assertEquals(playout.depth, 0);
  playout.push(tone(480), { stream: 2, epoch: 0 });
  assertEquals(playout.depth, 480);
});

Deno.test("a pause falls silent without a click and keeps what has not been played", () => {
  const playout = new Playout();
  playout.bind(1, "speech", 0);
  playout.push(tone(SECOND), { stream: 1, epoch: 0 });
  const before = read(playout, 10);
  playout.pause();
  const paused = read(playout, 10);
  assertLess(largestStep(new Int16Array([...before, ...paused])), 600);
  assertEquals(paused.subarray(240).every((sample) => sample === 0), true);
  assertAlmostEquals(playout.state().bufferedMs, 900);
  assertAlmostEquals(playout.state().playedMs, 100);
  playout.resume();
  const rest = read(playout, 90);
  assertEquals(rest.subarray(0, 480), tone(480, { from: 4800 }));
  assertAlmostEquals(playout.state().playedMs, 1000);
});
