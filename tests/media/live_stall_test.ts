/** How a live playout catches up with its source after the agent's program stood still for seconds. */
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import fc from "fast-check";
import { TICK_MS } from "../../src/audio/grid.ts";
import { rms } from "../../src/audio/level.ts";
import { Playout } from "../../src/media/room/playout.ts";
import { TICK_SAMPLES } from "../../src/media/wire/time.ts";
import { speech } from "../fixtures/speech.ts";

const RATE = 48_000;
const BLOCK_MS = 3000;
/** How long after a tick the source says its slot: longer than a room waits for it. */
const ANSWER_MS = 9;

/** A live source whose program can stand still: what it says waits, and comes together. */
class StallingSource {
  now = 0;
  readonly playout = new Playout({ clock: { now: () => this.now, epochMs: () => 0, schedule } });
  readonly heard: Int16Array[] = [];
  /** Ticks without a whole frame. */
  gaps = 0;
  pushed = 0;
  readonly #sound: Int16Array;

  constructor(sound: Int16Array) {
    this.#sound = sound;
    this.playout.bind(1, "live", 0);
  }

  /** The source says a slot every other tick, and has said `ms` more. */
  go(ms: number): void {
    for (let tick = 0; tick < ms / TICK_MS; tick++) {
      this.#read();
      this.now += ANSWER_MS;
      if (tick % 2 === 0) this.#say(2 * TICK_SAMPLES);
      this.now += TICK_MS - ANSWER_MS;
    }
  }

  /** Says nothing for `ms`, then all of it in parts, each `partEveryMs` after the one before. */
  block(ms: number, { parts = 1, partEveryMs = 0 } = {}): void {
    this.#wait(ms);
    let slots = ms / (2 * TICK_MS);
    for (let part = parts; part > 0; part--) {
      const share = Math.round(slots / part);
      slots -= share;
      for (let slot = 0; slot < share; slot++) this.#say(2 * TICK_SAMPLES);
      if (part === 1) break;
      this.#wait(partEveryMs);
      slots += partEveryMs / (2 * TICK_MS);
    }
  }

  #wait(ms: number): void {
    for (let tick = 0; tick < ms / TICK_MS; tick++) {
      this.#read();
      this.now += TICK_MS;
    }
  }

  get bufferedMs(): number {
    return this.playout.state().bufferedMs;
  }

  get trimmedMs(): number {
    return this.playout.state().trimmedMs;
  }

  /** What was heard from the tick `from` on. */
  heardFrom(from: number): Int16Array {
    const frames = this.heard.slice(from);
    return Int16Array.from(
      { length: frames.length * TICK_SAMPLES },
      (_, index) => frames[Math.floor(index / TICK_SAMPLES)]![index % TICK_SAMPLES]!,
    );
  }

  #say(samples: number): void {
    const part = Int16Array.from(
      { length: samples },
      (_, index) => this.#sound[(this.pushed + index) % this.#sound.length]!,
    );
    this.pushed += samples;
    this.playout.push(part, { stream: 1, epoch: 0 });
  }

  #read(): void {
    const { playedMs } = this.playout.state();
    const frame = this.playout.read();
    this.heard.push(frame?.slice() ?? new Int16Array(TICK_SAMPLES));
    if (this.playout.state().playedMs - playedMs < TICK_MS - 0.01) this.gaps++;
  }
}

function schedule(): Disposable {
  throw new Error("a playout schedules nothing");
}

function sound(ms: number, level: (index: number) => number): Int16Array {
  return Int16Array.from({ length: ms * RATE / 1000 }, (_, index) => level(index));
}

function noise(level: number): (index: number) => number {
  let state = 7;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.round((state / 2 ** 31 - 1) * level);
  };
}

/** A word of 220 Hz every 0.7 s, with noise 45 dB below full scale between them. */
const hiss = noise(180);
const words = sound(700, (index) => {
  const word = index < 0.2 * RATE ? 9000 * Math.sin(2 * Math.PI * 220 * index / RATE) : 0;
  return Math.round(word) + hiss(index);
});

const sounds: Record<string, () => Int16Array | Promise<Int16Array>> = {
  "a tone": () => sound(1000, (index) => Math.round(9000 * Math.sin(index * Math.PI / 80))),
  "speech without a pause": speech,
  "words with pauses": () => words,
  "noise": () => sound(997, noise(6000)),
  "silence": () => new Int16Array(RATE),
};

for (const [name, make] of Object.entries(sounds)) {
  Deno.test(`Playout is in time again 5 s after a block of 3 s: ${name}`, async () => {
    const source = new StallingSource(await make());
    source.go(2000);
    const beforeMs = source.bufferedMs;
    source.block(BLOCK_MS);
    const { gaps } = source;
    source.go(5000);
    assertLess(source.bufferedMs, beforeMs + 20, "within 20 ms of before");
    assertEquals(source.gaps, gaps, "nothing was taken that was needed");
    const { playedMs, trimmedMs, bufferedMs } = source.playout.state();
    assertEquals(
      Math.round((playedMs + trimmedMs + bufferedMs) * 48),
      source.pushed,
      "all counted",
    );
  });
}

Deno.test("Playout is in time again 5 s after a block whose backlog comes in parts", async () => {
  for (const [parts, partEveryMs] of [[3, 100], [3, 360], [6, 200]] as const) {
    const source = new StallingSource(await speech());
    source.go(2000);
    const beforeMs = source.bufferedMs;
    source.block(BLOCK_MS, { parts, partEveryMs });
    source.go(5000 - (parts - 1) * partEveryMs);
    assertLess(source.bufferedMs, beforeMs + 20, `${parts} parts, ${partEveryMs} ms`);
  }
});

Deno.test("Playout takes pauses first: every word of the block is heard", () => {
  const source = new StallingSource(words);
  source.go(2100);
  const from = source.heard.length;
  source.block(2100);
  source.go(7700);
  let heardWords = 0;
  let wasLoud = false;
  const heard = source.heardFrom(from);
  for (let at = 0; at + TICK_SAMPLES <= heard.length; at += TICK_SAMPLES) {
    const loud = rms(heard.subarray(at, at + TICK_SAMPLES)) > 0.05;
    if (loud && !wasLoud) heardWords++;
    wasLoud = loud;
  }
  // 9.8 s of words, one every 0.7 s.
  assertEquals(heardWords, 14);
  assertLess(source.bufferedMs, 40);
});

Deno.test("Playout drops the middle beyond a second, once, and plays the beginning and the end", () => {
  // Each tenth of a second has its own level, which tells where a sound comes from.
  const steps = sound(60_000, (index) => {
    const step = Math.floor(index / 4800);
    return Math.round((2000 + 80 * (step % 100)) * Math.sin(index * Math.PI / 40));
  });
  const source = new StallingSource(steps);
  source.go(2000);
  source.block(BLOCK_MS);
  const levels: number[] = [];
  let dropped = 0;
  for (let n = 0; n < 100; n++) {
    const { trimmedMs } = source;
    source.go(20);
    const taken = source.trimmedMs - trimmedMs;
    if (taken > 100) levels.push(n), dropped = taken;
  }
  assertEquals(levels.length, 1, "one cut");
  assert(dropped > 1500 && dropped < 2100, `${dropped} ms`);
});

Deno.test("Playout keeps speech clean while it catches up", async () => {
  const original = await speech();
  const source = new StallingSource(original);
  source.go(1000);
  source.block(800);
  const from = source.heard.length;
  source.go(3500);
  const heard = source.heardFrom(from + 35);
  // Each 20 ms of what is heard is found again in the original, shifted and otherwise the same.
  const block = 960;
  const found: number[] = [];
  for (let at = 0; at + block <= heard.length; at += 4 * block) {
    const part = heard.subarray(at, at + block);
    if (rms(part) > 0.02) found.push(bestMatch(part, original));
  }
  found.sort((a, b) => a - b);
  assertGreater(found.length, 20);
  assertGreater(found[Math.floor(found.length / 10)]!, 0.9, "the worst tenth");
  assertGreater(found[Math.floor(found.length / 2)]!, 0.98, "the median");
});

/** The largest normalised correlation of a part with any place of a recording that repeats. */
function bestMatch(part: Int16Array, recording: Int16Array): number {
  let best = 0;
  // A coarse search on every eighth sample, then a fine one around the best place.
  let place = 0;
  for (let at = 0; at < recording.length; at += 4) {
    const match = correlation(part, recording, at, 16);
    if (match > best) [best, place] = [match, at];
  }
  for (let at = place - 4; at <= place + 4; at++) {
    best = Math.max(best, correlation(part, recording, at, 1));
  }
  return best;
}

function correlation(part: Int16Array, recording: Int16Array, at: number, step: number): number {
  let product = 0, one = 1, other = 1;
  const { length } = recording;
  for (let index = 0; index < part.length; index += step) {
    const [a, b] = [part[index]!, recording[(at + index + length) % length]!];
    product += a * b;
    one += a * a;
    other += b * b;
  }
  return product / Math.sqrt(one * other);
}

Deno.test("Playout catches up and counts everything, whatever the blocks", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ block: fc.nat(300), go: fc.nat(200) }), { maxLength: 5 }),
      fc.constantFrom(words, sound(1000, noise(4000))),
      (steps, what) => {
        const source = new StallingSource(what);
        source.go(1000);
        const beforeMs = source.bufferedMs;
        for (const { block, go } of steps) {
          source.block(20 * block);
          source.go(20 * go);
        }
        source.go(5000);
        assertLess(source.bufferedMs, beforeMs + 20);
        const { playedMs, trimmedMs, bufferedMs } = source.playout.state();
        assertEquals(Math.round((playedMs + trimmedMs + bufferedMs) * 48), source.pushed);
      },
    ),
    { numRuns: Number(Deno.env.get("FUZZ_RUNS") ?? 10_000) / 1000 },
  );
});

Deno.test("a paused live playout keeps the latest ten seconds at most, and is not compressed", () => {
  const source = new StallingSource(words);
  source.go(1000);
  source.playout.pause();
  source.go(4000);
  assertEquals(source.trimmedMs, 0);
  source.go(20_000);
  assertLess(source.bufferedMs, 10_001);
  source.playout.resume();
  source.go(5000);
  assertLess(source.bufferedMs, 60);
});
