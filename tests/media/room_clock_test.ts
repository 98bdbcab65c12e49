import { assert, assertEquals } from "@std/assert";
import { RoomClock } from "../../src/media/room/room_clock.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

function setUp(count: number) {
  const clock = new VirtualClock();
  const ticks: { number: number; at: number; behind: number }[] = [];
  const room = new RoomClock({
    clock,
    onTick: (number, behind) => ticks.push({ number, at: clock.now(), behind }),
  });
  const members = Array.from({ length: count }, () => room.attach());
  /** Frames of these members, one after the other. */
  const deliver = (indices: number[], frames = 1) =>
    indices.map((index) => {
      let number = -1;
      for (let frame = 0; frame < frames; frame++) {
        number = room.arrive(members[index]!);
        room.delivered();
      }
      return number;
    });
  return { clock, room, members, ticks, deliver };
}

Deno.test("without a sink a timer ticks, and does not drift", async () => {
  const { clock, room, ticks } = setUp(0);
  room.start();
  for (let step = 0; step < 100; step++) await clock.advance(7.5);
  assertEquals(ticks.length, 75);
  assertEquals(ticks.map(({ number }) => number), Array.from({ length: 75 }, (_, tick) => tick));
  room.stop();
  assertEquals(clock.pending, 0);
});

Deno.test("a timer that is always late ticks as often as one that is not", async () => {
  const { clock, room, ticks } = setUp(0);
  room.start();
  for (let step = 0; step < 100; step++) await clock.stall(13);
  assertEquals(ticks.length, 130);
  room.stop();
});

Deno.test("the timer catches up little, and the numbers show what was left out", async () => {
  const { clock, room, ticks } = setUp(0);
  room.start();
  await clock.advance(100);
  const before = ticks.length;
  await clock.stall(500);
  assertEquals(ticks.length - before, 3);
  assertEquals(ticks.at(-1)!.number, 59);
  room.stop();
});

Deno.test("the sinks' tick is the room's, the moment all have delivered", async () => {
  const { clock, room, ticks, deliver } = setUp(3);
  room.start();
  deliver([0, 1, 2]);
  for (let tick = 0; tick < 5; tick++) {
    await clock.advance(10);
    ticks.length = 0;
    deliver([2, 0]);
    assertEquals(ticks.length, 0);
    deliver([1]);
    assertEquals(ticks.map(({ at, behind }) => [at, behind]), [[clock.now(), 0]]);
  }
  assertEquals(room.isTimed, false);
  room.stop();
});

Deno.test("a sink that is late is waited for 2 ms, and comes too late after that", async () => {
  const { clock, room, ticks, deliver } = setUp(2);
  room.start();
  deliver([0, 1]);
  await clock.advance(10);
  deliver([0, 1]);
  await clock.advance(10);
  ticks.length = 0;
  deliver([0]);
  await clock.advance(1.9);
  assertEquals(ticks.length, 0);
  await clock.advance(0.2);
  assertEquals(ticks.length, 1);
  assertEquals(deliver([1]), [-1]);
  // On the next tick it is on time again.
  await clock.advance(7.9);
  ticks.length = 0;
  deliver([0, 1]);
  assertEquals(ticks.length, 1);
  room.stop();
});

Deno.test("frames that were held up with the timer are in time", async () => {
  const { clock, room, ticks, deliver } = setUp(2);
  room.start();
  for (let tick = 0; tick < 3; tick++) {
    deliver([0, 1]);
    await clock.advance(10);
  }
  ticks.length = 0;
  deliver([0]);
  // The program stands still for 8 ms: the timer is woken before the frame that came meanwhile.
  const late = clock.schedule(() => assertEquals(deliver([1]).map((one) => one < 0), [false]), 5);
  await clock.stall(8);
  await clock.advance(1);
  late[Symbol.dispose]();
  assertEquals([ticks.length, room.lateTicks], [1, 0]);
  room.stop();
});

Deno.test("backlogs that come sink by sink after a stall fall on the same ticks", async () => {
  const { clock, room, ticks, deliver } = setUp(3);
  room.start();
  for (let tick = 0; tick < 10; tick++) {
    deliver([0, 1, 2]);
    await clock.advance(10);
  }
  ticks.length = 0;
  await clock.stall(300);
  const last = [0, 1, 2].flatMap((index) => deliver([index], 30));
  assertEquals(new Set(last).size, 1, "all end at the same number");
  await clock.advance(5);
  assertEquals(ticks.length, 30);
  assertEquals(ticks.at(-1)!.behind, 0);
  assertEquals(room.lateTicks, 0);
  room.stop();
});

Deno.test("a sink that stops is waited for no longer than ten ticks, and may come back", async () => {
  const { clock, room, ticks, deliver } = setUp(2);
  room.start();
  for (let tick = 0; tick < 20; tick++) {
    deliver([0, 1]);
    await clock.advance(10);
  }
  for (let tick = 0; tick < 12; tick++) {
    deliver([0]);
    await clock.advance(10);
  }
  ticks.length = 0;
  deliver([0]);
  assertEquals(ticks.length, 1, "immediately: no sink is waited for");
  // Its first frame comes after the tick that did not wait for it; the next is in its place.
  await clock.advance(10);
  deliver([0, 1]);
  await clock.advance(10);
  assertEquals(new Set(deliver([0, 1])).size, 1, "back on the common grid");
  room.stop();
});

Deno.test("a sink that lost a frame is put back on the common grid", async () => {
  const { clock, room, deliver } = setUp(2);
  room.start();
  for (let tick = 0; tick < 10; tick++) {
    deliver([0, 1]);
    await clock.advance(10);
  }
  deliver([0]);
  await clock.advance(10);
  let numbers: number[] = [];
  for (let tick = 0; tick < 20; tick++) {
    numbers = deliver([0, 1]);
    await clock.advance(10);
  }
  assertEquals(numbers[0], numbers[1]);
  room.stop();
});

Deno.test("when the last sink goes the timer stands in, and gives way to the next", async () => {
  const { clock, room, members, ticks, deliver } = setUp(1);
  room.start();
  for (let tick = 0; tick < 10; tick++) {
    deliver([0]);
    await clock.advance(10);
  }
  assertEquals(room.isTimed, false);
  room.detach(members[0]!);
  await clock.advance(200);
  assertEquals(room.isTimed, true);
  const numbers = ticks.map(({ number }) => number);
  assertEquals(numbers, numbers.map((_, index) => numbers[0]! + index), "no number is left out");
  const gaps = ticks.slice(1).map(({ at }, index) => at - ticks[index]!.at);
  assert(Math.max(...gaps) <= 90, `gap of ${Math.max(...gaps)} ms`);
  members[0] = room.attach();
  deliver([0]);
  assertEquals(room.isTimed, false);
  room.stop();
  assertEquals(clock.pending, 0);
});
