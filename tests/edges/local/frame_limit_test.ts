import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { FrameLimit } from "../../../src/edges/local/child/frame_limit.ts";
import { checkLimits } from "../../../src/edges/local/wire/limits.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";

/** A client's frame of so many bytes. */
function frame(length: number, opcode = 1): Uint8Array {
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const bytes = new Uint8Array(2 + extended + 4 + length).fill(0x8a);
  bytes[0] = 0x80 | opcode;
  bytes[1] = 0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127);
  const view = new DataView(bytes.buffer);
  if (extended === 2) view.setUint16(2, length);
  else if (extended === 8) view.setBigUint64(2, BigInt(length));
  return bytes;
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(pieces.flatMap((piece) => [...piece]));
}

function welcomed(clock = new VirtualClock()): FrameLimit {
  const limit = new FrameLimit(clock, checkLimits({ messagesPerSecond: 5, messageSize: 1000 }));
  limit.admit();
  return limit;
}

Deno.test("FrameLimit passes four frames for each message, and refills", async () => {
  const burst = welcomed();
  // Bursts last four seconds.
  assertEquals(burst.take(concat(Array(80).fill(frame(0, 10)))), true);
  assertEquals(burst.take(frame(0, 10)), false);

  const clock = new VirtualClock();
  const steady = welcomed(clock);
  assertEquals(steady.take(concat(Array(80).fill(frame(0, 9)))), true);
  await clock.advance(1000);
  assertEquals(steady.take(concat(Array(20).fill(frame(0, 9)))), true);
  assertEquals(steady.take(frame(3)), false);
});

Deno.test("FrameLimit counts frames of any length in any pieces", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 100, max: 200 }), fc.constant(66_000)), {
        minLength: 80,
        maxLength: 80,
      }),
      fc.integer({ min: 1, max: 5000 }),
      (lengths, size) => {
        const limit = new FrameLimit(
          new VirtualClock(),
          checkLimits({ messagesPerSecond: 5, messageSize: 1e6 }),
        );
        limit.admit();
        const frames = lengths.map((length) => frame(length));
        for (const one of frames) {
          for (let at = 0; at < one.length; at += size) {
            assertEquals(limit.take(one.subarray(at, at + size)), true);
          }
        }
        assertEquals(limit.take(frame(0)), false);
      },
    ),
    { numRuns: 10 },
  );
});

Deno.test("FrameLimit limits bytes: few before the hello, and what was on its way after the end", () => {
  const limits = checkLimits({ messagesPerSecond: 5, messageSize: 1000 });
  const silent = new FrameLimit(new VirtualClock(), limits);
  assertEquals(silent.take(new Uint8Array(4097)), false);

  const talking = welcomed();
  assertEquals(talking.take(frame(1000 * 3 * 5 * 4 - 8)), true);
  assertEquals(talking.take(new Uint8Array(1)), false);

  const ended = welcomed();
  ended.finish();
  assertEquals(ended.take(frame(900)), true);
  assertEquals(ended.take(frame(900)), false);
});
