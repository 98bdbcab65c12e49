import { assertEquals, assertNotStrictEquals, assertThrows } from "@std/assert";
import { PcmChunk, RingBuffer } from "../../src/audio/mod.ts";

Deno.test("a chunk knows its frames and how long it lasts", () => {
  const stereo = new PcmChunk(new Int16Array(960), { sampleRate: 48_000, channels: 2 });
  assertEquals(stereo.frames, 480);
  assertEquals(stereo.durationMs, 10);
  assertEquals(new PcmChunk(new Int16Array(441), { sampleRate: 22_050 }).durationMs, 20);
});

Deno.test("a chunk is a view of the samples and its clone is not", () => {
  const samples = Int16Array.of(1, 2);
  const chunk = new PcmChunk(samples, { sampleRate: 8_000 });
  const clone = chunk.clone();
  samples[0] = 9;
  assertEquals([...chunk.samples], [9, 2]);
  assertEquals([...clone.samples], [1, 2]);
});

Deno.test("mono is the rounded mean of the channels", () => {
  const samples = Int16Array.of(32767, 32767, -32768, -32768, 1, 2, -5, 5);
  const chunk = new PcmChunk(samples, { sampleRate: 8_000, channels: 2 });
  assertEquals([...chunk.toMono().samples], [32767, -32768, 2, 0]);
  const mono = chunk.toMono();
  assertNotStrictEquals(mono.toMono().samples, mono.samples);
});

Deno.test("a chunk refuses what it cannot mean, saying what it expected and what came", () => {
  const format = { sampleRate: 8_000 };
  assertThrows(
    () => new PcmChunk(new Uint8Array(2) as unknown as Int16Array, format),
    TypeError,
    "expected an Int16Array, got a Uint8Array",
  );
  assertThrows(() => new PcmChunk(null as unknown as Int16Array, format), TypeError, "got null");
  for (const sampleRate of [0, -1, 999, 384_001, 8000.5, NaN, Infinity]) {
    assertThrows(() => new PcmChunk(new Int16Array(2), { sampleRate }), RangeError, "sampleRate");
  }
  assertThrows(
    () => new PcmChunk(new Int16Array(2), { sampleRate: "16000" as unknown as number }),
    RangeError,
    "got a string",
  );
  for (const channels of [0, 9, 1.5, NaN]) {
    assertThrows(
      () => new PcmChunk(new Int16Array(2), { ...format, channels }),
      RangeError,
      "channels",
    );
  }
  assertThrows(
    () => new PcmChunk(new Int16Array(3), { ...format, channels: 2 }),
    RangeError,
    "whole frames of 2 channels, got 3 samples",
  );
});

Deno.test("up to eight channels are brought down to their mean wherever a chunk is taken", () => {
  const format = { sampleRate: 16_000, channels: 8 };
  const samples = Int16Array.from({ length: 320 * 8 }, (_, index) => 100 * (index % 8));
  const chunk = new PcmChunk(samples, format);
  assertEquals(chunk.toMono().samples[0], 350);
  using ring = new RingBuffer({ sampleRate: 16_000 });
  ring.write(chunk);
  assertEquals([...new Set(ring.read()!.samples)], [350]);
});
