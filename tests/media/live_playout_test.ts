import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { Playout } from "../../src/media/room/playout.ts";
import { TICK_MS } from "../../src/audio/grid.ts";
import { TICK_SAMPLES } from "../../src/media/wire/time.ts";

const SLOT_SAMPLES = 2 * TICK_SAMPLES;
/** As long as the room waits for a live agent. */
const WAIT_MS = 8;

/** A live source that says a slot every other tick, some time after it, as an echo does. */
class Echo {
  now = 0;
  readonly playout = new Playout({ clock: { now: () => this.now, epochMs: () => 0, schedule } });
  readonly heard: Int16Array[] = [];
  /** Ticks that had less than a whole frame. */
  gaps = 0;
  #said = 0;

  constructor() {
    this.playout.bind(1, "live", 0);
  }

  say(samples = SLOT_SAMPLES): void {
    const tone = Int16Array.from(
      { length: samples },
      (_, index) => 10_000 * Math.sin(2 * Math.PI * 300 * (this.#said + index) / 48_000),
    );
    this.#said += samples;
    this.playout.push(tone, { stream: 1, epoch: 0 });
  }

  /** One slot's two ticks. The answer to the first of them comes `delayMs` after it. */
  slot(delayMs: number): void {
    const tick = this.now;
    const waits = this.playout.expects && delayMs <= WAIT_MS;
    if (waits) {
      this.now = tick + delayMs;
      this.say();
    }
    this.#read();
    if (!waits) {
      this.now = tick + delayMs;
      this.say();
    }
    this.now = tick + TICK_MS;
    this.#read();
    this.now = tick + 2 * TICK_MS;
  }

  /** What is left when the source is about to answer: what its listeners hear too late. */
  get leadMs(): number {
    return this.playout.state().bufferedMs;
  }

  get trimmedMs(): number {
    return this.playout.state().trimmedMs;
  }

  #read(): void {
    const playedMs = this.playout.state().playedMs;
    const frame = this.playout.read();
    this.heard.push(frame?.slice() ?? new Int16Array(TICK_SAMPLES));
    if (this.playout.state().playedMs - playedMs < TICK_MS - 0.01) this.gaps++;
  }
}

function schedule(): Disposable {
  throw new Error("a playout schedules nothing");
}

/** The largest step between neighbours. */
function largestStep(parts: Int16Array[]): number {
  let largest = 0;
  let last = 0;
  for (const part of parts) {
    for (const sample of part) {
      largest = Math.max(largest, Math.abs(sample - last));
      last = sample;
    }
  }
  return largest;
}

Deno.test("what a stall left is taken out, faster the deeper it is, without a click", () => {
  const echo = new Echo();
  echo.say(10 * SLOT_SAMPLES);
  let normalAfterMs = -1;
  let trimmedBefore = 0;
  for (let slot = 0; slot < 300; slot++) {
    echo.slot(1);
    const { trimmedMs } = echo;
    if (slot < 14) assertEquals(trimmedMs, 0, "nothing is taken out before 300 ms");
    assert(trimmedMs - trimmedBefore <= 12.5, "in pieces of 12.5 ms at most");
    // 200 ms are half of the depth at which half of the time is removed.
    assert(trimmedMs <= slot * 20 * 0.275 + 12.5, `${trimmedMs} ms of ${slot * 20}`);
    trimmedBefore = trimmedMs;
    if (normalAfterMs < 0 && echo.leadMs <= 10) normalAfterMs = slot * 20;
  }
  assert(normalAfterMs > 0 && normalAfterMs < 2500, `normal after ${normalAfterMs} ms`);
  assertEquals(echo.gaps, 0);
  // A tone of 300 Hz at this level has steps of at most 393: no cut may stand out much.
  assertLess(largestStep(echo.heard), 500);
});

Deno.test("a lead that was never needed is taken out, and the room waits for the answer", () => {
  const echo = new Echo();
  echo.say(TICK_SAMPLES); // an answer in the tick's own time needs no lead at all
  for (let slot = 0; slot < 100; slot++) echo.slot(1);
  assertLess(echo.leadMs, 4);
  assert(echo.playout.expects);
  assertEquals(echo.gaps, 0);
});

Deno.test("a source that answers too late to be waited for keeps the lead that it needs", () => {
  const echo = new Echo();
  echo.say(TICK_SAMPLES);
  for (let slot = 0; slot < 100; slot++) echo.slot(9);
  assertEquals([echo.trimmedMs, echo.gaps], [0, 0]);
});

Deno.test("a source that is late now and then is given more and more time before it is trimmed", () => {
  const echo = new Echo();
  for (let slot = 0; slot < 3000; slot++) echo.slot(slot % 50 === 0 ? 9 : 1);
  // It is late once a second: 60 times. At the same patience each time would be a gap.
  assertGreater(echo.gaps, 2);
  assertLess(echo.gaps, 20);
});

Deno.test("a stall says nothing of how long a lead is needed", () => {
  const stalled = new Echo();
  for (let slot = 0; slot < 100; slot++) stalled.slot(1);
  for (let round = 0; round < 5; round++) {
    for (let tick = 0; tick < 20; tick++) {
      stalled.playout.read();
      stalled.now += TICK_MS;
    }
    stalled.say(10 * SLOT_SAMPLES);
    for (let slot = 0; slot < 100; slot++) stalled.slot(1);
  }
  for (let slot = 0; slot < 250; slot++) stalled.slot(1);
  assertLess(stalled.leadMs, 4);
  stalled.say(TICK_SAMPLES);
  for (let slot = 0; slot < 60; slot++) stalled.slot(1);
  assertLess(stalled.leadMs, 4, "a lead is taken out as soon as before");
});

Deno.test("a backlog that comes in parts is taken out soon, also after a source was late often", () => {
  const echo = new Echo();
  for (let slot = 0; slot < 2000; slot++) echo.slot(slot % 50 === 0 ? 9 : 1);
  for (let tick = 0; tick < 10; tick++) {
    echo.playout.read();
    echo.now += TICK_MS;
  }
  echo.slot(1);
  echo.say(4 * SLOT_SAMPLES);
  for (let slot = 0; slot < 75; slot++) echo.slot(1);
  assertLess(echo.leadMs, 20);
});
