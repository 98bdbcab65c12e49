import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { decodeWav, readWav, readWavHeader, wavHeader, writeWav } from "../../src/audio/wav.ts";
import { silence, tone } from "../../src/testing/sounds.ts";

Deno.test("a WAV that was written reads as it was", () => {
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

Deno.test("bytes that are no WAV are a RangeError, whatever they are", () => {
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

Deno.test("what is no chunk is not written to a WAV, and what is no bytes not read", () => {
  const samples = new Uint8Array(960);
  const plain = { samples, sampleRate: 48_000, channels: 1 } as unknown as PcmChunk;
  assertThrows(() => writeWav(plain), TypeError, "pcm: expected a PcmChunk, got an Object");
  for (const bytes of [new Int16Array(400), new ArrayBuffer(400), "RIFF"] as unknown[]) {
    assertThrows(() => readWav(bytes as Uint8Array), TypeError, "bytes: expected a Uint8Array");
  }
});

Deno.test("WAVs of other sample formats are read as 16 bits", () => {
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

Deno.test("a WAV that is written and read in pieces is the WAV of the whole", () => {
  const pcm = new PcmChunk(Int16Array.from({ length: 1000 }, (_, n) => n * 7), {
    sampleRate: 44_100,
    channels: 2,
  });
  const whole = writeWav(pcm);
  assertEquals(whole.slice(0, 44), wavHeader(pcm, 2000));
  let mostRead = 0;
  const header = readWavHeader((at, length) => {
    mostRead = Math.max(mostRead, length);
    return whole.subarray(at, at + length);
  });
  assert(mostRead <= 26, "only the header is read");
  const { dataStart, dataBytes } = header;
  assertEquals([dataStart, dataBytes, header.encoding, header.bits], [44, 2000, "integer", 16]);
  // Cut within a frame: what is whole is decoded.
  const [first, rest] = [decodeWav(whole.subarray(44, 443), header), 44 + 396];
  const second = decodeWav(whole.subarray(rest), header);
  assertEquals([first.frames, second.frames, second.channels], [99, 401, 2]);
  assertEquals(new Int16Array([...first.samples, ...second.samples]), pcm.samples);
});

Deno.test("chunks of a WAV that are not known are passed over, and what is cut off is told", () => {
  const good = writeWav(new PcmChunk(Int16Array.of(1, 2, 3), { sampleRate: 8000 }));
  const list = new TextEncoder().encode("LIST\x03\0\0\0abc\0");
  const bytes = new Uint8Array([...good.slice(0, 12), ...list, ...good.slice(12)]);
  assertEquals(readWav(bytes).samples, Int16Array.of(1, 2, 3));
  assertEquals(readWav(bytes.slice(0, -1)).samples, Int16Array.of(1, 2));
  assertThrows(() => readWav(bytes.slice(0, 40)), RangeError, "cut off");
  assertThrows(() => readWav(bytes.slice(0, 50)), RangeError, "with data, got none");
});

Deno.test("an extensible WAV is what its sub-format says, and 16-bit PCM where it says nothing", () => {
  const read = (subFormat: number | undefined, bits: number) => {
    const length = subFormat === undefined ? 16 : 40;
    const bytes = new Uint8Array(12 + 8 + length + 8 + 4);
    bytes.set(writeWav(silence(1, { sampleRate: 4000 })).subarray(0, 36));
    const view = new DataView(bytes.buffer);
    view.setUint32(16, length, true);
    view.setUint16(20, 0xfffe, true);
    view.setUint16(34, bits, true);
    if (subFormat !== undefined) view.setUint16(20 + 24, subFormat, true);
    bytes.set(new TextEncoder().encode("data\x04\0\0\0"), 20 + length);
    view.setInt32(28 + length, 0x3f000000, true);
    return [...readWav(bytes).samples];
  };
  assertEquals(read(1, 16), [0, 0x3f00]);
  assertEquals(read(undefined, 16), [0, 0x3f00]);
  assertEquals(read(3, 32), [16_384]);
  assertThrows(() => read(undefined, 32), RangeError, "format 65534 with 32 bits");
  assertThrows(() => read(6, 16), RangeError, "format 6");
});

Deno.test("the header of a WAV that cannot be is refused", () => {
  const format = { sampleRate: 48_000, channels: 2 };
  for (const bytes of [-4, 3, 6, NaN, 2 ** 32 - 36]) {
    assertThrows(() => wavHeader(format, bytes), RangeError, `dataBytes: expected whole frames`);
  }
  assertThrows(() => wavHeader({ ...format, channels: 9 }, 0), RangeError, "channels");
});
