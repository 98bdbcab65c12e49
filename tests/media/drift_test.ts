/** Half an hour with a clock that is 200 ppm off, and jitter, in virtual time. */
import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { TICK_MS } from "../../src/audio/grid.ts";
import { Playout } from "../../src/media/room/playout.ts";
import { RoomClock } from "../../src/media/room/room_clock.ts";
import { TICK_SAMPLES } from "../../src/media/wire/time.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

const MINUTES = 30;
const PPM = 200e-6;

/** Returns numbers from 0 to 1 that are the same each time. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

for (const ppm of [PPM, -PPM]) {
  const name = ppm > 0 ? "fast" : "slow";

  Deno.test(`a live Playout has no slope with a source 200 ppm too ${name}`, () => {
    let now = 0;
    const schedule = () => {
      throw new Error("a playout schedules nothing");
    };
    const playout = new Playout({ clock: { now: () => now, epochMs: () => 0, schedule } });
    playout.bind(1, "live", 0);
    const random = randomNumbers(7);
    const slot = new Int16Array(2 * TICK_SAMPLES).fill(900);
    const slotMs = 2 * TICK_MS / (1 + ppm);
    const depths: number[] = [];
    let [pushed, saidAt, sum] = [0, 4, 0];
    for (let tick = 0; tick < MINUTES * 60_000 / TICK_MS; tick++) {
      // What the source says comes up to 4 ms late.
      for (; saidAt < tick * TICK_MS; saidAt = (pushed / slot.length) * slotMs + 4 * random()) {
        now = saidAt;
        playout.push(slot, { stream: 1, epoch: 0 });
        pushed += slot.length;
      }
      now = tick * TICK_MS;
      playout.read();
      sum += playout.depth;
      if (tick % 6000 !== 5999) continue;
      depths.push(sum / 6000 / 48);
      sum = 0;
    }
    assertLess(Math.max(...depths), 35, "the mean of every minute");
    const [first, last] = [depths.slice(0, 10), depths.slice(-10)].map((part) =>
      part.reduce((all, depth) => all + depth, 0) / part.length
    ) as [number, number];
    assertAlmostEquals(last, first, 5, "no slope");
    const { playedMs, trimmedMs, bufferedMs } = playout.state();
    assertEquals(Math.round((playedMs + trimmedMs + bufferedMs) * 48), pushed, "nothing is lost");
    // 360 ms are too many; a lead that is not needed for a while goes too, and comes back as a gap.
    assert(trimmedMs < (ppm > 0 ? 360 : 0) + 2000, `${trimmedMs} ms`);
  });

  Deno.test(`RoomClock loses no frame of sinks that tick 200 ppm too ${name}`, async () => {
    const clock = new VirtualClock();
    let [ticks, last, late] = [0, -1, 0];
    const room = new RoomClock({
      clock,
      onTick: (number) => {
        if (ticks++ > 0 && number !== last + 1) late++;
        last = number;
      },
    });
    room.start();
    const sinks = [room.attach(), room.attach()];
    const random = randomNumbers(3);
    const frames = MINUTES * 60_000 / TICK_MS;
    const tickMs = TICK_MS / (1 + ppm);
    for (let frame = 0; frame < frames; frame++) {
      // wrtc's sinks tick together, up to 3 ms late.
      const at = frame * tickMs + 3 * random();
      await clock.advance(Math.max(0, at - clock.now()));
      for (const sink of sinks) late += room.arrive(sink) < 0 ? 1 : 0;
      room.delivered();
    }
    assertEquals([late, room.lateTicks], [0, 0]);
    assertAlmostEquals(ticks, frames, 3);
    room.stop();
  });
}
