import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { UnplayedAudio } from "../../src/media/parent/unplayed_audio.ts";

/** Samples for each millisecond of the room. */
const PER_MS = 48;

Deno.test("UnplayedAudio sends again exactly what was not played, for any chunks and losses", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 30 }),
      fc.array(fc.record({ sends: fc.nat(8), plays: fc.nat(60), isLost: fc.boolean() }), {
        maxLength: 20,
      }),
      (lengths, steps) => {
        const unplayed = new UnplayedAudio();
        let value = 0;
        for (const ms of lengths) {
          // Each sample is its own number, cut to 16 bits.
          const samples = Int16Array.from({ length: ms * PER_MS }, () => value++);
          unplayed.add({ samples, epoch: 0, final: false });
        }
        const total = value;
        /** What the process of the moment has, and how much was played of all. */
        let held: number[] = [];
        let played = 0;
        for (const { sends, plays, isLost } of steps) {
          for (let send = 0; send < sends && unplayed.hasNext; send++) {
            held.push(...unplayed.next!.samples);
            unplayed.sent();
          }
          const heard = held.splice(0, plays * PER_MS);
          for (const sample of heard) assertEquals(sample, (played++ << 16) >> 16);
          unplayed.passed(played / PER_MS);
          if (!isLost) continue;
          held = [];
          unplayed.rewind();
        }
        held = [];
        unplayed.rewind();
        for (; unplayed.hasNext; unplayed.sent()) held.push(...unplayed.next!.samples);
        assertEquals(held.length, total - played);
      },
    ),
    { numRuns: 200, seed: 14 },
  );
});

Deno.test("UnplayedAudio keeps the end of an utterance that was not sent, and forgets all of an epoch", () => {
  const unplayed = new UnplayedAudio();
  const chunk = { samples: new Int16Array(480), epoch: 0, final: false };
  unplayed.add(chunk);
  unplayed.sent();
  unplayed.add({ samples: new Int16Array(0), epoch: 0, final: true });
  unplayed.passed(10);
  assertEquals([unplayed.hasNext, unplayed.next?.final, unplayed.durationMs], [true, true, 0]);
  unplayed.clear();
  assertEquals([unplayed.hasNext, unplayed.next], [false, undefined]);
});
