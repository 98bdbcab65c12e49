/** Rings and WAV files, with anything in them. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { RingBuffer } from "../../src/audio/ring_buffer.ts";
import { readWav, writeWav } from "../../src/testing/wav.ts";
import { numRuns, withoutGrowth } from "./_fuzz.ts";

const RATES = [8000, 16_000, 22_050, 24_000, 44_100, 48_000];

/** What may be done to a ring. */
const step = fc.oneof(
  fc.record({
    do: fc.constant("write" as const),
    frames: fc.nat(700),
    rate: fc.constantFrom(...RATES),
    channels: fc.constantFrom(1 as const, 2 as const),
    row: fc.option(fc.nat(1000), { nil: undefined }),
  }),
  fc.record({ do: fc.constantFrom("read" as const, "close" as const, "clear" as const) }),
  fc.record({ do: fc.constant("slot" as const), samples: fc.nat(400), row: fc.nat(1000) }),
);

Deno.test("a ring keeps count of every slot, whatever is done to it in whatever order", () => {
  withoutGrowth(() =>
    fc.assert(
      fc.property(
        fc.constantFrom(8000, 16_000, 48_000),
        fc.integer({ min: 1, max: 8 }),
        fc.array(step, { maxLength: 25 }),
        (sampleRate, capacity, steps) => {
          using ring = new RingBuffer({ sampleRate, capacityMs: capacity * 20 });
          let [completed, taken, cleared] = [0, 0, 0];
          const slotSamples = sampleRate / 50;
          for (const one of steps) {
            const held = () => ring.length + ring.dropped + taken + cleared;
            const before = held();
            if (one.do === "write") {
              const samples = new Int16Array(one.frames * one.channels).fill(1000);
              const chunk = new PcmChunk(samples, { sampleRate: one.rate, channels: one.channels });
              completed += ring.write(chunk, { rowNumber: one.row });
            } else if (one.do === "read") {
              const slot = ring.read();
              if (slot === undefined) continue;
              taken++;
              assertEquals(slot.samples.length, slotSamples);
              assert(slot.samples.every((sample) => Math.abs(sample) <= 1500));
            } else if (one.do === "clear") {
              cleared += ring.length;
              ring.clear();
              assertEquals(ring.openMs, 0);
            } else {
              try {
                if (one.do === "slot") ring.writeSlot(new Int16Array(one.samples), one.row);
                else ring.closeSlot();
              } catch (error) {
                assert(error instanceof RangeError, String(error));
                assert(one.do === "slot" && one.samples !== slotSamples);
              }
              completed += held() - before;
            }
            assertEquals(held(), completed);
            assert(ring.length <= ring.capacity && ring.openMs < 20);
          }
        },
      ),
      { numRuns: numRuns / 2 },
    )
  );
});

Deno.test("a WAV of any bytes is read, or is a RangeError", () => {
  const good = writeWav(new PcmChunk(new Int16Array(200), { sampleRate: 16_000 }));
  const spoilt = fc.tuple(
    fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 8 }),
    fc.nat(good.length),
    fc.uint8Array({ maxLength: 60 }),
  ).map(([changes, length, tail]) => {
    const bytes = new Uint8Array(length + tail.length);
    bytes.set(good.subarray(0, length));
    bytes.set(tail, length);
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    return bytes;
  });
  withoutGrowth(() =>
    fc.assert(
      fc.property(fc.oneof(spoilt, fc.uint8Array({ maxLength: 100 })), (bytes) => {
        try {
          const { samples, channels, sampleRate } = readWav(bytes);
          // No more comes out than was in it.
          assert(samples.length <= bytes.length && samples.length % channels === 0);
          assert(sampleRate > 0);
        } catch (error) {
          assert(error instanceof RangeError, String(error));
        }
      }),
      { numRuns },
    )
  );
});
