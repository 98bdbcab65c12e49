import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { PictureTurns } from "../../src/media/child/picture_turns.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

/** Cameras whose pictures take so long each, on a virtual clock that goes on while they are worked on. */
function cameras(list: { fps: number; tookMs: number; phaseMs?: number }[], seconds: number) {
  const virtual = new VirtualClock();
  let workedMs = 0;
  let latest = -Infinity;
  const clock = {
    now: () => virtual.now() + workedMs,
    epochMs: () => virtual.epochMs(),
    schedule: (act: () => void, ms: number) => virtual.schedule(act, ms),
  };
  const turns = new PictureTurns(clock);
  const tracks = list.map((camera) => ({ ...camera, shown: [] as number[], sent: -1 }));
  for (const track of tracks) {
    for (let index = 0; index < track.fps * seconds; index++) {
      virtual.schedule(() => {
        track.sent = index;
        turns.take(track, () => {
          assert(clock.now() >= latest, "one at a time");
          workedMs += track.tookMs;
          latest = clock.now();
          track.shown.push(index);
        });
      }, (track.phaseMs ?? 0) + index * 1000 / track.fps);
    }
  }
  return { virtual, tracks, load: () => workedMs / (virtual.now() + workedMs) };
}

Deno.test("PictureTurns gives all cameras together a fifth of the time, and each as many turns", async () => {
  const { virtual, tracks, load } = cameras(
    Array.from({ length: 6 }, (_, index) => ({ fps: 30, tookMs: 10, phaseMs: index * 3 })),
    10,
  );
  await virtual.advance(11_000);
  assert(load() <= 0.21 && load() > 0.17, `${load()}`);
  const counts = tracks.map(({ shown }) => shown.length);
  assert(Math.max(...counts) - Math.min(...counts) <= 1, `${counts}`);
});

Deno.test("PictureTurns shows all pictures of one camera that has the time, immediately", async () => {
  const { virtual, tracks: [camera] } = cameras([{ fps: 30, tookMs: 6 }], 5);
  await virtual.advance(6000);
  assertEquals(camera!.shown.length, 150);
});

Deno.test("PictureTurns leaves no slow camera behind quick ones, and loses no last picture", async () => {
  const quick = Array.from({ length: 5 }, () => ({ fps: 30, tookMs: 8 }));
  const { virtual, tracks } = cameras([...quick, { fps: 2, tookMs: 8 }], 10);
  await virtual.advance(12_000);
  assertEquals(tracks.at(-1)!.shown.length, 20);
  for (const { shown, sent } of tracks) assertEquals(shown.at(-1), sent);
});

Deno.test("PictureTurns never takes more than its part, and starves no camera, whatever they are like", async () => {
  const camera = fc.record({
    fps: fc.integer({ min: 5, max: 30 }),
    tookMs: fc.integer({ min: 1, max: 20 }),
    phaseMs: fc.integer({ min: 0, max: 99 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(camera, { minLength: 1, maxLength: 6 }), async (list) => {
      const { virtual, tracks, load } = cameras(list, 4);
      await virtual.advance(6000);
      assert(load() <= 0.21, `${load()}`);
      // A round of all takes that long at most.
      const roundMs = list.reduce((sum, { tookMs }) => sum + tookMs * 5, 0);
      for (const { fps, shown, sent } of tracks) {
        assert(shown.length >= Math.floor(Math.min(fps, 1000 / (roundMs + 1000 / fps)) * 2.5));
        assertEquals(shown.at(-1), sent);
      }
    }),
    { numRuns: 40 },
  );
});

Deno.test("PictureTurns forgets a track that is closed, and outlives work that throws", async () => {
  const clock = new VirtualClock();
  let workedMs = 0;
  const shifted = {
    now: () => clock.now() + workedMs,
    epochMs: () => clock.epochMs(),
    schedule: (act: () => void, ms: number) => clock.schedule(act, ms),
  };
  const turns = new PictureTurns(shifted);
  const done: string[] = [];
  const [first, second, third] = [{}, {}, {}];
  try {
    turns.take(first, () => {
      workedMs += 10;
      throw new Error("a picture of no size");
    });
  } catch (error) {
    done.push((error as Error).message);
  }
  turns.take(second, () => void done.push("second"));
  turns.take(third, () => void done.push("third"));
  turns.drop(second);
  await clock.advance(1000);
  assertEquals(done, ["a picture of no size", "third"]);
});
