import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { audibleMs } from "../../src/testing/conformance/fixture.ts";
import { Random } from "../../src/testing/random.ts";
import { concatenate, silence, speechLike, tone } from "../../src/testing/sounds.ts";
import { readWav, writeWav } from "../../src/testing/wav.ts";

Deno.test("readWav returns what writeWav wrote", () => {
  fc.assert(fc.property(
    fc.int16Array({ maxLength: 500 }),
    fc.integer({ min: 1, max: 8 }),
    fc.constantFrom(8000, 16_000, 44_100, 48_000),
    (values, channels, sampleRate) => {
      const samples = values.subarray(0, values.length - values.length % channels);
      const read = readWav(writeWav(new PcmChunk(samples, { sampleRate, channels })));
      assertEquals([read.sampleRate, read.channels], [sampleRate, channels]);
      assertEquals(read.samples, samples);
    },
  ));
});

Deno.test("readWav throws a RangeError for bytes that are not a WAV", () => {
  const good = writeWav(tone(10));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 6 }),
      fc.nat(400),
      (changes, length) => {
        const bytes = good.slice(0, length);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        try {
          readWav(bytes);
        } catch (error) {
          assert(error instanceof RangeError, String(error));
        }
      },
    ),
    { numRuns: 10_000 },
  );
});

Deno.test("writeWav and readWav throw a TypeError for wrong arguments", () => {
  const samples = new Uint8Array(960);
  const plain = { samples, sampleRate: 48_000, channels: 1 } as unknown as PcmChunk;
  assertThrows(() => writeWav(plain), TypeError, "pcm: expected a PcmChunk, got an Object");
  for (const bytes of [new Int16Array(400), new ArrayBuffer(400), "RIFF"] as unknown[]) {
    assertThrows(() => readWav(bytes as Uint8Array), TypeError, "bytes: expected a Uint8Array");
  }
});

Deno.test("readWav converts other sample formats to 16 bits", () => {
  const write = (kind: number, bits: number, put: (view: DataView, at: number) => void) => {
    const bytes = writeWav(silence(1, { sampleRate: 4000 }));
    const view = new DataView(bytes.buffer);
    view.setUint16(20, kind, true);
    view.setUint16(34, bits, true);
    view.setUint32(40, bits / 8, true);
    put(view, 44);
    return readWav(bytes).samples[0];
  };
  assertEquals(write(1, 8, (view, at) => view.setUint8(at, 128 + 64)), 16_384);
  assertEquals(write(1, 24, (view, at) => view.setInt16(at + 1, -500, true)), -500);
  assertEquals(write(1, 32, (view, at) => view.setInt32(at, 1000 * 65_536, true)), 1000);
  assertEquals(write(3, 32, (view, at) => view.setFloat32(at, -0.5, true)), -16_384);
  assertEquals(write(3, 64, (view, at) => view.setFloat64(at, 7, true)), 32_767);
  assertThrows(() => write(2, 16, () => {}), RangeError, "format 2");
});

Deno.test("tone has its frequency, level and length; speechLike is never silent for long", () => {
  const sound = tone(1000, { frequencyHz: 1000, amplitude: 10_000 });
  assertEquals(sound.durationMs, 1000);
  let crossings = 0;
  for (let n = 1; n < sound.samples.length; n++) {
    if (sound.samples[n - 1]! < 0 && sound.samples[n]! >= 0) crossings++;
  }
  assertAlmostEquals(crossings, 1000, 1);
  assertEquals(Math.max(...sound.samples), 10_000);
  const speech = speechLike(10_000, { seed: 3 });
  assert(audibleMs(speech) > 9000);
  assertEquals(speechLike(100, { seed: 3 }).samples, speechLike(100, { seed: 3 }).samples);
  assert(
    speechLike(100, { seed: 3 }).samples.join() !== speechLike(100, { seed: 4 }).samples.join(),
  );
  const both = concatenate(tone(100), silence(50));
  assertEquals([both.durationMs, both.samples.at(-1)], [150, 0]);
  assertThrows(() => concatenate(tone(10), tone(10, { channels: 2 })), RangeError, "2 channels");
});

Deno.test("Random is uniform, and a fork is independent", () => {
  const random = new Random(5);
  const counts = new Array(10).fill(0);
  for (let n = 0; n < 100_000; n++) counts[Math.floor(random.next() * 10)]++;
  for (const count of counts) assertAlmostEquals(count, 10_000, 400);
  assert(new Random(5).fork("a").next() !== new Random(5).fork("b").next());
  assertEquals(new Random(5).fork("a").next(), new Random(5).fork("a").next());
  assertEquals(random.shuffle([1, 2, 3, 4]).toSorted(), [1, 2, 3, 4]);
  assertThrows(() => new Random(1.5), RangeError, "seed");
});
