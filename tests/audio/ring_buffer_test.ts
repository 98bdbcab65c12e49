import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { PcmChunk, RingBuffer } from "../../src/audio/mod.ts";
import { noise, randomSource, tone } from "./signals.ts";

const mono16 = { sampleRate: 16_000 };

function chunkOf(frames: number, value: number, format: { sampleRate: number; channels?: number }) {
  return new PcmChunk(new Int16Array(frames * (format.channels ?? 1)).fill(value), format);
}

function readAll(ring: RingBuffer): number[] {
  const samples: number[] = [];
  for (let slot = ring.read(); slot !== undefined; slot = ring.read()) {
    samples.push(...slot.samples);
  }
  return samples;
}

Deno.test("chunks of any length become whole slots, in order", () => {
  using ring = new RingBuffer({ sampleRate: 16_000 });
  assertEquals(ring.capacity, 400);
  const random = randomSource(1);
  const input = noise(16_000, 2);
  let completed = 0;
  for (let start = 0; start < input.length;) {
    const end = Math.min(input.length, start + Math.floor(random() * 700));
    completed += ring.write(new PcmChunk(input.subarray(start, end), mono16));
    start = end;
  }
  assertEquals(completed, 50);
  assertEquals(ring.length, 50);
  assertEquals(readAll(ring), [...input]);
  assertEquals(ring.read(), undefined);
});

Deno.test("a full ring drops its oldest slots, counts them, and keeps the order", () => {
  using ring = new RingBuffer({ sampleRate: 1_000, slotMs: 1, capacityMs: 10 });
  const format = { sampleRate: 1_000 };
  const input = Int16Array.from({ length: 1_000 }, (_, n) => n);
  for (let start = 0; start < 1_000; start += 7) {
    ring.write(new PcmChunk(input.subarray(start, start + 7), format));
  }
  assertEquals(ring.length, 10);
  assertEquals(ring.dropped, 990);
  assertEquals(readAll(ring), [990, 991, 992, 993, 994, 995, 996, 997, 998, 999]);
  assertEquals(ring.lastRow, 999, "the numbers of the rows show the gap");
});

Deno.test("one long chunk is as good as many short ones", () => {
  for (const sampleRate of [16_000, 48_000, 44_100]) {
    using ring = new RingBuffer({ sampleRate: 16_000, capacityMs: 100 });
    using cut = new RingBuffer({ sampleRate: 16_000, capacityMs: 100 });
    const input = noise(sampleRate, 3);
    ring.write(new PcmChunk(input, { sampleRate }));
    for (let start = 0; start < input.length; start += 300) {
      cut.write(new PcmChunk(input.subarray(start, start + 300), { sampleRate }));
    }
    assertEquals(ring.dropped, 45);
    assertEquals(cut.dropped, 45);
    assertEquals(readAll(ring), readAll(cut));
  }
});

Deno.test("a ring of a single slot works", () => {
  using ring = new RingBuffer({ sampleRate: 16_000, capacityMs: 20 });
  ring.write(chunkOf(320 * 9 + 5, 4, mono16));
  assertEquals([ring.capacity, ring.length, ring.dropped], [1, 1, 8]);
  assertEquals(ring.read()?.samples, new Int16Array(320).fill(4));
});

Deno.test("stereo is counted in frames, not in samples", () => {
  using ring = new RingBuffer({ sampleRate: 48_000, channels: 2 });
  const format = { sampleRate: 48_000, channels: 2 };
  assertEquals(ring.write(chunkOf(959, 1, format)), 0);
  assertAlmostEquals(ring.openMs, 19.98, 0.01);
  assertEquals(ring.write(chunkOf(1, 1, format)), 1);
  const slot = ring.read()!;
  assertEquals([slot.frames, slot.channels, slot.durationMs], [960, 2, 20]);
});

Deno.test("a chunk of another rate and other channels is resampled into the slot", () => {
  using ring = new RingBuffer({ sampleRate: 16_000 });
  for (let n = 0; n < 10; n++) {
    const written = ring.write(chunkOf(960, 1000, { sampleRate: 48_000, channels: 2 }));
    assertEquals(written, 1, "every 20 ms fill exactly one slot");
  }
  const samples = readAll(ring);
  assertEquals(samples.slice(100), new Array(3_100).fill(1000));
});

Deno.test("a rate that changes in mid-stream is resampled, not spliced", () => {
  using ring = new RingBuffer({ sampleRate: 16_000 });
  for (const sampleRate of [48_000, 24_000, 44_100, 8_000, 48_000]) {
    const whole = tone(sampleRate / 10, { frequency: 400, sampleRate, amplitude: 10_000 });
    for (let start = 0; start < whole.length; start += sampleRate / 100) {
      ring.write(new PcmChunk(whole.subarray(start, start + sampleRate / 100), { sampleRate }));
    }
  }
  const samples = readAll(ring).slice(160);
  const steepest = 10_000 * 2 * Math.PI * 400 / 16_000;
  for (let n = 1; n < samples.length; n++) {
    assert(Math.abs(samples[n]! - samples[n - 1]!) < steepest * 1.05, `a click at ${n}`);
  }
  assert(samples.length >= 7_520, "and no sound is missing");
});

Deno.test("closing the open slot lets the tail out and fills up with silence", () => {
  using ring = new RingBuffer({ sampleRate: 16_000 });
  ring.write(chunkOf(480, 1000, { sampleRate: 48_000 }));
  assertEquals(ring.length, 0);
  ring.closeSlot();
  assertEquals(ring.length, 1);
  assertEquals(ring.openMs, 0);
  const slot = ring.read()!;
  assertEquals(slot.samples[100], 1000);
  assert(slot.samples.subarray(160, 175).some((sample) => sample > 500), "the filter's delay");
  assert(slot.samples.subarray(188).every((sample) => sample === 0), "then silence");
  ring.closeSlot();
  assertEquals(ring.length, 0, "there is nothing more to close");
});

Deno.test("slots carry the rows of the room's grid, gaps included", () => {
  using ring = new RingBuffer({ sampleRate: 16_000 });
  ring.writeSlot(new Int16Array(320).fill(1), 7);
  ring.writeSlot(new Int16Array(320).fill(2), 8);
  ring.write(chunkOf(100, 3, mono16), { rowNumber: 20 });
  ring.write(chunkOf(100, 4, mono16), { rowNumber: 20 });
  assertEquals(ring.write(chunkOf(320, 5, mono16), { rowNumber: 25 }), 2, "20 is closed, 25 full");
  ring.write(chunkOf(10, 6, mono16));
  ring.writeSlot(new Int16Array(320).fill(7), 30);
  const seen: [number, number][] = [];
  for (let slot = ring.read(); slot !== undefined; slot = ring.read()) {
    seen.push([ring.lastRow, slot.samples[0]!]);
  }
  assertEquals(seen, [[7, 1], [8, 2], [20, 3], [25, 5], [26, 6], [30, 7]]);
});

Deno.test("clear forgets everything without counting it as lost", () => {
  using ring = new RingBuffer({ sampleRate: 16_000 });
  ring.write(chunkOf(2_000, 9_000, { sampleRate: 48_000 }));
  ring.clear();
  assertEquals([ring.length, ring.dropped, ring.openMs, ring.read()], [0, 0, 0, undefined]);
  ring.write(chunkOf(960, 0, { sampleRate: 48_000 }));
  assert(readAll(ring).every((sample) => sample === 0), "not even the filter remembers");
});

Deno.test("a slot that was read stays as it is until the ring has gone round", () => {
  using ring = new RingBuffer({ sampleRate: 16_000, capacityMs: 100 });
  ring.writeSlot(new Int16Array(320).fill(1), 0);
  const view = ring.read()!;
  for (let row = 1; row <= 5; row++) ring.writeSlot(new Int16Array(320).fill(9), row);
  assertEquals(view.samples[0], 1);
  ring.writeSlot(new Int16Array(320).fill(9), 6);
  assertEquals(view.samples[0], 9);
});

Deno.test("a ring refuses what it cannot hold", () => {
  assertThrows(
    () => new RingBuffer({ sampleRate: 11_025 }),
    RangeError,
    "expected whole frames at 11025 Hz, got 20 ms = 220.5 frames",
  );
  assertThrows(() => new RingBuffer({ sampleRate: 16_000, slotMs: 0 }), RangeError, "slotMs");
  assertThrows(() => new RingBuffer({ sampleRate: 16_000, capacityMs: 10 }), RangeError);
  assertThrows(() => new RingBuffer({ sampleRate: 16_000, capacityMs: Infinity }), RangeError);
  assertThrows(() => new RingBuffer({ sampleRate: 0 }), RangeError, "sampleRate");
  const channels = 3 as unknown as 2;
  assertThrows(() => new RingBuffer({ sampleRate: 16_000, channels }), RangeError, "channels");
  using ring = new RingBuffer({ sampleRate: 16_000 });
  assertThrows(() => ring.writeSlot(new Int16Array(319), 0), RangeError, "slot of 320, got 319");
});

Deno.test("a disposed ring is an error, and disposing twice is not", () => {
  const ring = new RingBuffer({ sampleRate: 16_000 });
  ring.write(chunkOf(320, 1, mono16));
  ring[Symbol.dispose]();
  ring[Symbol.dispose]();
  assertThrows(() => ring.write(chunkOf(1, 0, mono16)), TypeError, "this is disposed");
  assertThrows(() => ring.read(), TypeError, "this is disposed");
  assertThrows(() => ring.closeSlot(), TypeError);
  assertThrows(() => ring.clear(), TypeError);
});

Deno.test("a ring refuses what is no chunk and no slot, and writes nothing", () => {
  using ring = new RingBuffer({ sampleRate: 16_000 });
  for (const samples of [new Uint8Array(640), new Float32Array(320), new Array(320), undefined]) {
    const chunk = { samples, sampleRate: 16_000, channels: 1, frames: 320 } as unknown as PcmChunk;
    assertThrows(() => ring.write(chunk), TypeError, "chunk: expected a PcmChunk, got an Object");
    const slot = samples as unknown as Int16Array;
    assertThrows(() => ring.writeSlot(slot, 0), TypeError, "samples: expected an Int16Array, got ");
  }
  assertEquals([ring.length, ring.openMs, ring.read()], [0, 0, undefined]);
});

Deno.test("a slot of a ring can be written to it again", () => {
  for (const channels of [1, 2] as const) {
    using ring = new RingBuffer({ sampleRate: 16_000, channels });
    ring.write(chunkOf(320, 7, { sampleRate: 16_000, channels }));
    ring.write(ring.read()!);
    assertEquals([...new Set(ring.read()!.samples)], [7]);
  }
});
