import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { Heartbeat } from "../../src/events/heartbeat.ts";

/** A heartbeat that counts its verdicts. */
function start() {
  const clock = new VirtualClock();
  const verdicts: number[] = [];
  const heartbeat = new Heartbeat({ clock, onSilent: () => void verdicts.push(clock.now()) });
  return { clock, heartbeat, verdicts };
}

Deno.test("Heartbeat judges after 3 s of silence, once", async () => {
  const { clock, heartbeat, verdicts } = start();
  for (let beat = 0; beat < 10; beat++) {
    await clock.advance(500);
    heartbeat.says();
  }
  await clock.advance(2900);
  assertEquals(verdicts, []);
  await clock.advance(60_000);
  assertEquals([verdicts, clock.pending], [[8000], 0]);
});

Deno.test("Heartbeat judges after another time where it is told to", async () => {
  const clock = new VirtualClock();
  const verdicts: number[] = [];
  const onSilent = (): void => void verdicts.push(clock.now());
  using _heartbeat = new Heartbeat({ clock, onSilent, silentMs: 10_000 });
  await clock.advance(9900);
  assertEquals(verdicts, []);
  await clock.advance(60_000);
  assertEquals(verdicts, [10_000]);
});

Deno.test("Heartbeat does not judge a process that could not be heard: its program was blocked", async () => {
  const { clock, heartbeat, verdicts } = start();
  await clock.stall(5000);
  await clock.advance(200);
  // What had come in is read now.
  heartbeat.says();
  // In the last moment before the verdict, too: what came in during the stall is read before it.
  await clock.advance(2800);
  await clock.stall(5000);
  assertEquals(verdicts, []);
  heartbeat.says();
  await clock.advance(2000);
  assertEquals(verdicts, []);
  heartbeat[Symbol.dispose]();
  assertEquals(clock.pending, 0);
});

Deno.test("Heartbeat judges a dead process also in a program that is always late", async () => {
  const { clock, verdicts } = start();
  for (let turn = 0; turn < 20; turn++) await clock.stall(900);
  assertEquals(verdicts.length, 1);
});

Deno.test("Heartbeat never judges a process that is heard between any two stalls, however long", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 9000 })), {
        maxLength: 40,
      }),
      async (turns) => {
        const { clock, heartbeat, verdicts } = start();
        for (const [quietMs, stallMs] of turns) {
          await clock.advance(quietMs);
          await clock.stall(stallMs);
          heartbeat.says();
        }
        assertEquals(verdicts, []);
        heartbeat[Symbol.dispose]();
      },
    ),
    { numRuns: 50, seed: 14 },
  );
});
